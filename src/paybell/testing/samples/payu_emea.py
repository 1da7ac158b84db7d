"""Notifications of PayU in Europe. The payment's id is PayU's ``orderId``, the order's is ``extOrderId``."""

import hashlib
from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers

_ALGORITHM_NAMES: Final = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def _order(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        order = {
            "orderId": asked.payment_id,
            "extOrderId": asked.order_id,
            "orderCreateDate": asked.time("%Y-%m-%dT%H:%M:%S.000+00:00", asked.started_at_s),
            "notifyUrl": "https://shop.example.com/notify",
            "description": "An example",
            "currencyCode": asked.currency,
            "totalAmount": str(asked.amount_minor),
            "status": status,
            "buyer": {"email": "pat@example.com", "firstName": "Pat", "lastName": "Example", "phone": "+48000000001"},
        }
        completed = {"localReceiptDateTime": asked.time("%Y-%m-%dT%H:%M:%S.000+00:00")}
        return {"order": order, **(completed if status == "COMPLETED" else {}), "properties": []}

    return build


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        refund = {
            "refundId": asked.refund_id or f"refund_{asked.tag(asked.payment_id, 'refund')}",
            "amount": str(asked.refund_minor),
            "currencyCode": asked.currency,
            "status": status,
            "statusDateTime": asked.time("%Y-%m-%dT%H:%M:%S.000+00:00"),
            "reason": "refund",
        }
        return {"orderId": asked.payment_id, "extOrderId": asked.order_id, "refund": refund}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, algorithm = encode(value), asked.option("algorithm") or "md5"
    signature = hashlib.new(algorithm, body + asked.secret.encode(), usedforsecurity=False).hexdigest()
    header = f"sender=1;signature={signature};algorithm={_ALGORITHM_NAMES[algorithm]};content=DOCUMENT"
    return SignedRequest(json_headers(("OpenPayu-Signature", header)), body)


PRETENDER: Final = Pretender(
    name="payu_emea",
    builders={
        "order.COMPLETED": _order("COMPLETED"),
        "order.PENDING": _order("PENDING"),
        "order.WAITING_FOR_CONFIRMATION": _order("WAITING_FOR_CONFIRMATION"),
        "order.CANCELED": _order("CANCELED"),
        "refund.FINALIZED": _refund("FINALIZED"),
        "refund.CANCELED": _refund("CANCELED"),
    },
    sign=_sign,
    signature_at="header:openpayu-signature",
    payment_id="ORDEREXAMPLE1",
    currency="PLN",
)
"""PayU in Europe, offline."""
