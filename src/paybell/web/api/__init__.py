"""The management API: one module per resource, each thin: parse, call the store, print."""

from paybell.web.api.create import create_api

__all__ = ["create_api"]
