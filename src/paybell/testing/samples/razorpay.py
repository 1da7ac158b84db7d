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
        "notes": {"user_id": "user_1001"},
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


def _payout(asked: Asked, status: str) -> Json:
    failed = status in {"failed", "rejected", "reversed"}
    reason = {"reason": "bank_account_closed", "description": "The account is closed.", "source": "beneficiary_bank"}
    return {
        "id": f"pout_{asked.tag(asked.payment_id, 'payout')}",
        "entity": "payout",
        "amount": asked.amount_minor,
        "currency": asked.currency,
        "status": status,
        "status_details": reason if failed else {"reason": None, "description": None, "source": None},
        "failure_reason": None,
        "created_at": asked.started_at_s,
    }


def _settlement(asked: Asked) -> Json:
    return {
        "id": f"setl_{asked.tag(asked.payment_id, 'settlement')}",
        "entity": "settlement",
        "amount": asked.amount_minor,
        "status": "processed",
        "fees": 0,
        "tax": 0,
        "created_at": asked.started_at_s,
    }


def _subscription(asked: Asked, status: str) -> Json:
    return {
        "id": f"sub_{asked.tag(asked.payment_id, 'subscription')}",
        "entity": "subscription",
        "plan_id": "plan_example1",
        "customer_id": "cust_example1",
        "status": status,
        "current_start": asked.started_at_s,
        "current_end": asked.started_at_s + 2_592_000,
        "ended_at": asked.at_s if status in {"cancelled", "completed"} else None,
        "notes": {"paybell_product": "pro", "user_id": "user_1001"},
        "created_at": asked.started_at_s,
    }


def _invoice(asked: Asked, status: str) -> Json:
    return {
        "id": f"inv_{asked.tag(asked.payment_id, 'invoice')}",
        "entity": "invoice",
        "customer_id": "cust_example1",
        "customer_details": {"name": "Pat Example", "email": "pat@example.com", "contact": "+910000000001"},
        "order_id": asked.order_id or None,
        "payment_id": asked.payment_id if status == "paid" else None,
        "status": status,
        "amount": asked.amount_minor,
        "currency": asked.currency,
        "notes": [],
        "billing_start": None,
        "billing_end": None,
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


def _charged(asked: Asked) -> Mapping[str, Json]:
    payment = {**_payment(asked, "captured"), "invoice_id": _invoice(asked, "paid")["id"]}
    return {"subscription": _subscription(asked, "active"), "payment": payment}


def _invoiced(asked: Asked) -> Mapping[str, Json]:
    invoice = _invoice(asked, "paid")
    payment = {**_payment(asked, "captured"), "invoice_id": invoice["id"]}
    return {"payment": payment, "order": _order(asked), "invoice": invoice}


def _alone(name: str, entity: Callable[[Asked, str], Json], status: str) -> Callable[[Asked], Json]:
    return _event(lambda asked: {name: entity(asked, status)})


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
        "subscription.authenticated": _alone("subscription", _subscription, "authenticated"),
        "subscription.activated": _alone("subscription", _subscription, "active"),
        "subscription.charged": _event(_charged),
        "subscription.pending": _alone("subscription", _subscription, "pending"),
        "subscription.halted": _alone("subscription", _subscription, "halted"),
        "subscription.paused": _alone("subscription", _subscription, "paused"),
        "subscription.cancelled": _alone("subscription", _subscription, "cancelled"),
        "invoice.paid": _event(_invoiced),
        "invoice.expired": _alone("invoice", _invoice, "expired"),
        "settlement.processed": _event(lambda asked: {"settlement": _settlement(asked)}),
        "payout.queued": _alone("payout", _payout, "queued"),
        "payout.processed": _alone("payout", _payout, "processed"),
        "payout.rejected": _alone("payout", _payout, "rejected"),
        "payout.failed": _alone("payout", _payout, "failed"),
        "payout.reversed": _alone("payout", _payout, "reversed"),
    },
    sign=_sign,
    signature_at="header:x-razorpay-signature",
    payment_id="pay_example1",
    currency="INR",
)
"""Razorpay, offline."""
