"""Coinbase Commerce's events."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def _charge(asked: Asked, *statuses: str) -> Json:
    local = {"amount": str(asked.amount), "currency": asked.currency}
    paid = "COMPLETED" in statuses or "RESOLVED" in statuses
    times = [asked.time(at_s=asked.started_at_s), *[asked.time()] * (len(statuses) - 1)]
    return {
        "id": "00000000-0000-4000-8000-000000000001",
        "code": asked.payment_id,
        "name": "An example",
        "created_at": asked.time(at_s=asked.started_at_s),
        "expires_at": asked.time(at_s=asked.started_at_s + 3600),
        "pricing_type": "fixed_price",
        "pricing": {"local": local, "settlement": {"amount": str(asked.amount), "currency": "USDC"}},
        "metadata": {"order_id": asked.order_id, "customer_name": "Pat Example", "email": "pat@example.com"},
        "timeline": [{"status": status, "time": time} for status, time in zip(statuses, times, strict=True)],
        "payments": [
            {
                "network": "base",
                "transaction_id": "0x" + asked.tag(asked.payment_id, "transaction"),
                "status": "CONFIRMED" if paid else "PENDING",
                "detected_at": asked.time(),
                "value": {"local": local, "crypto": {"amount": str(asked.amount), "currency": "USDC"}},
            }
        ]
        if "PENDING" in statuses or "UNRESOLVED" in statuses
        else [],
    }


def _event(*statuses: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": "00000000-0000-4000-8000-00000000000a",
        "scheduled_for": asked.time(),
        "attempt_number": 1,
        "event": {
            "id": asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s)),
            "type": asked.event,
            "api_version": "2018-03-22",
            "created_at": asked.time(),
            "data": _charge(asked, *statuses),
        },
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(("x-cc-webhook-signature", hex_hmac(asked.secret, body))), body)


PRETENDER: Final = Pretender(
    name="coinbase_commerce",
    builders={
        "charge:created": _event("NEW"),
        "charge:pending": _event("NEW", "PENDING"),
        "charge:confirmed": _event("NEW", "PENDING", "COMPLETED"),
        "charge:failed": _event("NEW", "EXPIRED"),
        "charge:delayed": _event("NEW", "EXPIRED", "UNRESOLVED"),
        "charge:resolved": _event("NEW", "EXPIRED", "UNRESOLVED", "RESOLVED"),
    },
    sign=_sign,
    signature_at="header:x-cc-webhook-signature",
    payment_id="EXAMPLE1",
    currency="USD",
)
"""Coinbase Commerce, offline."""
