"""Razorpay's events."""

from collections.abc import Callable, Mapping
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac


def _fee(asked: Asked) -> int:
    """Two per cent, and the tax on it."""
    return asked.amount_minor * 236 // 10_000


def _payment(asked: Asked, status: str, refunded_minor: int = 0) -> Json:
    failed = status == "failed"
    return {
        "id": asked.payment_id,
        "entity": "payment",
        "amount": asked.amount_minor,
        "currency": asked.currency,
        "status": status,
        "order_id": asked.order_id or None,
        "method": "upi",
        "amount_refunded": refunded_minor,
        "refund_status": ("full" if refunded_minor == asked.amount_minor else "partial") if refunded_minor else None,
        "captured": status in {"captured", "refunded"},
        "email": "pat@example.com",
        "contact": "+910000000001",
        "notes": [],
        "fee": _fee(asked) if status in {"captured", "refunded"} else None,
        "tax": _fee(asked) * 18 // 118 if status in {"captured", "refunded"} else None,
        "error_code": "BAD_REQUEST_ERROR" if failed else None,
        "error_description": "The payment was declined by the bank." if failed else None,
        "error_reason": "payment_failed" if failed else None,
        "created_at": asked.started_at_s,
    }


def _refund(asked: Asked, status: str) -> Json:
    return {
        "id": asked.refund_id or f"rfnd_{asked.tag(asked.payment_id, 'refund')}",
        "entity": "refund",
        "amount": asked.refund_minor,
        "currency": asked.currency,
        "payment_id": asked.payment_id,
        "status": status,
        "speed_requested": "normal",
        "created_at": asked.started_at_s,
    }


def _dispute(asked: Asked, status: str) -> Json:
    return {
        "id": f"disp_{asked.tag(asked.payment_id, 'dispute')}",
        "entity": "dispute",
        "payment_id": asked.payment_id,
        "amount": asked.amount_minor,
        "currency": asked.currency,
        "amount_deducted": asked.amount_minor if status == "lost" else 0,
        "reason_code": "goods_not_received",
        "status": status,
        "phase": "chargeback",
        "created_at": asked.started_at_s,
    }


def _order(asked: Asked) -> Json:
    return {
        "id": asked.order_id,
        "entity": "order",
        "amount": asked.amount_minor,
        "amount_paid": asked.amount_minor,
        "amount_due": 0,
        "currency": asked.currency,
        "status": "paid",
        "created_at": asked.started_at_s,
    }


def _event(of: Callable[[Asked], Mapping[str, Json]]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        entities = of(asked)
        return {
            "entity": "event",
            "account_id": "acc_example1",
            "event": asked.event,
            "contains": list(entities),
            "payload": {name: {"entity": entity} for name, entity in entities.items()},
            "created_at": asked.at_s,
        }

    return build


def _paid(status: str) -> Callable[[Asked], Mapping[str, Json]]:
    return lambda asked: {"payment": _payment(asked, status)}


def _refunding(status: str) -> Callable[[Asked], Mapping[str, Json]]:
    def build(asked: Asked) -> Mapping[str, Json]:
        refunded_minor = asked.refund_minor if status == "processed" else 0
        whole = refunded_minor == asked.amount_minor
        payment = _payment(asked, "refunded" if whole else "captured", refunded_minor)
        return {"refund": _refund(asked, status), "payment": payment}

    return build


def _disputing(status: str) -> Callable[[Asked], Mapping[str, Json]]:
    return lambda asked: {"payment": _payment(asked, "captured"), "dispute": _dispute(asked, status)}


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    event_id = asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id)
    return SignedRequest(
        (
            ("content-type", "application/json"),
            ("user-agent", "Razorpay-Webhook/v1"),
            ("x-razorpay-event-id", event_id),
            ("x-razorpay-signature", hex_hmac(asked.secret, body)),
        ),
        body,
    )


PRETENDER: Final = Pretender(
    name="razorpay",
    builders={
        "payment.authorized": _event(_paid("authorized")),
        "payment.captured": _event(_paid("captured")),
        "payment.failed": _event(_paid("failed")),
        "order.paid": _event(lambda asked: {"payment": _payment(asked, "captured"), "order": _order(asked)}),
        "refund.created": _event(_refunding("pending")),
        "refund.processed": _event(_refunding("processed")),
        "refund.failed": _event(_refunding("failed")),
        "payment.dispute.created": _event(_disputing("open")),
        "payment.dispute.won": _event(_disputing("won")),
        "payment.dispute.lost": _event(_disputing("lost")),
    },
    sign=_sign,
    signature_at="header:x-razorpay-signature",
    payment_id="pay_example1",
    currency="INR",
)
"""Razorpay, offline."""
