"""A Paybell that sends to another one: its envelope, signed as Standard Webhooks says."""

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, base64_hmac, encode, json_headers

SECRET: Final = "whsec_bm90IGEgcmVhbCBrZXksIGJ1dCBieXRlcw=="  # noqa: S105 - invented


def _envelope(status: str, part: str = "") -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        time = datetime.fromtimestamp(asked.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        data = {**_payment(asked, status), **_part(asked, part)}
        return {"id": _message_id(asked), "event": asked.event, "timestamp": time, "data": data}

    return build


def _payment(asked: Asked, status: str) -> Json:
    held = status == "authorized"
    paid = status in {"completed", "partially_refunded", "refunded", "disputed"}
    refunded = status in {"partially_refunded", "refunded"}
    return {
        "paymentId": asked.payment_id,
        "orderId": asked.order_id or None,
        "status": status if status != "partially_refunded" or asked.refund_minor < asked.amount_minor else "refunded",
        "amount": asked.amount,
        "currency": asked.currency,
        "amountMinor": asked.amount_minor,
        "authorizedMinor": asked.amount_minor if held or paid else 0,
        "capturedMinor": asked.amount_minor if paid else 0,
        "refundedMinor": asked.refund_minor if refunded else 0,
        "version": 1,
        "gateway": "stripe",
        "gatewayPaymentId": "pi_example1",
        "customer": {"email": "pat@example.com", "name": "Pat Example"},
        "failure": {"code": "card_declined", "message": "Declined."} if status == "failed" else None,
        "livemode": asked.livemode,
    }


def _part(asked: Asked, part: str) -> Mapping[str, object]:
    match part:
        case "refund":
            ref = asked.refund_id or f"re_{asked.tag(asked.payment_id, 'refund')}"
            told = {"status": "completed", "amount": asked.refund, "amountMinor": asked.refund_minor}
            return {"refund": {"gatewayRefundId": ref, **told}}
        case "dispute":
            ref = f"dp_{asked.tag(asked.payment_id, 'dispute')}"
            told = {"status": "open", "amount": asked.amount, "amountMinor": asked.amount_minor}
            return {"dispute": {"gatewayDisputeId": ref, **told}}
        case _:
            return {}


def _message_id(asked: Asked) -> str:
    return asked.event_id or f"msg_{asked.tag(asked.event, asked.payment_id, asked.refund_id)}"


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    message_id, time = str(value["id"]), str(asked.at_s)
    signature = base64_hmac(_key(asked.secret), f"{message_id}.{time}.".encode() + body)
    named = (("webhook-id", message_id), ("webhook-timestamp", time), ("webhook-signature", f"v1,{signature}"))
    return SignedRequest(json_headers(*named), body)


def _key(secret: str) -> bytes:
    bare = secret.removeprefix("whsec_")
    return b64decode(bare + "=" * (-len(bare) % 4))


PRETENDER: Final = Pretender(
    name="standard_webhooks",
    builders={
        "payment.created": _envelope("created"),
        "payment.processing": _envelope("processing"),
        "payment.authorized": _envelope("authorized"),
        "payment.completed": _envelope("completed"),
        "payment.updated": _envelope("completed"),
        "payment.failed": _envelope("failed"),
        "payment.canceled": _envelope("canceled"),
        "payment.expired": _envelope("expired"),
        "refund.completed": _envelope("partially_refunded", "refund"),
        "dispute.opened": _envelope("disputed", "dispute"),
    },
    sign=_sign,
    signature_at="header:webhook-signature",
    payment_id="pay_example1",
    currency="USD",
    secret=SECRET,
)
"""A sender of Standard Webhooks, offline."""
