"""Step 4: claim, sign, send, judge, record the attempt."""
