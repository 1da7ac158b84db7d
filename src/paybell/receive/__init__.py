"""Step 1: a webhook request is verified, appended and only then answered."""
