"""Instamojo's forms."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode_form, form_headers, hex_hmac


def _payment(asked: Asked) -> Json:
    return {
        "amount": asked.amount,
        "buyer": "pat@example.com",
        "buyer_name": "Pat Example",
        "buyer_phone": "+910000000001",
        "currency": asked.currency,
        "fees": "1.90",
        "longurl": "https://pay.example.com/@example/abc",
        "payment_id": asked.payment_id,
        "payment_request_id": asked.order_id,
        "purpose": "An example",
        "shorturl": "https://pay.example.com/abc",
        "status": asked.event,
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    signed = "|".join(str(value[name]) for name in sorted(value, key=str.lower))
    mac = hex_hmac(asked.secret, signed.encode(), "sha1")
    return SignedRequest(form_headers(), encode_form({**value, "mac": mac}))


_BUILDERS: Final[dict[str, Callable[[Asked], Json]]] = {"Credit": _payment, "Failed": _payment}

PRETENDER: Final = Pretender(
    name="instamojo",
    builders=_BUILDERS,
    sign=_sign,
    signature_at="form:mac",
    payment_id="MOJO0000example1",
    currency="INR",
)
"""Instamojo, offline."""
