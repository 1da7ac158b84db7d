"""The composition root: the only package that names concrete adapters and puts the steps together."""

from paybell.app.archives import copy_database, verify_database
from paybell.app.bell import Paybell
from paybell.app.stores import open_schema, open_store

__all__ = ["Paybell", "copy_database", "open_schema", "open_store", "verify_database"]
