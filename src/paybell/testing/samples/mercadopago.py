"""Mercado Pago's notifications, and what its API answers about a payment."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def mercadopago_payment(
    *,
    payment_id: str,
    status: str,
    detail: str = "accredited",
    amount: Decimal | str,
    refunded: Decimal | str = "0",
    refunds: tuple[Json, ...] = (),
    time: str,
    livemode: bool = True,
) -> bytes:
    """The body with which ``GET /v1/payments/{id}`` answers; amounts in major units of BRL."""
    return encode(
        {
            "id": int(payment_id),
            "status": status,
            "status_detail": detail,
            "currency_id": "BRL",
            "transaction_amount": Decimal(amount),
            "transaction_amount_refunded": Decimal(refunded),
            "refunds": list(refunds),
            "date_created": time,
            "date_approved": time if status in {"approved", "refunded", "charged_back"} else None,
            "date_last_updated": time,
            "external_reference": "order_1001",
            "payment_method_id": "visa",
            "payer": {"id": "100001", "email": "pat@example.com"},
            "live_mode": livemode,
        }
    )


def _notification(kind: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": int(asked.tag(asked.event, asked.payment_id, asked.event_id)[:10], 16),
        "live_mode": asked.livemode,
        "type": kind,
        "date_created": asked.time("%Y-%m-%dT%H:%M:%S.000-00:00"),
        "user_id": 100002,
        "api_version": "v1",
        "action": asked.event,
        "data": {"id": asked.payment_id},
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    request_id = asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s))
    time = asked.at_s * 1000
    manifest = f"id:{asked.payment_id.lower()};request-id:{request_id};ts:{time};"
    signature = f"ts={time},v1={hex_hmac(asked.secret, manifest.encode())}"
    headers = json_headers(("x-request-id", request_id), ("x-signature", signature))
    return SignedRequest(headers, encode(value), query=f"data.id={asked.payment_id}&type={value['type']}")


PRETENDER: Final = Pretender(
    name="mercadopago",
    builders={
        "payment.updated": _notification("payment"),
        "payment.created": _notification("payment"),
        "order.processed": _notification("order"),
        "topic_chargebacks_wh": _notification("topic_chargebacks_wh"),
        "subscription_preapproval.updated": _notification("subscription_preapproval"),
        "subscription_authorized_payment.created": _notification("subscription_authorized_payment"),
    },
    sign=_sign,
    signature_at="header:x-signature",
    payment_id="10000000001",
    currency="BRL",
)
"""Mercado Pago, offline."""
