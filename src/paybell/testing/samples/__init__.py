"""What each gateway's webhooks look like, with invented data."""
