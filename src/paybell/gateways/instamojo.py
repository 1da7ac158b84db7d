"""Instamojo: a form whose field ``mac`` is an HMAC of all other values, ordered by their names.

Sources: Instamojo-snippets (``mac_validation.php``, ``SignatureExample.java``), docs.instamojo.com (what is a webhook),
support articles 207816249 and 208485755. The MAC covers the values, not their names; only the merchant and Instamojo
ever see a request with its MAC, so nobody else has one whose names could be changed.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from paybell.errors import MalformedPayload
from paybell.gateways.kit import signatures
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.kit.payloads import body_key, details, form, ident, text
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor
from paybell.model.notification import Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_KINDS: Final[Mapping[str, Kind]] = {"credit": Kind.CAPTURED, "failed": Kind.FAILED}
_DIGEST_BYTES: Final = 20


class Instamojo(Base):
    """No options."""

    about = About(
        name="instamojo",
        title="Instamojo",
        docs_url="https://docs.instamojo.com/reference/what-is-a-webhook",
        credential="the private salt of the account",
        signed="the values of all fields but mac in the order of their names, HMAC-SHA1 in hex, field mac",
        dedupe="SHA-256 of the signed values",
        retries="off, unless asked for: then after 15, 30, 60 and 120 minutes",
        unverified=("webhooks for refunds: none is documented",),
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The MAC of whatever fields came; no time is signed."""
        try:
            fields = form(request.body)
        except MalformedPayload as error:
            return Refused(RefusalReason.MALFORMED_SIGNATURE, str(error))
        given = signatures.unhex(fields.get("mac", "").encode())
        if given is None or len(given) != _DIGEST_BYTES:
            return signatures.malformed("field mac", "an HMAC-SHA1 in hex")
        return (Claim(method=Hmac("sha1"), signed=_signed(fields), given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the values under the MAC."""
        return Verified(body_key(_signed(form(request.body))))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the payment's fields, at the time of arrival."""
        fields = form(notification.body)
        status = text(fields.get("status"))
        kind = _KINDS.get(status.lower())
        if kind is None:
            return Parsed(event=status, reason=f"its status {status!r} is unknown")
        currency = currency_code(fields.get("currency"))
        started = Fact(
            aggregate=ident(fields.get("payment_id"), "payment_id"),
            kind=Kind.PAYMENT_CREATED,
            at_ms=notification.received_at_ms,
            amount_minor=to_minor(fields.get("amount"), currency),
            currency=currency,
            detail=_detail(fields),
        )
        attempt = _attempt(started, kind)
        fees = fee(attempt, lambda: to_minor(fields.get("fees") or 0, currency)) if kind is Kind.CAPTURED else ()
        return Parsed(event=status, facts=(started, attempt, *fees))


def _signed(fields: Mapping[str, str]) -> bytes:
    names = sorted((name for name in fields if name != "mac"), key=str.lower)
    return "|".join(fields[name] for name in names).encode()


def _attempt(started: Fact, kind: Kind) -> Fact:
    if kind is Kind.CAPTURED:
        return msgspec.structs.replace(started, kind=kind, ref=started.aggregate, detail={})
    return Fact(aggregate=started.aggregate, kind=kind, ref=started.aggregate, at_ms=started.at_ms)


def _detail(fields: Mapping[str, str]) -> dict[str, str]:
    return details(
        order_id=text(fields.get("payment_request_id")),
        customer_email=text(fields.get("buyer")),
        customer_name=text(fields.get("buyer_name")),
        customer_phone=text(fields.get("buyer_phone")),
    )


GATEWAY: Final[Gateway] = Instamojo()
