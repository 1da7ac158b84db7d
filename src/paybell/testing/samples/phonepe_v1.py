"""PhonePe's older callbacks."""

import base64
import hashlib
from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def _callback(code: str, state: str, response_code: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        response = {
            "success": state == "COMPLETED",
            "code": code,
            "message": "Your payment is successful." if state == "COMPLETED" else "Payment failed or pending.",
            "data": {
                "merchantId": "MERCHANTEXAMPLE",
                "merchantTransactionId": asked.payment_id,
                "transactionId": f"T{asked.event_id or asked.tag(asked.payment_id)}",
                "amount": asked.amount_minor,
                "state": state,
                "responseCode": response_code,
                "paymentInstrument": {"type": "UPI", "utr": "000000000001"} if state == "COMPLETED" else None,
            },
        }
        return {"response": base64.b64encode(encode(response)).decode()}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    digest = hashlib.sha256(f"{value['response']}{asked.secret}".encode()).hexdigest()
    index = asked.option("saltIndex") or "1"
    return SignedRequest(json_headers(("x-verify", f"{digest}###{index}")), encode(value))


PRETENDER: Final = Pretender(
    name="phonepe_v1",
    builders={
        "PAYMENT_SUCCESS": _callback("PAYMENT_SUCCESS", "COMPLETED", "SUCCESS"),
        "PAYMENT_ERROR": _callback("PAYMENT_ERROR", "FAILED", "REQUEST_DECLINED_BY_REQUESTEE"),
        "PAYMENT_PENDING": _callback("PAYMENT_PENDING", "PENDING", "PENDING"),
    },
    sign=_sign,
    signature_at="header:x-verify",
    payment_id="MT_example1",
    currency="INR",
    secret="00000000-0000-4000-8000-000000000001",  # noqa: S106 - invented
    options={"saltIndex": "1"},
)
"""PhonePe (v1), offline."""
