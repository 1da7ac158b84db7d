"""Midtrans' BI-SNAP notifications."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers
from paybell.testing.private_keys import base64_rsa_sha256, private_pem, public_pem


def _transaction(status: str, words: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "originalReferenceNo": asked.payment_id,
        "originalPartnerReferenceNo": asked.order_id,
        "latestTransactionStatus": status,
        "transactionStatusDesc": words,
        "amount": {"value": str(asked.amount), "currency": asked.currency},
        "additionalInfo": {},
    }


def _refunded(asked: Asked) -> Json:
    refund = {
        "refundNo": asked.refund_id or f"rfd-{asked.tag(asked.payment_id)}",
        "refundAmount": {"value": str(asked.refund), "currency": asked.currency},
        "refundStatus": "00",
    }
    return {**_transaction("04", "REFUNDED")(asked), "refundHistory": [refund]}


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, time = encode(value), asked.time("%Y-%m-%dT%H:%M:%S+00:00")
    signed = f"POST:{asked.option('path')}:{sha256(body).hexdigest()}:{time}"
    signature = base64_rsa_sha256(asked.secret, signed.encode())
    return SignedRequest(json_headers(("x-timestamp", time), ("x-signature", signature)), body)


PRETENDER: Final = Pretender(
    name="midtrans_snap",
    builders={
        "payment.success": _transaction("00", "SUCCESS"),
        "payment.pending": _transaction("03", "PENDING"),
        "payment.cancelled": _transaction("05", "CANCELLED"),
        "payment.failed": _transaction("06", "FAILED"),
        "payment.refunded": _refunded,
    },
    sign=_sign,
    signature_at="header:x-signature",
    payment_id="A000000000000000000000EXAMPLE",
    currency="IDR",
    secret=private_pem(),
    source_secret=public_pem,
    options={"path": "/in/midtrans-snap"},
)
"""Midtrans under BI-SNAP, offline."""
