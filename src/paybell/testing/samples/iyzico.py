"""iyzico's webhooks, and what its API answers about a payment."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def iyzico_payment(
    *, payment_id: str, status: str, amount: Decimal | str, phase: str = "AUTH", fraud: int = 1, at_ms: int
) -> bytes:
    """The body with which ``POST /payment/detail`` answers; ``amount`` in major units of TRY."""
    return encode(
        {
            "status": "success",
            "locale": "en",
            "systemTime": at_ms,
            "price": Decimal(amount),
            "paidPrice": Decimal(amount),
            "installment": 1,
            "paymentId": payment_id,
            "fraudStatus": fraud,
            "basketId": "order_1001",
            "currency": "TRY",
            "phase": phase,
            "paymentStatus": status,
        }
    )


def _event(kind: str, status: str, *, hosted: bool) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        own = {"token": asked.tag(asked.payment_id, "token")} if hosted else {"paymentId": int(asked.payment_id)}
        return {
            "paymentConversationId": asked.order_id,
            "merchantId": 1000001,
            **own,
            "status": status,
            "iyziReferenceCode": asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s)),
            "iyziEventType": kind,
            "iyziEventTime": asked.at_s * 1000,
            "iyziPaymentId": int(asked.payment_id),
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    token = value.get("token", "")
    ends = f"{value['paymentConversationId']}{value['status']}"
    signed = f"{asked.secret}{value['iyziEventType']}{asked.payment_id}{token}{ends}"
    signature = hex_hmac(asked.secret, signed.encode())
    return SignedRequest(json_headers(("x-iyz-signature-v3", signature)), encode(value))


PRETENDER: Final = Pretender(
    name="iyzico",
    builders={
        "CHECKOUT_FORM_AUTH": _event("CHECKOUT_FORM_AUTH", "SUCCESS", hosted=True),
        "API_AUTH": _event("API_AUTH", "SUCCESS", hosted=False),
        "THREE_DS_AUTH:FAILURE": _event("THREE_DS_AUTH", "FAILURE", hosted=False),
    },
    sign=_sign,
    signature_at="header:x-iyz-signature-v3",
    payment_id="20000001",
    currency="TRY",
)
"""iyzico, offline."""
