"""A pretend gateway: a table of events, each a function that builds the body."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from paybell.clock import SystemClock
from paybell.errors import ConfigurationError
from paybell.model.money import to_major, to_minor

Json = Mapping[str, object]

SECRET: Final = "whsec_not_a_real_secret"  # noqa: S105 - invented
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class SignedRequest(Struct, frozen=True):
    """A webhook request: headers, body, and what follows the source in the URL (``token`` in its path, ``query``)."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    token: str = ""
    query: str = ""

    @property
    def tail(self) -> str:
        """What the URL has after the source, with its slash and its question mark."""
        return f"{'/' if self.token else ''}{self.token}{'?' if self.query else ''}{self.query}"


class Asked(Struct, frozen=True, kw_only=True):
    """What to put into a request. Amounts in ISO 4217 minor units, times in seconds since 1970.

    ``secret`` signs it, ``token`` ends the URL, ``options`` are those of the source that is to believe it.
    """

    event: str
    payment_id: str
    order_id: str
    amount_minor: int
    currency: str
    secret: str
    token: str
    options: Mapping[str, object]
    at_s: int
    livemode: bool
    event_id: str
    refund_id: str
    refund_minor: int
    started_at_s: int

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with the currency's digits."""
        return to_major(self.amount_minor, self.currency)

    @property
    def refund(self) -> Decimal:
        """The refund's amount in major units."""
        return to_major(self.refund_minor, self.currency)

    def option(self, name: str) -> str:
        """An option that is a text, '' where it is not given."""
        value = self.options.get(name)
        return value if isinstance(value, str) else ""

    def time(self, form: str = "%Y-%m-%dT%H:%M:%SZ", at_s: int | None = None) -> str:
        """The request's time, or another one, in UTC."""
        return datetime.fromtimestamp(self.at_s if at_s is None else at_s, UTC).strftime(form)

    def tag(self, *parts: str) -> str:
        """Sixteen characters that depend on the parts alone, for ids nobody gave."""
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


class Pretender(Struct, frozen=True, kw_only=True):
    """A pretend gateway: for each event what its body says, and how a request of it is signed.

    ``signature_at`` is where its signature stands: ``header:NAME``, ``form:FIELD``, ``json:/POINTER``, ``token``.
    """

    name: str
    builders: Mapping[str, Callable[[Asked], Json]]
    sign: Callable[[Asked, Json], SignedRequest]
    signature_at: str
    payment_id: str
    currency: str
    secret: str = SECRET
    """A secret it can sign with."""
    source_secret: Callable[[str], str] = str
    """From what signs to what a source must hold to believe it: itself, or the public key of a private one."""
    options: Mapping[str, object] = {}
    """What a source needs, so that it believes these requests."""

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events it can send."""
        return tuple(self.builders)

    def signed(
        self,
        event: str,
        *,
        amount: Decimal | str | int | None = None,
        amount_minor: int = 10_000,
        currency: str = "",
        payment_id: str = "",
        order_id: str = "order_1001",
        secret: str = "",
        token: str = "",
        options: Mapping[str, object] | None = None,
        at_s: int = 0,
        livemode: bool = False,
        event_id: str = "",
        refund_id: str = "",
        refund_minor: int = 0,
        started_at_s: int = 0,
        signed_at_s: int = 0,
    ) -> SignedRequest:
        """One request as the gateway would send it at ``at_s`` (0: now); a source that holds ``secret`` believes it.

        ``amount`` is in major units and goes before ``amount_minor``. Empty ids are made up from the other arguments.
        0 means for ``refund_minor`` all of the amount, for ``started_at_s`` (when the payment began) a second before
        ``at_s``, for ``signed_at_s`` (when it is signed and sent) ``at_s`` itself.
        :class:`~paybell.errors.ConfigurationError` for an event it cannot send, listing those it can.
        """
        build = self._builder(event)
        code = (currency or self.currency).upper()
        minor = amount_minor if amount is None else to_minor(amount, code)
        now_s = at_s or SystemClock().now_ms() // 1000
        asked = Asked(
            event=event,
            payment_id=payment_id or self.payment_id,
            order_id=order_id,
            amount_minor=minor,
            currency=code,
            secret=secret or self.secret,
            token=token,
            options=self.options if options is None else options,
            at_s=now_s,
            livemode=livemode,
            event_id=event_id,
            refund_id=refund_id,
            refund_minor=refund_minor or minor,
            started_at_s=started_at_s or now_s - 1,
        )
        return self.sign(replace(asked, at_s=signed_at_s or now_s), build(asked))

    def _builder(self, event: str) -> Callable[[Asked], Json]:
        build = self.builders.get(event)
        if build is None:
            raise ConfigurationError(
                f"the pretend gateway {self.name!r} has no event {event[:64]!r}; it has: {', '.join(self.events)}"
            )
        return build

    @property
    def has_private_key(self) -> bool:
        """Whether it signs with a private key, of which a source holds the public one."""
        return "PRIVATE KEY-----" in self.secret


def encode(value: Json) -> bytes:
    """Compact JSON; decimals as exact numbers."""
    return _ENCODER.encode(value)


def encode_form(value: Json) -> bytes:
    """A form; each value as its text."""
    return urlencode({name: str(each) for name, each in value.items()}).encode()


def json_headers(*more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers of a JSON body, and more."""
    return (("content-type", "application/json"), *more)


def form_headers(*more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers of a form, and more."""
    return (("content-type", "application/x-www-form-urlencoded"), *more)


def hex_hmac(secret: str | bytes, signed: bytes, algorithm: str = "sha256") -> str:
    """An HMAC in hex."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, signed, algorithm).hex()


def base64_hmac(secret: str | bytes, signed: bytes, algorithm: str = "sha256") -> str:
    """An HMAC in base64."""
    return b64encode(bytes.fromhex(hex_hmac(secret, signed, algorithm))).decode()
