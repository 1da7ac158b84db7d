"""Easebuzz's forms. The payment is known by ``txnid``, the merchant's own id: ``payment_id``."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode_form, form_headers
from paybell.testing.samples.payu_india import reverse_hash

MERCHANT_KEY: Final = "EASEKEY1"


def _payment(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "txnid": asked.payment_id,
            "firstname": "Pat",
            "email": "pat@example.com",
            "phone": "9100000001",
            "key": asked.option("merchantKey"),
            "mode": "UPI",
            "addedon": asked.time("%Y-%m-%d %H:%M:%S"),
            "error_Message": "NA" if status == "success" else "Declined by the bank",
            "easepayid": f"E{asked.tag(asked.payment_id, status).upper()}",
            "amount": asked.amount,
            "net_amount_debit": asked.amount,
            "productinfo": "An example",
            "udf1": asked.order_id,
            **{f"udf{number}": "" for number in range(2, 11)},
            "status": status,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    signature = reverse_hash(asked.secret, value, asked.option("merchantKey"))
    return SignedRequest(form_headers(), encode_form({**value, "hash": signature}))


PRETENDER: Final = Pretender(
    name="easebuzz",
    builders={name: _payment(name) for name in ("success", "failure", "userCancelled", "pending")},
    sign=_sign,
    signature_at="form:hash",
    payment_id="txn_example1",
    currency="INR",
    options={"merchantKey": MERCHANT_KEY},
)
"""Easebuzz, offline."""
