"""Flutterwave's notifications (API v4) and what its API answers."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, base64_hmac, encode, json_headers


def flutterwave_charge(
    charge_id: str, *, status: str, amount: object, currency: str = "NGN", created_at: str = "2025-06-15T15:06:40Z"
) -> Json:
    """The ``data`` of ``GET /charges/{id}``; ``amount`` in major units."""
    return {
        "id": charge_id,
        "amount": amount,
        "currency": currency,
        "customer": "cus_example1",
        "payment_method_details": {"type": "card"},
        "processor_response": {"type": "declined" if status == "failed" else "approved", "code": "00"},
        "reference": "order_1001",
        "status": status,
        "created_datetime": created_at,
    }


def _event(kind: str, asked: Asked, data: Json) -> Json:
    webhook_id = asked.event_id or f"wbk_{asked.tag(asked.event, asked.payment_id, str(asked.at_s))}"
    return {"webhook_id": webhook_id, "timestamp": asked.at_s * 1000, "type": kind, "data": data}


def _charge(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        data = flutterwave_charge(
            asked.payment_id, status=status, amount=asked.amount, currency=asked.currency, created_at=asked.time()
        )
        return _event("charge.completed", asked, {**data, "reference": asked.order_id})

    return build


def _refund(asked: Asked) -> Json:
    data = {
        "id": asked.refund_id or f"rfd_{asked.tag(asked.payment_id, 'refund')}",
        "charge_id": asked.payment_id,
        "amount_refunded": asked.refund,
        "status": "succeeded",
        "created_datetime": asked.time(),
    }
    return _event("refund.completed", asked, data)


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(("flutterwave-signature", base64_hmac(asked.secret, body))), body)


PRETENDER: Final = Pretender(
    name="flutterwave_v4",
    builders={
        "charge.completed": _charge("succeeded"),
        "charge.completed (failed)": _charge("failed"),
        "refund.completed": _refund,
    },
    sign=_sign,
    signature_at="header:flutterwave-signature",
    payment_id="chg_example1",
    currency="NGN",
)
"""Flutterwave v4, offline."""
