"""Secrets at rest: AES-256-GCM under one key from the environment or from a file beside the database.

The row's id is authenticated with each box, so that a box moved to another row does not open.
"""

import base64
import binascii
import contextlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from paybell.clock import Clock
from paybell.errors import ConfigurationError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSION: Final = b"\x01"


class Seal:
    """Closes boxes under one key, and opens those closed under it or under one of the ``others``."""

    def __init__(self, key: bytes, clock: Clock, *others: bytes) -> None:
        self._aead = AESGCM(key)
        self._openers = (self._aead, *map(AESGCM, others))
        self._clock = clock

    def close(self, content: bytes, row_id: str) -> bytes:
        """Encrypt ``content`` for the row."""
        nonce = self._clock.new_secret(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, content, row_id.encode())

    def open(self, box: bytes, row_id: str) -> bytes:
        """Decrypt; :class:`~paybell.errors.ConfigurationError` when it was closed under another key."""
        nonce, content = box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :]
        for aead in self._openers:
            with contextlib.suppress(InvalidTag, ValueError):  # ValueError: too short to be a box
                return aead.decrypt(nonce, content, row_id.encode())
        raise ConfigurationError(
            f"the secrets of {row_id} were sealed under another key: start with the PAYBELL_SECRET_KEY, or the "
            "key file beside the database, that they were written with"
        )


def key_from_text(text: str) -> bytes:
    """Read a key of 32 bytes in base64."""
    key = _decoded(text)
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            "PAYBELL_SECRET_KEY must be 32 bytes in base64: make one with `openssl rand -base64 32`"
        )
    return key


def key_from_file(path: Path, clock: Clock) -> bytes:
    """Read the key file, or make one that only its owner can read."""
    try:
        key = _decoded(_text_of(path, clock))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read or make the key file {path} ({error}): choose another place for the database, or set "
            "PAYBELL_SECRET_KEY"
        ) from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"the key file {path} does not hold 32 bytes in base64: put its copy back, since what is sealed opens with "
            "that key alone"
        )
    return key


def _text_of(path: Path, clock: Clock) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(clock.new_secret(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # atomic, and never over a key that another process has just made
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes().decode("ascii", "replace").strip()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
