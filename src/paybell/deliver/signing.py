"""Sign a delivery as Standard Webhooks say, under all its endpoint's secrets: v1 (HMAC-SHA256), v1a (Ed25519). Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from paybell.errors import ConfigurationError

Signer = Callable[[bytes], str]
"""Signed content -> one signature, with its version before it."""

_SHARED: Final = "whsec_"
_PRIVATE: Final = "whsk_"
_PUBLIC: Final = "whpk_"
_SHARED_BYTES: Final = range(24, 65)
_SEED_BYTES: Final = 32
"""Of an Ed25519 key: alone, or with the 32 bytes of its public key behind it."""
_REFUSED: Final = (
    "an endpoint's secret is whsec_ followed by 24 to 64 bytes in base64, "
    "or whsk_ followed by the 32 or 64 bytes of an Ed25519 key"
)


def sign(message_id: str, timestamp_s: int, body: bytes, secrets: Iterable[str]) -> str:
    """The ``webhook-signature``: one signature under every secret, in their order, space-separated."""
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp_s, body)
    return " ".join(signer(secret)(signed) for secret in secrets)


@lru_cache(maxsize=4096)
def signer(secret: str) -> Signer:
    """What signs under a secret, prepared once; :class:`~paybell.errors.ConfigurationError` where it is none."""
    if secret.startswith(_PRIVATE):
        sign_bytes = _private_key(secret).sign
        return lambda signed: "v1a," + base64.b64encode(sign_bytes(signed)).decode()
    keyed = hmac.new(_shared_key(secret), digestmod=sha256)

    def sign_shared(signed: bytes) -> str:
        mac = keyed.copy()  # at half the price of taking in the key once more
        mac.update(signed)
        return "v1," + base64.b64encode(mac.digest()).decode()

    return sign_shared


def check_secret(secret: str) -> None:
    """Refuse, with :class:`~paybell.errors.ConfigurationError`, what nothing can be signed under."""
    signer(secret)


def receivers_key(secret: str) -> str:
    """What a receiver verifies with: the shared secret itself, or ``whpk_`` and the public key."""
    if not secret.startswith(_PRIVATE):
        return secret
    return _PUBLIC + base64.b64encode(_private_key(secret).public_key().public_bytes_raw()).decode()


def secret_from(key: bytes) -> str:
    """A secret to share, of 24 to 64 bytes that nobody can guess."""
    return _SHARED + base64.b64encode(key).decode()


def private_secret_from(seed: bytes) -> str:
    """A secret that receivers need not have, of 32 bytes that nobody can guess."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return _PRIVATE + base64.b64encode(seed + public).decode()


def secret_like(secret: str, key: bytes) -> str:
    """A fresh secret of the same kind, from 32 bytes that nobody can guess."""
    return private_secret_from(key) if secret.startswith(_PRIVATE) else secret_from(key)


def _shared_key(secret: str) -> bytes:
    key = _decoded(secret, _SHARED)
    if len(key) not in _SHARED_BYTES:
        raise ConfigurationError(_REFUSED)
    return key


def _private_key(secret: str) -> Ed25519PrivateKey:
    """A public half that is not the private one's would make receivers refuse everything."""
    key = _decoded(secret, _PRIVATE)
    seed, public = key[:_SEED_BYTES], key[_SEED_BYTES:]
    if len(seed) < _SEED_BYTES:
        raise ConfigurationError(_REFUSED)
    private = Ed25519PrivateKey.from_private_bytes(seed)
    if public and public != private.public_key().public_bytes_raw():
        raise ConfigurationError(_REFUSED)
    return private


def _decoded(secret: str, prefix: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    return key if secret.startswith(prefix) else b""
