"""Step 2: facts become payments, and what changed becomes messages."""
