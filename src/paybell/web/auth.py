"""Bearer keys: how they look, how they are kept, and who is behind one."""

import base64
from hashlib import sha256
from typing import Final

from paybell.clock import Clock
from paybell.model.source import ApiKey
from paybell.ports import DirectoryStore

KEY_CHARS_MAX: Final = 512
_KEY_BYTES: Final = 32
_KNOWN_MS: Final = 1000
_KNOWN_MAX: Final = 1024


def new_key(clock: Clock) -> str:
    """A fresh key: ``pbk_`` and 43 URL-safe characters (256 bits). Shown once; only its hash is kept."""
    return "pbk_" + base64.urlsafe_b64encode(clock.new_secret(_KEY_BYTES)).rstrip(b"=").decode()


def hash_key(key: str) -> bytes:
    """What is kept of a key: SHA-256, 32 bytes. Keys are long and random, so that a slow hash would add nothing."""
    return sha256(key.encode()).digest()


def bearer_key(authorization: str) -> str:
    """The key in an ``Authorization`` header's value (RFC 6750), '' where there is none."""
    scheme, _, key = authorization.partition(" ")
    key = key.strip(" ")
    fits = scheme.lower() == "bearer" and len(key) <= KEY_CHARS_MAX and key.isascii() and key.isprintable()
    return key if fits and " " not in key else ""


class KeyRing:
    """Finds keys in the store and remembers the valid ones for a second: each request names one."""

    def __init__(self, store: DirectoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[bytes, tuple[int, ApiKey]] = {}

    async def find(self, authorization: str) -> ApiKey | None:
        """The valid key that the header's value holds; None when missing, unknown, expired or revoked."""
        key = bearer_key(authorization)
        if not key:
            return None
        now_ms = self._clock.now_ms()
        found = await self._lookup(hash_key(key), now_ms)
        return found if found is not None and _is_valid(found, now_ms) else None

    async def _lookup(self, key_hash: bytes, now_ms: int) -> ApiKey | None:
        known = self._known.get(key_hash)
        if known is not None and 0 <= now_ms - known[0] <= _KNOWN_MS:
            return known[1]
        found = await self._store.api_key_find(key_hash)
        if found is not None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[key_hash] = (now_ms, found)
        return found


def _is_valid(key: ApiKey, now_ms: int) -> bool:
    expired = key.expires_at_ms is not None and key.expires_at_ms <= now_ms
    revoked = key.revoked_at_ms is not None and key.revoked_at_ms <= now_ms
    return not expired and not revoked
