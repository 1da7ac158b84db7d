"""Chargebee's events, which are hints, and what its API answers."""

from base64 import b64encode
from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def chargebee_answer(event: Json) -> Json:
    """How ``GET /api/v2/events/{id}`` answers: the event, wrapped."""
    return {"event": event}


def _payment(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": asked.payment_id,
        "object": "transaction",
        "type": "payment",
        "status": status,
        "amount": asked.amount_minor,
        "currency_code": asked.currency,
        "date": asked.started_at_s,
        "updated_at": asked.at_s,
        "customer_id": "customer-example-1",
        "payment_method": "card",
        "linked_invoices": [{"invoice_id": asked.order_id, "applied_amount": asked.amount_minor}],
        **({"error_code": "card_declined", "error_text": "Declined"} if status == "failure" else {}),
    }


def _refund(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": asked.refund_id or f"txn_{asked.tag(asked.payment_id)}",
        "object": "transaction",
        "type": "refund",
        "status": status,
        "amount": asked.refund_minor,
        "currency_code": asked.currency,
        "date": asked.at_s,
        "updated_at": asked.at_s,
        "refunded_txn_id": asked.payment_id,
    }


def _subscription(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        ends_s = {"non_renewing": asked.at_s + 2_592_000, "cancelled": asked.at_s}.get(status)
        return {
            "id": f"sub_{asked.tag(asked.payment_id, 'subscription')}",
            "object": "subscription",
            "status": status,
            "customer_id": "customer-example-1",
            "current_term_end": asked.at_s + 2_592_000,
            "trial_end": asked.at_s + 604_800 if status == "in_trial" else None,
            "cancelled_at": ends_s,
            "subscription_items": [{"item_price_id": "pro-USD-monthly", "item_type": "plan", "quantity": 1}],
            "meta_data": {"paybell_product": "pro", "user_id": "user_1001"},
        }

    return build


def _invoice(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        subscription_id = f"sub_{asked.tag(asked.payment_id, 'subscription')}"
        line = {"subscription_id": subscription_id, "entity_type": "plan_item_price", "entity_id": "pro-USD-monthly"}
        return {
            "id": asked.order_id,
            "object": "invoice",
            "status": status,
            "customer_id": "customer-example-1",
            "subscription_id": subscription_id,
            "total": asked.amount_minor,
            "currency_code": asked.currency,
            "line_items": [{**line, "date_from": asked.at_s, "date_to": asked.at_s + 2_592_000}],
        }

    return build


def _event(
    transaction: Callable[[Asked], Json] | None = None, **others: Callable[[Asked], Json]
) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        content = {"customer": {"id": "customer-example-1", "email": "pat@example.com"}}
        more = {} if transaction is None else {"transaction": transaction(asked)}
        more |= {name: other(asked) for name, other in others.items()}
        return {
            "id": asked.event_id or f"ev_{asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id)}",
            "occurred_at": asked.at_s,
            "source": "api",
            "object": "event",
            "api_version": "v2",
            "content": {**content, **more},
            "event_type": asked.event,
            "webhook_status": "scheduled",
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    credentials = b64encode(asked.secret.encode()).decode()
    return SignedRequest(json_headers(("authorization", f"Basic {credentials}")), encode(value))


PRETENDER: Final = Pretender(
    name="chargebee",
    builders={
        "payment_succeeded": _event(_payment("success")),
        "payment_failed": _event(_payment("failure")),
        "payment_initiated": _event(_payment("in_progress")),
        "payment_refunded": _event(_refund("success")),
        "refund_initiated": _event(_refund("in_progress")),
        "subscription_created": _event(subscription=_subscription("in_trial")),
        "subscription_renewed": _event(subscription=_subscription("active"), invoice=_invoice("paid")),
        "subscription_cancellation_scheduled": _event(subscription=_subscription("non_renewing")),
        "subscription_cancelled": _event(subscription=_subscription("cancelled")),
        "invoice_generated": _event(invoice=_invoice("payment_due")),
        "invoice_updated": _event(invoice=_invoice("not_paid")),
        "customer_changed": _event(),
    },
    sign=_sign,
    signature_at="header:authorization",
    payment_id="txn_example1",
    currency="USD",
    secret="webhooks:not-a-real-password",  # noqa: S106 - invented
)
"""Chargebee, offline. The payment is the transaction."""
