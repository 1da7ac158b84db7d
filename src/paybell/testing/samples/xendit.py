"""Xendit's callbacks, which are hints, and what its API answers."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def xendit_payment(asked: Asked, status: str) -> Json:
    """How ``GET /v3/payments/{payment_id}`` answers, and what an event of the newer API holds."""
    capture = {"capture_id": "cptr-1", "capture_amount": asked.amount, "capture_timestamp": asked.time()}
    return {
        "payment_id": _payment_id(asked),
        "payment_request_id": asked.payment_id,
        "reference_id": asked.order_id,
        "status": status,
        "request_amount": asked.amount,
        "currency": asked.currency,
        "channel_code": "CARDS",
        "metadata": {"user_id": "user_1001"},
        "failure_code": "CARD_DECLINED" if status == "FAILED" else None,
        "captures": [capture] if status == "SUCCEEDED" else [],
        "created": asked.time(at_s=asked.started_at_s),
        "updated": asked.time(),
    }


def xendit_refund(asked: Asked, status: str) -> Json:
    """How ``GET /refunds/{id}`` answers, and what an event of a refund holds."""
    return {
        "id": asked.refund_id or f"rfd-{asked.tag(asked.payment_id)}",
        "payment_request_id": asked.payment_id,
        "reference_id": asked.order_id,
        "amount": asked.refund,
        "currency": asked.currency,
        "status": status,
        "created": asked.time(at_s=asked.started_at_s),
        "updated": asked.time(),
    }


def xendit_invoice(asked: Asked) -> Json:
    """How ``GET /v2/invoices/{id}`` answers, and the callback of an invoice."""
    return {
        "id": asked.payment_id,
        "external_id": asked.order_id,
        "merchant_name": "Example Shop",
        "status": "PAID",
        "amount": asked.amount,
        "paid_amount": asked.amount,
        "currency": asked.currency,
        "payment_channel": "EXAMPLE",
        "payer_email": "pat@example.com",
        "created": asked.time(at_s=asked.started_at_s),
        "updated": asked.time(),
    }


def xendit_payout(asked: Asked, status: str) -> Json:
    """How ``GET /v2/payouts/{id}`` answers, and what an event of a payout holds."""
    return {
        "id": f"disb-{asked.tag(asked.payment_id)}",
        "amount": asked.amount,
        "channel_code": "ID_EXAMPLE",
        "currency": asked.currency,
        "status": status,
        "reference_id": asked.order_id,
        "failure_code": "INVALID_DESTINATION" if status == "FAILED" else None,
        "created": asked.time(at_s=asked.started_at_s),
        "updated": asked.time(),
    }


def _payment_id(asked: Asked) -> str:
    return f"py-{asked.tag(asked.payment_id)}"


def _event(data: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    return lambda asked: {
        "event": asked.event,
        "business_id": "business-example-1",
        "created": asked.time(),
        "data": data(asked),
    }


def _older(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": _payment_id(asked),
        "payment_request_id": asked.payment_id,
        "reference_id": asked.order_id,
        "amount": asked.amount,
        "currency": asked.currency,
        "status": status,
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    webhook_id = asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s))
    return SignedRequest(json_headers(("x-callback-token", asked.secret), ("webhook-id", webhook_id)), encode(value))


PRETENDER: Final = Pretender(
    name="xendit",
    builders={
        "payment.capture": _event(lambda asked: xendit_payment(asked, "SUCCEEDED")),
        "payment.authorization": _event(lambda asked: xendit_payment(asked, "AUTHORIZED")),
        "payment.failure": _event(lambda asked: xendit_payment(asked, "FAILED")),
        "payment.expiry": _event(lambda asked: xendit_payment(asked, "EXPIRED")),
        "payment.succeeded": _event(_older("SUCCEEDED")),
        "payment.failed": _event(_older("FAILED")),
        "invoice": xendit_invoice,
        "refund.succeeded": _event(lambda asked: xendit_refund(asked, "SUCCEEDED")),
        "refund.failed": _event(lambda asked: xendit_refund(asked, "FAILED")),
        "payout.succeeded": _event(lambda asked: xendit_payout(asked, "SUCCEEDED")),
        "payout.failed": _event(lambda asked: xendit_payout(asked, "FAILED")),
        "payout.reversed": _event(lambda asked: xendit_payout(asked, "REVERSED")),
    },
    sign=_sign,
    signature_at="header:x-callback-token",
    payment_id="pr-example-1",
    currency="IDR",
)
"""Xendit, offline. The payment is the payment request, or the invoice."""
