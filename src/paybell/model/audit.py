"""The audit log: who changed what, and from where."""

from typing import Final

from msgspec import Struct

CLI: Final = "cli"
"""The actor of a change by the command line."""
FIELDS_MAX: Final = 50
NAME_CHARS_MAX: Final = 256


class AuditLine(Struct, frozen=True, kw_only=True):
    """One change. It names what was changed and never says from what to what, since that may be secret."""

    id: str
    organisation_id: str
    at_ms: int
    actor: str
    """The id of an API key or portal token, or :data:`CLI`."""
    operation: str
    """As the OpenAPI document names it; for commands in the same words."""
    objects: tuple[str, ...] = ()
    """The ids of what was changed, the outermost first: an application, its endpoint."""
    fields: tuple[str, ...] = ()
    """The names of the fields that were given."""
    address: str = ""
    """Where the request came from; for commands the user and machine."""
