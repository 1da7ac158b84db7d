"""A pretend gateway: a table of events, each a function that builds the body."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import ConfigurationError

Json = Mapping[str, object]

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class SignedRequest(Struct, frozen=True):
    """A webhook request: headers, body, and what follows the source in the URL's path ('' for nothing)."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    token: str = ""


class Asked(Struct, frozen=True, kw_only=True):
    """What to put into a request. Amounts in ISO 4217 minor units, times in seconds since 1970."""

    event: str
    payment_id: str
    order_id: str
    amount_minor: int
    currency: str
    secret: str
    at_s: int
    livemode: bool
    event_id: str
    refund_id: str
    refund_minor: int
    started_at_s: int

    def tag(self, *parts: str) -> str:
        """Sixteen characters that depend on the parts alone, for ids nobody gave."""
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


class Pretender(Struct, frozen=True, kw_only=True):
    """A pretend gateway. ``options`` are what a source needs, so that it believes these requests."""

    name: str
    builders: Mapping[str, Callable[[Asked], Json]]
    sign: Callable[[Asked, bytes], SignedRequest]
    payment_id: str
    currency: str
    options: Mapping[str, object] = {}

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events it can send."""
        return tuple(self.builders)

    def signed(
        self,
        event: str,
        *,
        payment_id: str = "",
        order_id: str = "order_1001",
        amount_minor: int = 10_000,
        currency: str = "",
        secret: str,
        at_s: int,
        livemode: bool = False,
        event_id: str = "",
        refund_id: str = "",
        refund_minor: int = 0,
        started_at_s: int = 0,
    ) -> SignedRequest:
        """One request as the gateway would send it at ``at_s``; ``secret`` signs it (IppoPay: is the URL's token).

        Empty ids are made up from the other arguments. 0 means for ``refund_minor`` all of the amount, for
        ``started_at_s`` (when the payment began) a second before ``at_s``.
        :class:`~paybell.errors.ConfigurationError` for an event it cannot send, listing those it can.
        """
        build = self.builders.get(event)
        if build is None:
            raise ConfigurationError(
                f"the pretend gateway {self.name!r} has no event {event[:64]!r}; it has: {', '.join(self.events)}"
            )
        asked = Asked(
            event=event,
            payment_id=payment_id or self.payment_id,
            order_id=order_id,
            amount_minor=amount_minor,
            currency=(currency or self.currency).upper(),
            secret=secret,
            at_s=at_s,
            livemode=livemode,
            event_id=event_id,
            refund_id=refund_id,
            refund_minor=refund_minor or amount_minor,
            started_at_s=started_at_s or at_s - 1,
        )
        return self.sign(asked, encode(build(asked)))


def encode(value: Json) -> bytes:
    """Compact JSON; decimals as exact numbers."""
    return _ENCODER.encode(value)


def hex_hmac(secret: str, signed: bytes) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.digest(secret.encode(), signed, "sha256").hex()
