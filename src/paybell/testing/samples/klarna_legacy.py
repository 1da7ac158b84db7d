"""Klarna Checkout v2's notifications."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def _order(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "merchant_id": "N00001",
            "merchant_base_uri": "https://shop.example.com/cart",
            "merchant_reference": {"orderid1": asked.order_id},
            "order_amount": asked.amount_minor,
            "purchase_currency": asked.currency,
            "reference": asked.payment_id,
            "completed_at": asked.time(),
            "status": status,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    digest = b64encode(sha256(body + asked.secret.encode()).digest()).decode()
    return SignedRequest(json_headers(("authorization", f"Klarna {digest}")), body)


PRETENDER: Final = Pretender(
    name="klarna_legacy",
    builders={
        "checkout_complete": _order("checkout_complete"),
        "checkout_incomplete": _order("checkout_incomplete"),
        "created": _order("created"),
    },
    sign=_sign,
    signature_at="header:authorization",
    payment_id="00000000-0000-4000-8000-000000000003",
    currency="SEK",
)
"""Klarna Checkout v2, offline."""
