"""Errands: background tasks that count what there is or take it away, and send nothing."""
