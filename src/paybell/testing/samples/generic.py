"""A sender that speaks the envelope Paybell itself sends."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from paybell.model.money import to_major
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac

HEADER: Final = "X-Paybell-Signature"


def _envelope(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        data: dict[str, object] = {
            "paymentId": asked.payment_id,
            "status": status,
            "amount": to_major(asked.amount_minor, asked.currency),
            "currency": asked.currency,
            "orderId": asked.order_id,
        }
        time = datetime.fromtimestamp(asked.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"event": asked.event, "timestamp": time, "data": data}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    headers = (("content-type", "application/json"), (HEADER.lower(), hex_hmac(asked.secret, body)))
    return SignedRequest(headers, body)


PRETENDER: Final = Pretender(
    name="generic",
    builders={
        "payment.created": _envelope("created"),
        "payment.processing": _envelope("processing"),
        "payment.authorized": _envelope("authorized"),
        "payment.updated": _envelope("completed"),
        "payment.completed": _envelope("completed"),
        "payment.failed": _envelope("failed"),
        "payment.canceled": _envelope("canceled"),
        "payment.expired": _envelope("expired"),
        "payment.refunded": _envelope("refunded"),
    },
    sign=_sign,
    signature_at="header:x-paybell-signature",
    payment_id="pay_example1",
    currency="USD",
    options={"header": HEADER},
)
"""A generic sender, offline."""
