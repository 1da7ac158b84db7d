"""Square's events."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, base64_hmac, encode, json_headers

_URL: Final = "https://example.com/in/square-test"


def _money(asked: Asked, minor: int) -> Json:
    return {"amount": minor, "currency": asked.currency}


def _event(asked: Asked, kind: str, thing: dict[str, object]) -> Json:
    name = asked.event.partition(" ")[0]
    return {
        "merchant_id": "MLEXAMPLE0001",
        "type": name,
        "event_id": asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id),
        "created_at": asked.time(),
        "data": {"type": kind, "id": thing["id"], "object": {kind: thing}},
    }


def _payment(status: str, **more: object) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        payment: dict[str, object] = {
            "id": asked.payment_id,
            "status": status,
            "created_at": asked.time(at_s=asked.started_at_s),
            "updated_at": asked.time(),
            "amount_money": _money(asked, asked.amount_minor),
            "total_money": _money(asked, asked.amount_minor),
            "order_id": asked.order_id,
            "customer_id": "CUEXAMPLE0001",
            "buyer_email_address": "pat@example.com",
            "source_type": "CARD",
            **more,
        }
        return _event(asked, "payment", payment)

    return build


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        refund: dict[str, object] = {
            "id": asked.refund_id or f"{asked.payment_id}_{asked.tag(asked.payment_id, 'refund')}",
            "status": status,
            "payment_id": asked.payment_id,
            "amount_money": _money(asked, asked.refund_minor),
            "created_at": asked.time(at_s=asked.started_at_s),
            "updated_at": asked.time(),
        }
        return _event(asked, "refund", refund)

    return build


def _dispute(state: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        dispute: dict[str, object] = {
            "id": asked.tag(asked.payment_id, "dispute"),
            "state": state,
            "reason": "NOT_RECEIVED",
            "disputed_payment": {"payment_id": asked.payment_id},
            "amount_money": _money(asked, asked.amount_minor),
            "created_at": asked.time(at_s=asked.started_at_s),
            "updated_at": asked.time(),
        }
        return _event(asked, "dispute", dispute)

    return build


def _payout(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        payout: dict[str, object] = {
            "id": f"po_{asked.tag(asked.payment_id)}",
            "status": status,
            "amount_money": _money(asked, asked.amount_minor),
            "updated_at": asked.time(),
        }
        return _event(asked, "payout", payout)

    return build


def _subscription(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        subscription: dict[str, object] = {
            "id": asked.tag(asked.payment_id, "subscription"),
            "status": status,
            "customer_id": "CUEXAMPLE0001",
            "plan_variation_id": "PLANEXAMPLE1",
            "charged_through_date": asked.time("%Y-%m-%d", asked.started_at_s + 30 * 86_400),
            "canceled_date": asked.time("%Y-%m-%d") if status == "CANCELED" else None,
        }
        return _event(asked, "subscription", subscription)

    return build


def _invoice(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        invoice: dict[str, object] = {
            "id": f"inv:0-{asked.tag(asked.payment_id)}",
            "status": status,
            "updated_at": asked.time(),
            "subscription_id": asked.tag(asked.payment_id, "subscription"),
            "payment_requests": [{"computed_amount_money": _money(asked, asked.amount_minor)}],
            "primary_recipient": {"customer_id": "CUEXAMPLE0001", "email_address": "pat@example.com"},
        }
        return _event(asked, "invoice", invoice)

    return build


def _customer(asked: Asked) -> Json:
    customer: dict[str, object] = {"id": "CUEXAMPLE0001", "given_name": "Pat", "email_address": "pat@example.com"}
    return _event(asked, "customer", customer)


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = base64_hmac(asked.secret, asked.option("notificationUrl").encode() + body)
    environment = "Production" if asked.livemode else "Sandbox"
    return SignedRequest(
        json_headers(("square-environment", environment), ("x-square-hmacsha256-signature", signature)), body
    )


_DECLINED: Final = {"errors": [{"code": "CARD_DECLINED", "detail": "The card was declined.", "category": "X"}]}
PRETENDER: Final = Pretender(
    name="square",
    builders={
        "payment.updated COMPLETED": _payment("COMPLETED"),
        "payment.created": _payment("APPROVED"),
        "payment.created PENDING": _payment("PENDING"),
        "payment.updated CANCELED": _payment("CANCELED"),
        "payment.updated FAILED": _payment("FAILED", card_details=_DECLINED),
        "refund.created": _refund("PENDING"),
        "refund.updated COMPLETED": _refund("COMPLETED"),
        "refund.updated FAILED": _refund("FAILED"),
        "dispute.created": _dispute("EVIDENCE_REQUIRED"),
        "dispute.state.updated WON": _dispute("WON"),
        "dispute.state.updated LOST": _dispute("LOST"),
        "payout.sent": _payout("SENT"),
        "payout.paid": _payout("PAID"),
        "payout.failed": _payout("FAILED"),
        "subscription.created": _subscription("ACTIVE"),
        "subscription.updated CANCELED": _subscription("CANCELED"),
        "invoice.published": _invoice("UNPAID"),
        "invoice.scheduled_charge_failed": _invoice("UNPAID"),
        "invoice.payment_made": _invoice("PAID"),
        "invoice.canceled": _invoice("CANCELED"),
        "customer.created": _customer,
        "customer.deleted": _customer,
    },
    sign=_sign,
    signature_at="header:x-square-hmacsha256-signature",
    payment_id="KkAexample0001",
    currency="USD",
    options={"notificationUrl": _URL},
)
"""Square, offline."""
