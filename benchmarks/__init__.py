"""Measurements of Paybell as a whole, against a real server process: ``python -m benchmarks --help``."""
