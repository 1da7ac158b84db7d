"""What a receiver sees and what it says: the records of :mod:`paybell.testing.receiver`."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from msgspec import Struct


class Received(Struct, frozen=True, kw_only=True):
    """One request as it came. ``arrived_s`` is when its last byte was read, in seconds of the receiver's clock.

    Header names are in lower case, in the order they came. ``verified`` is True where nothing had to be verified.
    """

    arrived_s: float
    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    verified: bool = True

    def header(self, name: str) -> str:
        """The first header of that lower-case name; '' where there is none."""
        wanted = name.encode()
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), "")

    @property
    def webhook_id(self) -> str:
        """The message's id by Standard Webhooks; the same for every attempt."""
        return self.header("webhook-id")


class Reply(Struct, frozen=True, kw_only=True):
    """What to answer, and after how long. ``status_code`` 0 closes the connection without an answer."""

    status_code: int = 200
    delay_s: float = 0.0
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Received], Reply]
"""Decides what a request is answered."""

Verify = Callable[[Received], bool]
"""Decides whether a request is genuine."""


class StandardWebhooks:
    """Verifies Standard Webhooks ``v1`` signatures with one secret (``whsec_`` and base64).

    Written apart from Paybell's own signing on purpose, so that one checks the other. The time is not judged.
    Source: the Standard Webhooks specification, "Signature scheme".
    """

    def __init__(self, secret: str) -> None:
        """Decode the secret; ``ValueError`` when it is not base64."""
        self._key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)

    def __call__(self, received: Received) -> bool:
        """Whether any of the space-separated ``v1`` signatures is right."""
        signed = f"{received.webhook_id}.{received.header('webhook-timestamp')}.".encode() + received.body
        right = b"v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256))
        given = received.header("webhook-signature").encode().split(b" ")
        return any(hmac.compare_digest(right, one) for one in given)
