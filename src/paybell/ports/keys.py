"""What all ask of the store about organisations and their keys."""

from collections.abc import Sequence
from typing import Protocol

from paybell.model.key import ApiKey
from paybell.model.source import Organisation
from paybell.ports.paging import Page, PageQuery


class KeyStore(Protocol):
    """Organisations, API keys and portal tokens."""

    async def organisation_create(self, organisation: Organisation) -> None:
        """Conflict when the name is taken."""
        ...

    async def organisation_list(self) -> tuple[Organisation, ...]:
        """All organisations, oldest first."""
        ...

    async def api_key_create(self, key: ApiKey, key_hash: bytes) -> None:
        """Keep a key's hash; a hash already kept is left as it is."""
        ...

    async def api_key_find(self, key_hash: bytes) -> ApiKey | None:
        """The key with that hash."""
        ...

    async def api_key_get(self, organisation_id: str, key_id: str) -> ApiKey:
        """An API key of the organisation, no portal token; NotFound otherwise."""
        ...

    async def api_key_page(self, query: PageQuery) -> Page[ApiKey]:
        """An organisation's API keys, portal tokens left out, newest first."""
        ...

    async def api_key_revoke(self, organisation_id: str, key_id: str, *, at_ms: int) -> None:
        """End a key or token at that time, unless it ends before; NotFound when there is none."""
        ...

    async def api_key_touch(self, key_id: str, *, now_ms: int) -> None:
        """Note that a key was used."""
        ...

    async def portal_revoke(
        self, organisation_id: str, application_id: str, session_ids: Sequence[str], *, at_ms: int
    ) -> None:
        """End an application's portal tokens at that time; of these sessions alone, where any are named."""
        ...
