"""Stripe's events, in the shape of API version 2025-04-30."""

from collections.abc import Callable, Mapping
from typing import Final

from paybell.gateways.kit.amounts import STRIPE_EXPONENTS, from_iso
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac


def _amount(asked: Asked) -> int:
    return from_iso(asked.amount_minor, asked.currency, STRIPE_EXPONENTS)


def _refunded(asked: Asked) -> int:
    return from_iso(asked.refund_minor, asked.currency, STRIPE_EXPONENTS)


def _charge_id(asked: Asked, status: str = "succeeded") -> str:
    # A declined try and the one that succeeds are two charges of one intent.
    return f"ch_{asked.tag(asked.payment_id, 'declined' if status == 'failed' else 'charge')}"


def _refund_id(asked: Asked) -> str:
    return asked.refund_id or f"re_{asked.tag(asked.payment_id, 'refund')}"


def _metadata(asked: Asked) -> Json:
    return {"order_id": asked.order_id} if asked.order_id else {}


def _intent(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        amount = _amount(asked)
        tried = status in {"processing", "requires_capture", "succeeded"}
        return {
            "id": asked.payment_id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": amount if status == "requires_capture" else 0,
            "amount_received": amount if status == "succeeded" else 0,
            "cancellation_reason": "requested_by_customer" if status == "canceled" else None,
            "capture_method": "manual" if status == "requires_capture" else "automatic_async",
            "created": asked.started_at_s,
            "currency": asked.currency.lower(),
            "customer": "cus_example1",
            "last_payment_error": None,
            "latest_charge": _charge_id(asked) if tried else None,
            "livemode": asked.livemode,
            "metadata": _metadata(asked),
            "next_action": {"type": "use_stripe_sdk"} if status == "requires_action" else None,
            "payment_method_types": ["card"],
            "receipt_email": "pat@example.com",
            "status": status,
        }

    return build


def _intent_declined(asked: Asked) -> Json:
    charge = _charge_id(asked, "failed")
    error = {
        "type": "card_error",
        "charge": charge,
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
    }
    return {**_intent("requires_payment_method")(asked), "last_payment_error": error, "latest_charge": charge}


def _charge(*, refunded: bool) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        amount = _amount(asked)
        return {
            "id": _charge_id(asked),
            "object": "charge",
            "amount": amount,
            "amount_captured": amount,
            "amount_refunded": _refunded(asked) if refunded else 0,
            "billing_details": {"email": "pat@example.com", "name": "Pat Example", "phone": None},
            "captured": True,
            "created": asked.started_at_s,
            "currency": asked.currency.lower(),
            "customer": "cus_example1",
            "disputed": False,
            "failure_code": None,
            "failure_message": None,
            "livemode": asked.livemode,
            "metadata": _metadata(asked),
            "paid": True,
            "payment_intent": asked.payment_id,
            "refunded": refunded and asked.refund_minor == asked.amount_minor,
            "status": "succeeded",
        }

    return build


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "id": _refund_id(asked),
            "object": "refund",
            "amount": _refunded(asked),
            "charge": _charge_id(asked),
            "created": asked.started_at_s,
            "currency": asked.currency.lower(),
            "metadata": {},
            "payment_intent": asked.payment_id,
            "reason": "requested_by_customer",
            "status": status,
        }

    return build


def _movement(asked: Asked, amount: int, fee: int, tag: str) -> Json:
    return {
        "id": f"txn_{asked.tag(asked.payment_id, tag)}",
        "object": "balance_transaction",
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": asked.currency.lower(),
        "created": asked.started_at_s,
        "type": "adjustment",
    }


def _movements(asked: Asked, status: str) -> list[Json]:
    """What a dispute takes from the account, with a fee; and what comes back when it is won."""
    taken = _movement(asked, -_amount(asked), from_iso(1500, asked.currency, STRIPE_EXPONENTS), "withdrawal")
    return [taken, _movement(asked, _amount(asked), 0, "reversal")] if status == "won" else [taken]


def _dispute(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "id": f"dp_{asked.tag(asked.payment_id, 'dispute')}",
            "object": "dispute",
            "amount": _amount(asked),
            "balance_transactions": _movements(asked, status),
            "charge": _charge_id(asked),
            "created": asked.started_at_s,
            "currency": asked.currency.lower(),
            "livemode": asked.livemode,
            "payment_intent": asked.payment_id,
            "reason": "fraudulent",
            "status": status,
        }

    return build


def _session(asked: Asked) -> Json:
    return {
        "id": f"cs_test_{asked.tag(asked.payment_id, 'session')}",
        "object": "checkout.session",
        "amount_total": _amount(asked),
        "client_reference_id": asked.order_id or None,
        "created": asked.started_at_s,
        "currency": asked.currency.lower(),
        "customer_details": {"email": "pat@example.com", "name": "Pat Example"},
        "livemode": asked.livemode,
        "mode": "payment",
        "payment_intent": asked.payment_id,
        "payment_status": "paid",
        "status": "complete",
    }


_MONTH_S: Final = 30 * 86_400


def _subscription_id(asked: Asked) -> str:
    return f"sub_{asked.tag(asked.payment_id, 'subscription')}"


def _invoice_id(asked: Asked) -> str:
    return f"in_{asked.tag(asked.payment_id, 'invoice')}"


def _subscription(status: str, *, ending: bool = False) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        end_s = asked.started_at_s + _MONTH_S
        item = {"object": "subscription_item", "current_period_end": end_s, "price": {"id": "price_example1"}}
        return {
            "id": _subscription_id(asked),
            "object": "subscription",
            "cancel_at": end_s if ending else None,
            "cancel_at_period_end": ending,
            "created": asked.started_at_s,
            "customer": "cus_example1",
            "ended_at": asked.at_s if status == "canceled" else None,
            "items": {"object": "list", "data": [item]},
            "metadata": {"paybell_product": "gold", "paybell_user": "user_1"},
            "status": status,
            "trial_end": end_s if status == "trialing" else None,
        }

    return build


def _line(asked: Asked) -> Json:
    return {
        "object": "line_item",
        "amount": _amount(asked),
        "parent": {"subscription_item_details": {"subscription": _subscription_id(asked)}},
        "period": {"start": asked.started_at_s, "end": asked.started_at_s + _MONTH_S},
        "pricing": {"price_details": {"price": "price_example1"}},
    }


def _invoice(status: str, *, attempted: bool = True) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "id": _invoice_id(asked),
            "object": "invoice",
            "amount_due": _amount(asked),
            "attempted": attempted,
            "created": asked.started_at_s,
            "currency": asked.currency.lower(),
            "customer": "cus_example1",
            "customer_email": "pat@example.com",
            "lines": {"object": "list", "data": [_line(asked)]},
            "metadata": {},
            "parent": {"subscription_details": {"metadata": {}, "subscription": _subscription_id(asked)}},
            "status": status,
        }

    return build


def _invoice_payment(asked: Asked) -> Json:
    return {
        "id": f"inpay_{asked.tag(asked.payment_id, 'invoice payment')}",
        "object": "invoice_payment",
        "amount_paid": _amount(asked),
        "created": asked.started_at_s,
        "currency": asked.currency.lower(),
        "invoice": _invoice_id(asked),
        "payment": {"type": "payment_intent", "payment_intent": asked.payment_id},
        "status": "paid",
    }


def _customer(asked: Asked) -> Json:
    return {
        "id": "cus_example1",
        "object": "customer",
        "created": asked.started_at_s,
        "email": "pat@example.com",
        "metadata": {},
        "name": "Pat Example",
        "phone": None,
    }


def _payout(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        failed = status == "failed"
        return {
            "id": f"po_{asked.tag(asked.payment_id, 'payout')}",
            "object": "payout",
            "amount": _amount(asked),
            "created": asked.started_at_s,
            "currency": asked.currency.lower(),
            "failure_code": "account_closed" if failed else None,
            "failure_message": "The bank account is closed." if failed else None,
            "status": status,
        }

    return build


_OBJECTS: Final[Mapping[str, Callable[[Asked], Json]]] = {
    "payment_intent.created": _intent("requires_payment_method"),
    "payment_intent.processing": _intent("processing"),
    "payment_intent.requires_action": _intent("requires_action"),
    "payment_intent.amount_capturable_updated": _intent("requires_capture"),
    "payment_intent.succeeded": _intent("succeeded"),
    "payment_intent.payment_failed": _intent_declined,
    "payment_intent.canceled": _intent("canceled"),
    "charge.succeeded": _charge(refunded=False),
    "charge.refunded": _charge(refunded=True),
    "refund.created": _refund("pending"),
    "refund.updated": _refund("succeeded"),
    "refund.failed": _refund("failed"),
    "charge.dispute.created": _dispute("needs_response"),
    "charge.dispute.funds_withdrawn": _dispute("needs_response"),
    "charge.dispute.funds_reinstated": _dispute("won"),
    "charge.dispute.closed": _dispute("lost"),
    "checkout.session.completed": _session,
    "customer.created": _customer,
    "customer.updated": _customer,
    "customer.deleted": _customer,
    "customer.subscription.created": _subscription("trialing"),
    "customer.subscription.updated": _subscription("active", ending=True),
    "customer.subscription.deleted": _subscription("canceled"),
    "invoice.finalized": _invoice("open", attempted=False),
    "invoice.paid": _invoice("paid"),
    "invoice.payment_failed": _invoice("open"),
    "invoice.voided": _invoice("void"),
    "invoice_payment.paid": _invoice_payment,
    "payout.created": _payout("in_transit"),
    "payout.paid": _payout("paid"),
    "payout.failed": _payout("failed"),
    "payout.canceled": _payout("canceled"),
}


def _event(of: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "id": asked.event_id or f"evt_{asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id)}",
            "object": "event",
            "api_version": "2025-04-30.basil",
            "created": asked.at_s,
            "data": {"object": of(asked)},
            "livemode": asked.livemode,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": asked.event,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = hex_hmac(asked.secret, str(asked.at_s).encode() + b"." + body)
    return SignedRequest(
        (
            ("content-type", "application/json; charset=utf-8"),
            ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
            ("stripe-signature", f"t={asked.at_s},v1={signature}"),
        ),
        body,
    )


PRETENDER: Final = Pretender(
    name="stripe",
    builders={event: _event(build) for event, build in _OBJECTS.items()},
    sign=_sign,
    signature_at="header:stripe-signature",
    payment_id="pi_example1",
    currency="USD",
)
"""Stripe, offline."""
