"""Recurly's events, which only name an object, and what its API answers."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def recurly_transaction(asked: Asked, kind: str, status: str) -> Json:
    """How ``GET /transactions/{id}`` answers: a ``purchase``, or a ``refund`` that names it."""
    refund = kind == "refund"
    return {
        "id": _refund_id(asked) if refund else asked.payment_id,
        "object": "transaction",
        "uuid": f"uuid{asked.tag(asked.payment_id, kind)}",
        "type": kind,
        "status": status,
        "amount": asked.refund if refund else asked.amount,
        "currency": asked.currency,
        "original_transaction_id": asked.payment_id if refund else None,
        "status_code": "declined" if status == "declined" else None,
        "status_message": "Declined" if status == "declined" else None,
        "account": _account(),
        "invoice": {"number": asked.order_id},
        "created_at": asked.time(at_s=asked.started_at_s),
        "collected_at": asked.time(),
    }


def recurly_invoice(asked: Asked, *transactions: Json) -> Json:
    """How ``GET /invoices/{id}`` answers."""
    return {"id": asked.payment_id, "object": "invoice", "number": asked.order_id, "transactions": list(transactions)}


def recurly_subscription(asked: Asked, state: str) -> Json:
    """How ``GET /subscriptions/{id}`` answers."""
    return {
        "id": asked.payment_id,
        "object": "subscription",
        "uuid": f"uuid{asked.tag(asked.payment_id)}",
        "account": _account(),
        "plan": {"id": "plan1", "code": "pro-monthly", "name": "Pro"},
        "state": state,
        "current_period_ends_at": asked.time(at_s=asked.at_s + 2_592_000),
        "expires_at": asked.time(at_s=asked.at_s + 2_592_000) if state in {"canceled", "expired"} else None,
        "custom_fields": [{"name": "user_id", "value": "user_1001"}],
        "updated_at": asked.time(),
    }


def _account() -> Json:
    names = {"first_name": "Pat", "last_name": "Example"}
    return {"id": "account1", "code": "account-example-1", "email": "pat@example.com", **names}


def _refund_id(asked: Asked) -> str:
    return asked.refund_id or f"refund{asked.tag(asked.payment_id)}"


def _event(kind: str, *, refund: bool = False) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": _refund_id(asked) if refund else asked.payment_id,
        "object_type": kind,
        "site_id": "site-example-1",
        "event_type": asked.event.partition(".")[2],
        "event_time": asked.time(),
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, time = encode(value), str(asked.at_s * 1000)
    signature = hex_hmac(asked.secret, f"{time}.".encode() + body)
    return SignedRequest(json_headers(("recurly-signature", f"{time},{signature}")), body)


PRETENDER: Final = Pretender(
    name="recurly",
    builders={
        "payment.succeeded": _event("payment"),
        "payment.failed": _event("payment"),
        "payment.voided": _event("payment"),
        "payment.refunded": _event("payment", refund=True),
        "charge_invoice.paid": _event("charge_invoice"),
        "credit_invoice.created": _event("credit_invoice"),
        "subscription.renewed": _event("subscription"),
        "subscription.canceled": _event("subscription"),
        "account.updated": _event("account"),
        "gift_card.purchased": _event("gift_card"),
    },
    sign=_sign,
    signature_at="header:recurly-signature",
    payment_id="transaction1",
    currency="USD",
)
"""Recurly, offline. The payment is the transaction; of invoices, ``payment_id`` is the invoice's id."""
