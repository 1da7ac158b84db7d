"""``python -m paybell``."""

from paybell.cli.main import run

run()
