"""Replay: messages are sent once more, many at a time, as tasks that outlive whoever works on them."""
