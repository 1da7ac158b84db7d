"""Lemon Squeezy's events."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers

_FORM: Final = "%Y-%m-%dT%H:%M:%S.000000Z"


def _event(asked: Asked, name: str, kind: str, attributes: Json) -> Json:
    return {
        "meta": {
            "test_mode": not asked.livemode,
            "event_name": name,
            "webhook_id": asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s)),
            "custom_data": {"order_id": asked.order_id, "user_id": "user_1001"},
        },
        "data": {"type": kind, "id": asked.payment_id.rpartition(":")[2], "attributes": attributes},
    }


def _money(asked: Asked, status: str, refunded_minor: int) -> Json:
    return {
        "store_id": 1,
        "customer_id": 1,
        "user_name": "Pat Example",
        "user_email": "pat@example.com",
        "currency": asked.currency,
        "total": asked.amount_minor,
        "status": status,
        "refunded": status == "refunded",
        "refunded_at": asked.time(_FORM) if status == "refunded" else None,
        "refunded_amount": refunded_minor,
        "created_at": asked.time(_FORM, asked.started_at_s),
        "updated_at": asked.time(_FORM),
        "test_mode": not asked.livemode,
    }


def _order(name: str, status: str) -> Callable[[Asked], Json]:
    return lambda asked: _event(asked, name, "orders", {"identifier": asked.tag("order"), **_money(asked, status, 0)})


def _order_refunded(asked: Asked) -> Json:
    status = "refunded" if asked.refund_minor == asked.amount_minor else "partial_refund"
    return _event(asked, "order_refunded", "orders", _money(asked, status, asked.refund_minor))


def _invoice(name: str, status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        refunded_minor = asked.refund_minor if status == "refunded" else 0
        money = _money(asked, status, refunded_minor)
        return _event(
            asked, name, "subscription-invoices", {"billing_reason": "renewal", "subscription_id": 1, **money}
        )

    return build


def _subscription(name: str, status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        ended_s = {"cancelled": asked.at_s + 2_592_000, "expired": asked.at_s}.get(status)
        attributes = {
            "status": status,
            "order_id": 1,
            "product_id": 1,
            "variant_id": 11,
            "customer_id": 1,
            "user_name": "Pat Example",
            "user_email": "pat@example.com",
            "cancelled": ended_s is not None,
            "trial_ends_at": asked.time(_FORM, asked.at_s + 604_800) if status == "on_trial" else None,
            "renews_at": asked.time(_FORM, asked.at_s + 2_592_000),
            "ends_at": None if ended_s is None else asked.time(_FORM, ended_s),
            "created_at": asked.time(_FORM, asked.started_at_s),
            "updated_at": asked.time(_FORM),
            "test_mode": not asked.livemode,
        }
        return _event(asked, name, "subscriptions", attributes)

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    name = asked.event.partition(":")[0]
    return SignedRequest(json_headers(("x-event-name", name), ("x-signature", hex_hmac(asked.secret, body))), body)


PRETENDER: Final = Pretender(
    name="lemonsqueezy",
    builders={
        "order_created": _order("order_created", "paid"),
        "order_created:failed": _order("order_created", "failed"),
        "order_refunded": _order_refunded,
        "subscription_created": _subscription("subscription_created", "active"),
        "subscription_created:trial": _subscription("subscription_created", "on_trial"),
        "subscription_updated:past_due": _subscription("subscription_updated", "past_due"),
        "subscription_paused": _subscription("subscription_paused", "paused"),
        "subscription_cancelled": _subscription("subscription_cancelled", "cancelled"),
        "subscription_expired": _subscription("subscription_expired", "expired"),
        "subscription_payment_success": _invoice("subscription_payment_success", "paid"),
        "subscription_payment_failed": _invoice("subscription_payment_failed", "pending"),
        "subscription_payment_refunded": _invoice("subscription_payment_refunded", "refunded"),
    },
    sign=_sign,
    signature_at="header:x-signature",
    payment_id="1001",
    currency="USD",
)
"""Lemon Squeezy, offline."""
