"""PayU India's forms. The payment is known by ``txnid``, the merchant's own id: ``payment_id``."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode_form, form_headers

MERCHANT_KEY: Final = "key_example"
_UDFS: Final = tuple(f"udf{number}" for number in range(10, 0, -1))
_HASHED: Final = ("status", *_UDFS, "email", "firstname", "productinfo", "amount", "txnid")


def _payment(status: str, unmapped: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "mihpayid": int(asked.tag(asked.payment_id, status)[:8], 16),
            "mode": "UPI",
            "status": status,
            "unmappedstatus": unmapped,
            "key": asked.option("merchantKey"),
            "txnid": asked.payment_id,
            "amount": asked.amount,
            "addedon": asked.time("%Y-%m-%d %H:%M:%S"),
            "productinfo": "An example",
            "firstname": "Pat",
            "lastname": "Example",
            "email": "pat@example.com",
            "phone": "910000000001",
            "udf1": asked.order_id,
            **dict.fromkeys(reversed(_UDFS[:-1]), ""),
            "error": "E000" if status == "success" else "E500",
        }

    return build


def reverse_hash(salt: str, fields: Mapping[str, object], key: str, charges: str = "") -> str:
    """The hash under a form's fields; additional charges stand before the salt."""
    parts = [*([charges] if charges else []), salt, *(str(fields.get(name, "")) for name in _HASHED), key]
    return hashlib.sha512("|".join(parts).encode()).hexdigest()


def _sign(asked: Asked, value: Json) -> SignedRequest:
    signature = reverse_hash(asked.secret, value, asked.option("merchantKey"))
    return SignedRequest(form_headers(), encode_form({**value, "hash": signature}))


PRETENDER: Final = Pretender(
    name="payu_india",
    builders={
        "success": _payment("success", "captured"),
        "failure": _payment("failure", "failed"),
        "pending": _payment("pending", "initiated"),
    },
    sign=_sign,
    signature_at="form:hash",
    payment_id="txn_example1",
    currency="INR",
    options={"merchantKey": MERCHANT_KEY},
)
"""PayU India, offline."""
