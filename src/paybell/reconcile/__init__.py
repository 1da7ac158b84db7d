"""Step 5: ask the gateways: what a hint means, and (in a later issue) what was missed."""
