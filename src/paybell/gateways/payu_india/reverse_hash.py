"""The hash that PayU India and Easebuzz put into the form they post: SHA-512 of salt, status, fields and key.

What it covers: status, udf10 … udf1, email, firstname, productinfo, amount, txnid and the merchant's key. What it does
not (ids of the gateway, ``unmappedstatus``, the mode, errors, times) is not believed.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha512
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.methods import Hash
from paybell.gateways.kit.payloads import body_key, decode, details, form, ident, text
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor
from paybell.model.notification import RefusalReason, Refused, Request
from paybell.model.source import Source
from paybell.ports import Claim, Claims, Method

OPTIONS: Final[Mapping[str, options.Check]] = {"merchantKey": options.key_like}
CURRENCY: Final = "INR"
"""Neither gateway signs a currency; both collect rupees."""

_COVERED: Final = (
    "status",
    *(f"udf{number}" for number in range(10, 0, -1)),
    "email",
    "firstname",
    "productinfo",
    "amount",
    "txnid",
)
_DECIDING: Final = ("status", "amount", "txnid")
_DIGEST_BYTES: Final = 64


class WithCharges(Struct, frozen=True):
    """PayU's hash where the buyer paid additional charges: these stand before the salt."""

    charges: bytes

    @property
    def words(self) -> str:
        """What it is."""
        return "SHA512 with the additional charges and the secret before it"

    def expected(self, secret: str, signed: bytes) -> bytes | None:
        """The digest."""
        return sha512(self.charges + b"|" + secret.encode() + signed).digest()

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """In constant time."""
        return hmac.compare_digest(sha512(self.charges + b"|" + secret.encode() + signed).digest(), given)


def fields(body: bytes) -> Mapping[str, str]:
    """The fields of a form, or the texts of a JSON object (an option at both gateways)."""
    if body.lstrip()[:1] == b"{":
        return {name: value for name, value in decode(body).items() if isinstance(value, str)}
    return form(body)


def covered(found: Mapping[str, str], key: str) -> bytes:
    """The text under the hash, without the salt before it."""
    return "|".join(["", *(found.get(name, "") for name in _COVERED), key]).encode()


def check_key(source: Source, where: str) -> None:
    """The merchant key ends the hashed text, so that nothing can be judged without it."""
    if "merchantKey" not in source.options:
        raise ConfigurationError(f"option 'merchantKey' of {where} is required: it stands beside the salt")


def claims(request: Request, source: Source, charges_in: tuple[str, ...] = ()) -> Claims | Refused:
    """The hash; ``charges_in`` are the fields that may say additional charges."""
    try:
        found = fields(request.body)
    except MalformedPayload as error:
        return Refused(RefusalReason.MALFORMED_SIGNATURE, str(error))
    given = signatures.unhex(found.get("hash", "").encode())
    if given is None or len(given) != _DIGEST_BYTES:
        return signatures.malformed("field hash", "a SHA-512 in hex")
    if any("|" in found.get(name, "") for name in _DECIDING):
        # The text has no other marks: with one inside, another field's words could pass for an amount.
        return signatures.malformed("status, amount or txnid", "free of the mark that parts the hashed fields")
    charges = next((value for name in charges_in if (value := found.get(name, ""))), "")
    method: Method = WithCharges(charges.encode()) if charges else Hash("sha512", "before")
    key = options.text_option(source.options, "merchantKey")
    return (Claim(method=method, signed=covered(found, key), given=(given,), secrets=source.secrets),)


def dedupe_key(request: Request) -> str:
    """The hash of what is covered: the rest may be altered on the way without being another notification."""
    return body_key(covered(fields(request.body), ""))


def read(body: bytes, kinds: Mapping[str, Kind], at_ms: int) -> Parsed:
    """Facts from the covered fields alone; ``txnid``, the merchant's own, is the only id covered."""
    found = fields(body)
    status = found.get("status", "")
    kind = kinds.get(status.lower())
    if kind is None:
        return Parsed(event=text(status), reason=f"its status {text(status)!r} is unknown")
    txnid = ident(found.get("txnid"), "txnid")
    started = Fact(
        aggregate=txnid,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=to_minor(found.get("amount"), CURRENCY),
        currency=CURRENCY,
        detail=details(
            order_id=txnid, customer_email=text(found.get("email")), customer_name=text(found.get("firstname"))
        ),
    )
    return Parsed(event=text(status), facts=(started, _attempt(started, kind, status)))


def _attempt(started: Fact, kind: Kind, status: str) -> Fact:
    if kind in {Kind.CAPTURED, Kind.AUTHORIZED}:
        return msgspec.structs.replace(started, kind=kind, ref=started.aggregate, detail={})
    detail = details(failure_code=text(status)) if kind is Kind.FAILED else {}
    return Fact(aggregate=started.aggregate, kind=kind, ref=started.aggregate, at_ms=started.at_ms, detail=detail)
