"""Paddle Classic's alerts."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode_form, form_headers
from paybell.testing.private_keys import private_pem, public_pem

_FORM: Final = "%Y-%m-%d %H:%M:%S"


def _alert(**more: Callable[[Asked], object]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "alert_name": asked.event,
            "alert_id": asked.event_id or str(int(asked.tag(asked.event, asked.payment_id, str(asked.at_s))[:8], 16)),
            "event_time": asked.time(_FORM),
            "order_id": asked.payment_id,
            "checkout_id": f"1-{asked.tag(asked.payment_id)}",
            "currency": asked.currency,
            "email": "pat@example.com",
            "marketing_consent": "",
            "passthrough": asked.order_id,
            **{name: str(value(asked)) for name, value in more.items()},
        }

    return build


def _amount(asked: Asked) -> object:
    return asked.amount


def _refund(asked: Asked) -> object:
    return asked.refund


def _subscribed(status: str) -> Mapping[str, Callable[[Asked], object]]:
    return {
        "status": lambda _: status,
        "subscription_id": lambda _: "1",
        "subscription_plan_id": lambda _: "11",
        "user_id": lambda _: "5",
        "next_bill_date": lambda asked: asked.time("%Y-%m-%d", asked.at_s + 2_592_000),
    }


def _php(value: Json) -> bytes:
    """The serialized array, written apart from the gateway's module, so that one checks the other."""
    inner = ""
    for name in sorted(value):
        for text in (name, str(value[name])):
            inner += f's:{len(text.encode())}:"{text}";'
    return f"a:{len(value)}:{{{inner}}}".encode()


def _sign(asked: Asked, value: Json) -> SignedRequest:
    key = load_pem_private_key(asked.secret.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("Paddle Classic signs with an RSA key")
    signature = b64encode(key.sign(_php(value), PKCS1v15(), SHA1())).decode()  # noqa: S303 - Paddle's own choice
    return SignedRequest(form_headers(), encode_form({**value, "p_signature": signature}))


PRETENDER: Final = Pretender(
    name="paddle_classic",
    builders={
        "payment_succeeded": _alert(sale_gross=_amount, customer_name=lambda _: "Pat Example"),
        "payment_refunded": _alert(gross_refund=_refund, amount=_refund, refund_type=lambda _: "partial"),
        "payment_dispute_created": _alert(amount=_amount, status=lambda _: "open"),
        "payment_dispute_closed": _alert(amount=_amount, status=lambda _: "closed"),
        "subscription_payment_succeeded": _alert(sale_gross=_amount, **_subscribed("active")),
        "subscription_payment_failed": _alert(amount=_amount, attempt_number=lambda _: "1", **_subscribed("past_due")),
        "subscription_payment_refunded": _alert(gross_refund=_refund, amount=_refund),
        "subscription_created": _alert(**_subscribed("active")),
        "subscription_updated": _alert(**_subscribed("paused")),
        "subscription_cancelled": _alert(
            **_subscribed("deleted"), cancellation_effective_date=lambda asked: asked.time(_FORM, asked.at_s + 86_400)
        ),
        "transfer_created": _alert(amount=_amount, payout_id=lambda _: "901", status=lambda _: "unpaid"),
        "transfer_paid": _alert(amount=_amount, payout_id=lambda _: "901", status=lambda _: "paid"),
    },
    sign=_sign,
    signature_at="form:p_signature",
    payment_id="10001",
    currency="USD",
    secret=private_pem(),
    source_secret=public_pem,
)
"""Paddle Classic, offline."""
