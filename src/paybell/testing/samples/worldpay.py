"""Worldpay's events."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers

_SECRET: Final = "0f1e2d3c4b5a6978" * 4  # invented


def _event(classification: str = "payment", *, refund: bool = False) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        minor = asked.refund_minor if refund else asked.amount_minor
        details: dict[str, object] = {
            "classification": classification,
            "downstreamReference": "3378000001",
            "transactionReference": asked.payment_id,
            "type": asked.event,
            "date": asked.time("%Y-%m-%d"),
            "amount": {"value": minor, "currencyCode": asked.currency},
            "_links": {"payment": {"href": ""}},
        }
        if refund:
            details["reference"] = asked.refund_id or f"refund-{asked.tag(asked.payment_id, 'refund')}"
        return {
            "eventId": asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id),
            "eventTimestamp": asked.time("%Y-%m-%dT%H:%M:%S.000"),
            "eventDetails": details,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = f"1/SHA256/{hex_hmac(bytes.fromhex(asked.secret), body)}"
    return SignedRequest(json_headers(("event-signature", signature)), body)


PRETENDER: Final = Pretender(
    name="worldpay",
    builders={
        "authorized": _event(),
        "sentForAuthorization": _event(),
        "refused": _event(),
        "error": _event(),
        "sentForSettlement": _event(),
        "settled": _event(),
        "settlementFailed": _event(),
        "cancelled": _event(),
        "expired": _event(),
        "sentForRefund": _event(refund=True),
        "refunded": _event(refund=True),
        "refundFailed": _event(refund=True),
        "informationRequested": _event("chargeback"),
        "payoutReceived": _event("payout"),
    },
    sign=_sign,
    signature_at="header:event-signature",
    payment_id="Example-1001",
    currency="GBP",
    secret=_SECRET,
)
"""Worldpay, offline."""
