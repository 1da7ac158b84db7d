"""Paddle Billing's events."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers

_FORM: Final = "%Y-%m-%dT%H:%M:%S.000000Z"


def _transaction(asked: Asked, status: str, attempt: str) -> Json:
    total = str(asked.amount_minor)
    return {
        "id": asked.payment_id,
        "status": status,
        "currency_code": asked.currency,
        "customer_id": "ctm_example1",
        "invoice_number": None,
        "invoice_id": None,
        "subscription_id": None,
        "custom_data": {"order_id": asked.order_id, "user_id": "user_1001"},
        "details": {"totals": {"total": total, "grand_total": total, "currency_code": asked.currency}},
        "payments": [_attempt(asked, attempt)] if attempt else [],
        "created_at": asked.time(_FORM, asked.started_at_s),
        "updated_at": asked.time(_FORM),
    }


def _attempt(asked: Asked, status: str) -> Json:
    return {
        "payment_attempt_id": asked.tag(asked.payment_id, "captured" if status == "captured" else asked.event),
        "status": status,
        "amount": str(asked.amount_minor),
        "error_code": "declined" if status == "error" else None,
        "method_details": {"type": "card"},
        "created_at": asked.time(_FORM, asked.started_at_s),
        "captured_at": asked.time(_FORM, asked.started_at_s + 1) if status == "captured" else None,
    }


def _adjustment(action: str, status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        minor = asked.refund_minor if action == "refund" else asked.amount_minor
        return {
            "id": asked.refund_id or f"adj_{asked.tag(asked.payment_id, action)}",
            "action": action,
            "status": status,
            "transaction_id": asked.payment_id,
            "customer_id": "ctm_example1",
            "currency_code": asked.currency,
            "reason": "requested by the customer" if action == "refund" else "fraud",
            "totals": {"total": str(minor), "currency_code": asked.currency},
            "created_at": asked.time(_FORM),
            "updated_at": asked.time(_FORM),
        }

    return build


def _subscription(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        ends = {
            "starts_at": asked.time(_FORM, asked.started_at_s),
            "ends_at": asked.time(_FORM, asked.at_s + 2_592_000),
        }
        scheduled = {"action": "cancel", "effective_at": ends["ends_at"], "resume_at": None}
        return {
            "id": _subscription_id(asked),
            "status": status,
            "customer_id": "ctm_example1",
            "currency_code": asked.currency,
            "custom_data": {"user_id": "user_1001"},
            "items": [{"status": status, "quantity": 1, "recurring": True, "price": {"id": "pri_example1"}}],
            "current_billing_period": None if status in {"paused", "canceled"} else ends,
            "scheduled_change": scheduled if asked.event.endswith(":ending") else None,
            "canceled_at": asked.time(_FORM) if status == "canceled" else None,
            "paused_at": asked.time(_FORM) if status == "paused" else None,
            "created_at": asked.time(_FORM, asked.started_at_s),
            "updated_at": asked.time(_FORM),
        }

    return build


def _subscription_id(asked: Asked) -> str:
    return f"sub_{asked.tag(asked.payment_id, 'subscription')}"


def _renewal(asked: Asked) -> Json:
    belongs = {"subscription_id": _subscription_id(asked), "invoice_id": f"inv_{asked.tag(asked.payment_id)}"}
    return {**_transaction(asked, "completed", "captured"), "origin": "subscription_recurring", **belongs}


def _customer(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": "ctm_example1",
        "status": status,
        "name": "Pat Example",
        "email": "pat@example.com",
        "custom_data": None,
        "created_at": asked.time(_FORM, asked.started_at_s),
        "updated_at": asked.time(_FORM),
    }


def _payout(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": f"pay_{asked.tag(asked.payment_id, 'payout')}",
        "status": status,
        "amount": str(asked.amount_minor),
        "currency_code": asked.currency,
    }


def _paying(status: str, attempt: str) -> Callable[[Asked], Json]:
    return lambda asked: _transaction(asked, status, attempt)


def _event(data: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    return lambda asked: {
        "event_id": asked.event_id or f"evt_{asked.tag(asked.event, asked.payment_id, str(asked.at_s))}",
        "event_type": asked.event.partition(":")[0],
        "occurred_at": asked.time(_FORM),
        "notification_id": f"ntf_{asked.tag(asked.event, str(asked.at_s))}",
        "data": data(asked),
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = hex_hmac(asked.secret, f"{asked.at_s}:".encode() + body)
    return SignedRequest(json_headers(("paddle-signature", f"ts={asked.at_s};h1={signature}")), body)


PRETENDER: Final = Pretender(
    name="paddle",
    builders={
        "transaction.completed": _event(_paying("completed", "captured")),
        "transaction.paid": _event(_paying("paid", "captured")),
        "transaction.ready": _event(_paying("ready", "")),
        "transaction.payment_failed": _event(_paying("ready", "error")),
        "transaction.past_due": _event(_paying("past_due", "error")),
        "transaction.canceled": _event(_paying("canceled", "")),
        "adjustment.created": _event(_adjustment("refund", "pending_approval")),
        "adjustment.updated": _event(_adjustment("refund", "approved")),
        "adjustment.updated:rejected": _event(_adjustment("refund", "rejected")),
        "adjustment.created:chargeback": _event(_adjustment("chargeback", "approved")),
        "adjustment.created:chargeback_reverse": _event(_adjustment("chargeback_reverse", "approved")),
        "transaction.completed:renewal": _event(_renewal),
        "subscription.created": _event(_subscription("active")),
        "subscription.trialing": _event(_subscription("trialing")),
        "subscription.updated:ending": _event(_subscription("active")),
        "subscription.past_due": _event(_subscription("past_due")),
        "subscription.paused": _event(_subscription("paused")),
        "subscription.canceled": _event(_subscription("canceled")),
        "customer.created": _event(_customer("active")),
        "customer.updated:archived": _event(_customer("archived")),
        "payout.created": _event(_payout("unpaid")),
        "payout.paid": _event(_payout("paid")),
    },
    sign=_sign,
    signature_at="header:paddle-signature",
    payment_id="txn_example1",
    currency="USD",
)
"""Paddle Billing, offline."""
