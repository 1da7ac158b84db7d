"""GoCardless' webhooks, and its API's answers about a payment or a refund."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def gocardless_payment(payment_id: str, status: str, amount_minor: int, *, charge_date: str = "2025-06-20") -> bytes:
    """What ``GET /payments/{id}`` answers; the amount in minor units of GBP."""
    payment = {
        "id": payment_id,
        "created_at": "2025-06-15T15:06:40.000Z",
        "charge_date": charge_date,
        "amount": amount_minor,
        "amount_refunded": 0,
        "currency": "GBP",
        "status": status,
        "reference": None,
        "metadata": {"order_id": "order_1001"},
        "links": {"mandate": "MD000EXAMPLE", "creditor": "CR000EXAMPLE"},
    }
    return encode({"payments": payment})


def gocardless_refund(refund_id: str, payment_id: str, status: str, amount_minor: int) -> bytes:
    """What ``GET /refunds/{id}`` answers."""
    refund = {
        "id": refund_id,
        "created_at": "2025-06-25T10:00:00.000Z",
        "amount": amount_minor,
        "currency": "GBP",
        "status": status,
        "metadata": {},
        "links": {"payment": payment_id, "mandate": "MD000EXAMPLE"},
    }
    return encode({"refunds": refund})


def gocardless_answer(resource_type: str, **thing: object) -> bytes:
    """What ``GET /{resource_type}/{id}`` answers."""
    return encode({resource_type: thing})


def gocardless_event(event_id: str, resource_type: str, action: str, link: str, at: str) -> Json:
    """One event of a webhook."""
    return {
        "id": event_id,
        "created_at": at,
        "resource_type": resource_type,
        "action": action,
        "links": {resource_type.removesuffix("s"): link},
        "details": {"origin": "gocardless", "cause": f"{resource_type}_{action}", "description": "Something changed."},
        "metadata": {},
    }


def _event(resource_type: str, action: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        link = {
            "payments": asked.payment_id,
            "refunds": asked.refund_id or f"RF{asked.tag(asked.payment_id).upper()}",
            "payouts": f"PO{asked.tag(asked.payment_id).upper()}",
            "subscriptions": f"SB{asked.tag(asked.payment_id).upper()}",
            "customers": f"CU{asked.tag(asked.payment_id).upper()}",
        }.get(resource_type, f"MD{asked.tag(asked.payment_id).upper()}")
        event_id = asked.event_id or f"EV{asked.tag(asked.event, link, str(asked.at_s)).upper()}"
        return gocardless_event(event_id, resource_type, action, link, asked.time("%Y-%m-%dT%H:%M:%S.000Z"))

    return build


def _batch(*builders: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        meta = {"webhook_id": f"WB{asked.tag(asked.event, asked.payment_id).upper()}"}
        return {"events": [each(asked) for each in builders], "meta": meta}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(("webhook-signature", hex_hmac(asked.secret, body))), body)


PRETENDER: Final = Pretender(
    name="gocardless",
    builders={
        "payments.confirmed": _batch(_event("payments", "confirmed")),
        "payments.created": _batch(_event("payments", "created")),
        "payments.paid_out": _batch(_event("payments", "paid_out")),
        "payments.failed": _batch(_event("payments", "failed")),
        "payments.cancelled": _batch(_event("payments", "cancelled")),
        "payments.charged_back": _batch(_event("payments", "charged_back")),
        "payments.chargeback_cancelled": _batch(_event("payments", "chargeback_cancelled")),
        "refunds.paid": _batch(_event("refunds", "paid")),
        "payouts.paid": _batch(_event("payouts", "paid")),
        "subscriptions.created": _batch(_event("subscriptions", "created")),
        "customers.updated": _batch(_event("customers", "updated")),
        "mandates.created": _batch(_event("mandates", "created")),
        "batch": _batch(
            _event("mandates", "active"),
            _event("payments", "submitted"),
            _event("payments", "chargeback_cancelled"),
            _event("refunds", "created"),
        ),
    },
    sign=_sign,
    signature_at="header:webhook-signature",
    payment_id="PM000EXAMPLE1",
    currency="GBP",
)
"""GoCardless, offline."""
