"""Midtrans' notifications, which are hints, and its API's answer."""

import hashlib
from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers

_LOCAL: Final = 7 * 3600
"""Midtrans writes its own time, seven hours ahead of UTC."""


def midtrans_status(asked: Asked, status: str) -> Json:
    """How ``GET /v2/{order_id}/status`` answers: a notification's fields, and the refunds."""
    answer = dict(_transaction(status)(asked))
    if status in {"refund", "partial_refund"}:
        answer["refund_amount"] = str(asked.refund)
        answer["refunds"] = [
            {
                "refund_chargeback_id": 1,
                "refund_amount": str(asked.refund),
                "created_at": asked.time("%Y-%m-%d %H:%M:%S", asked.at_s + _LOCAL),
                "reason": "Returned",
                "refund_key": asked.refund_id or f"refund-{asked.tag(asked.payment_id)}",
            }
        ]
    return answer


def _transaction(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        code = {"pending": "201", "deny": "202", "expire": "202"}.get(status, "200")
        return {
            "transaction_time": asked.time("%Y-%m-%d %H:%M:%S", asked.started_at_s + _LOCAL),
            "settlement_time": asked.time("%Y-%m-%d %H:%M:%S", asked.at_s + _LOCAL),
            "transaction_status": status,
            "transaction_id": asked.event_id or f"tx-{asked.tag(asked.payment_id)}",
            "status_message": "midtrans payment notification",
            "status_code": code,
            "payment_type": "credit_card",
            "order_id": asked.payment_id,
            "merchant_id": "G000000001",
            "gross_amount": str(asked.amount),
            "fraud_status": "accept",
            "currency": asked.currency,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    signed = f"{value['order_id']}{value['status_code']}{value['gross_amount']}{asked.secret}"
    body = encode({**value, "signature_key": hashlib.sha512(signed.encode()).hexdigest()})
    return SignedRequest(json_headers(), body)


PRETENDER: Final = Pretender(
    name="midtrans",
    builders={
        "settlement": _transaction("settlement"),
        "capture": _transaction("capture"),
        "authorize": _transaction("authorize"),
        "pending": _transaction("pending"),
        "deny": _transaction("deny"),
        "cancel": _transaction("cancel"),
        "expire": _transaction("expire"),
        "refund": _transaction("refund"),
        "partial_refund": _transaction("partial_refund"),
        "chargeback": _transaction("chargeback"),
    },
    sign=_sign,
    signature_at="json:/signature_key",
    payment_id="order-example-1",
    currency="IDR",
    secret="server-key-not-a-real-one",  # noqa: S106 - invented
)
"""Midtrans, offline. The payment is the order: ``payment_id`` is the order id."""
