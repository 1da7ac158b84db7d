"""Bearer keys: how they look, how they are kept, who is behind one, and whether that may do what is asked."""

import base64
import contextlib
from hashlib import sha256
from typing import Final

from msgspec import Struct

from paybell.clock import Clock
from paybell.errors import NotFound, StoreUnavailable
from paybell.model.key import ApiKey
from paybell.ports import Store
from paybell.web.rights import Need, lack

KEY_CHARS_MAX: Final = 512
_KEY_BYTES: Final = 32
_KNOWN_MS: Final = 1000
_KNOWN_MAX: Final = 1024
_TOUCH_MS: Final = 300_000
"""How coarsely it is noted when a key was last used: not every request is worth a write."""
_UNKNOWN: Final = "Send a valid API key: Authorization: Bearer KEY. `paybell key create` makes one."


def new_key(clock: Clock, prefix: str = "pbk") -> str:
    """A fresh key: ``pbk_`` and 43 URL-safe characters (256 bits). Shown once; only its hash is kept."""
    return f"{prefix}_" + base64.urlsafe_b64encode(clock.new_secret(_KEY_BYTES)).rstrip(b"=").decode()


def hash_key(key: str) -> bytes:
    """What is kept of a key: SHA-256, 32 bytes. Keys are long and random, so that a slow hash would add nothing."""
    return sha256(key.encode()).digest()


def bearer_key(authorization: str) -> str:
    """The key in an ``Authorization`` header's value (RFC 6750), '' where there is none."""
    scheme, _, key = authorization.partition(" ")
    key = key.strip(" ")
    fits = scheme.lower() == "bearer" and len(key) <= KEY_CHARS_MAX and key.isascii() and key.isprintable()
    return key if fits and " " not in key else ""


class Refused(Struct, frozen=True):
    """A request that is not carried out: 401, 403 or 404, and why."""

    status_code: int
    detail: str


class KeyRing:
    """Finds keys in the store and remembers the valid ones for a second: each request names one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[bytes, tuple[int, ApiKey]] = {}

    async def admit(self, authorization: str, need: Need, application: str | None = None) -> ApiKey | Refused:
        """The valid key that the header's value holds, where it may do what is needed.

        ``application`` is the one that the request's path names: to a portal token there is none but its own.
        """
        key = await self._find(authorization)
        if key is None:
            return Refused(401, _UNKNOWN)
        lacking = lack(key, need)
        if lacking:
            return Refused(403, lacking)
        if application is not None and not await self._is_own(key, application):
            return Refused(404, f"no application {application[:64]}")
        return key

    def forget(self) -> None:
        """Look every key up again: one was revoked here, which other nodes see within a second."""
        self._known.clear()

    async def _is_own(self, key: ApiKey, application: str) -> bool:
        if key.portal is None:
            return True
        try:
            found = await self._store.application_lookup(key.organisation_id, application)
        except NotFound:
            return False
        return found.id == key.portal.application_id

    async def _find(self, authorization: str) -> ApiKey | None:
        key = bearer_key(authorization)
        if not key:
            return None
        now_ms = self._clock.now_ms()
        found = await self._lookup(hash_key(key), now_ms)
        return found if found is not None and found.is_valid(now_ms) else None

    async def _lookup(self, key_hash: bytes, now_ms: int) -> ApiKey | None:
        known = self._known.get(key_hash)
        if known is not None and 0 <= now_ms - known[0] <= _KNOWN_MS:
            return known[1]
        found = await self._store.api_key_find(key_hash)
        if found is not None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[key_hash] = (now_ms, found)
            await self._touch(found, now_ms)
        return found

    async def _touch(self, key: ApiKey, now_ms: int) -> None:
        if key.is_valid(now_ms) and now_ms - (key.used_at_ms or 0) >= _TOUCH_MS:
            with contextlib.suppress(StoreUnavailable):  # a full disk keeps nobody from reading
                await self._store.api_key_touch(key.id, now_ms=now_ms)
