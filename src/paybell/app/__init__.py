"""The composition root: the only package that names concrete adapters and puts the steps together."""

from paybell.app.bell import Paybell
from paybell.app.stores import open_store

__all__ = ["Paybell", "open_store"]
