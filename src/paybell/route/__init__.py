"""Step 3: which endpoints of which applications want this."""
