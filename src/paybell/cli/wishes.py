"""What ``paybell trigger`` is asked for, made into one request of a gateway. Pure."""

import base64
import re
import string
from collections.abc import Iterator
from itertools import cycle
from typing import Final

from msgspec import Struct

from paybell.cli.captures import request_of
from paybell.errors import ConfigurationError
from paybell.model.money import to_minor
from paybell.model.notification import Refused
from paybell.model.source import Source
from paybell.ports import Gateway
from paybell.testing.pretender import Pretender, SignedRequest

_HEX: Final = "0123456789abcdef"
_HEX_ID: Final = re.compile(r"[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGITS_MIN: Final = 9
_FROM_END: Final = 4
_ALPHABETS: Final = (string.digits, string.ascii_lowercase, string.ascii_uppercase)


class Wish(Struct, frozen=True, kw_only=True):
    """What to send. Amounts in major units; '' stands for the gateway's usual one, for ``refund`` all of the amount.

    The event's own time lies ``late_s`` before now, the signature's ``skew_s`` after it (before, where negative).
    ``signing_key`` is the private key of a gateway that signs with one, as PEM.
    """

    event: str
    amount: str = "100.00"
    currency: str = ""
    payment_id: str = ""
    order_id: str = "order_1001"
    refund: str = ""
    late_s: int = 0
    skew_s: int = 0
    wrong_signature: bool = False
    signing_key: str = ""

    def __repr__(self) -> str:
        """Name the event, never the key."""
        return f"Wish(event={self.event!r})"


class Made(Struct, frozen=True):
    """The request, and the payment it tells of."""

    request: SignedRequest
    payment_id: str


def make(wish: Wish, pretender: Pretender, gateway: Gateway, source: Source, *, now_ms: int, chance: bytes) -> Made:
    """A request that the source believes, but for what the wish spoils; ``chance`` is bytes nobody can guess.

    :class:`~paybell.errors.ConfigurationError` where the wish cannot be granted, saying what to do.
    """
    code = (wish.currency or pretender.currency).upper()
    payment_id = wish.payment_id or fresh_like(pretender.payment_id, chance)
    now_s = now_ms // 1000
    secret, token = _signing_secret(wish, pretender, gateway, source), source.token
    if wish.wrong_signature:
        secret, token = _spoilt(secret, token, pretender, gateway)
    request = pretender.signed(
        wish.event,
        payment_id=payment_id,
        order_id=wish.order_id,
        amount_minor=to_minor(wish.amount, code),
        currency=code,
        refund_minor=to_minor(wish.refund, code) if wish.refund else 0,
        secret=secret,
        token=token,
        options=source.options,
        at_s=now_s - wish.late_s,
        signed_at_s=now_s + wish.skew_s,
        livemode=source.livemode,
    )
    if wish.skew_s and not _signs_time(gateway, request, source):
        raise ConfigurationError(f"{gateway.about.name} signs no time, so --skew would change nothing: leave it away")
    return Made(request, payment_id)


def _signs_time(gateway: Gateway, request: SignedRequest, source: Source) -> bool:
    claims = gateway.claims(request_of(request), source)
    return not isinstance(claims, Refused) and any(claim.timestamp is not None for claim in claims)


def fresh_like(example: str, chance: bytes) -> str:
    """An id of the same form as ``example`` that was most likely never given before; a path with colons is kept."""
    start, colon, last = example.rpartition(":")
    return start + colon + _fresh(last, chance)


def _fresh(example: str, chance: bytes) -> str:
    if _HEX_ID.fullmatch(example):
        return "".join(_drawn(example, chance, (_HEX,)))
    if example.isdecimal():
        wide = example.ljust(_DIGITS_MIN, "0")
        return "1" + "".join(_drawn(wide[1:], chance, (string.digits,)))
    start = re.match(r"[A-Za-z]+[_-]", example)
    if start:
        return start[0] + base64.b32encode(chance[:_DIGITS_MIN]).decode().rstrip("=").lower()
    return "".join(_drawn(example, chance, _ALPHABETS))


def _drawn(example: str, chance: bytes, alphabets: tuple[str, ...]) -> Iterator[str]:
    """Each character of ``example`` replaced by another of its alphabet."""
    for char, draw in zip(example, cycle(chance), strict=False):
        alphabet = next((it for it in alphabets if char in it), char)
        yield alphabet[draw % len(alphabet)]


def _signing_secret(wish: Wish, pretender: Pretender, gateway: Gateway, source: Source) -> str:
    name = gateway.about.name
    if pretender.has_private_key:
        return _private_key(wish, pretender, name)
    if wish.signing_key:
        raise ConfigurationError(f"{name} signs with the secret that the source holds: leave --signing-key away")
    secret = next((secret for secret in source.secrets if secret), "")
    if not secret and gateway.about.credential:
        raise ConfigurationError(
            f"{source.uid} has no secret to sign with: PATCH /api/v1/source/{source.uid} gives it one "
            f"({gateway.about.credential})"
        )
    return secret


def _private_key(wish: Wish, pretender: Pretender, name: str) -> str:
    if not wish.signing_key:
        if wish.wrong_signature:
            return pretender.secret
        raise ConfigurationError(
            f"{name} signs with a private key that it alone has: make a pair of your own (`openssl genrsa -out key.pem "
            "2048`, `openssl rsa -in key.pem -pubout`), give the public key to the source as one more secret, and name "
            "key.pem with --signing-key"
        )
    try:
        pretender.source_secret(wish.signing_key)
    except (ValueError, TypeError):
        raise ConfigurationError("--signing-key must be the file of a private key in PEM, without a password") from None
    return wish.signing_key


def _spoilt(secret: str, token: str, pretender: Pretender, gateway: Gateway) -> tuple[str, str]:
    """Another secret of the same coding, or, where there is none, another token."""
    if not gateway.about.credential:
        return secret, _other(token)
    return (pretender.secret if pretender.has_private_key else _other(secret)), token


def _other(secret: str) -> str:
    """The same text with a letter or digit near its end changed: after a key's id, before any bits of padding."""
    places = [place for place, char in enumerate(secret) if char.isascii() and char.isalnum()]
    if not places:
        return secret + "0"
    place = places[max(0, len(places) - _FROM_END)]
    char = secret[place]
    return secret[:place] + ("1" if char == "0" else "0" if char.isdigit() else _letter(char)) + secret[place + 1 :]


def _letter(char: str) -> str:
    other = "b" if char.lower() == "a" else "a"
    return other.upper() if char.isupper() else other
