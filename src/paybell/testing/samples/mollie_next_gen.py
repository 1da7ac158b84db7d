"""Mollie's next-gen webhooks: signed events with a snapshot of their object."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers
from paybell.testing.samples.mollie import mollie_payment, mollie_refund, money

_TIME: Final = "%Y-%m-%dT%H:%M:%S+00:00"


def _event(asked: Asked, entity_id: str, entity: Json) -> Json:
    event_id = asked.event_id or f"whev_{asked.tag(asked.event, entity_id, str(asked.at_s))}"
    return {
        "resource": "event",
        "id": event_id,
        "type": asked.event,
        "entityId": entity_id,
        "createdAt": asked.time(_TIME),
        "_embedded": {"entity": entity},
        "_links": {},
    }


def _payment(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        payment = mollie_payment(
            asked.payment_id,
            status,
            asked.amount,
            currency=asked.currency,
            at=asked.time(_TIME),
            order_id=asked.order_id,
            createdAt=asked.time(_TIME, asked.started_at_s),
            mode="live" if asked.livemode else "test",
        )
        return _event(asked, asked.payment_id, payment)

    return build


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        refund_id = asked.refund_id or f"re_{asked.tag(asked.payment_id)}"
        refund = mollie_refund(refund_id, asked.payment_id, status, asked.refund, asked.currency)
        return _event(asked, refund_id, {**refund, "createdAt": asked.time(_TIME)})

    return build


def _chargeback(asked: Asked) -> Json:
    ref = f"chb_{asked.tag(asked.payment_id)}"
    chargeback = {
        "resource": "chargeback",
        "id": ref,
        "paymentId": asked.payment_id,
        "amount": money(asked.amount, asked.currency),
        "createdAt": asked.time(_TIME),
        "reversedAt": None,
        "reason": {"code": "AC01", "description": "Account identifier incorrect"},
    }
    return _event(asked, ref, chargeback)


def _link(asked: Asked) -> Json:
    link_id = f"pl_{asked.tag(asked.payment_id)}"
    return _event(asked, link_id, {"resource": "payment-link", "id": link_id, "status": "paid"})


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(("x-mollie-signature", "sha256=" + hex_hmac(asked.secret, body))), body)


PRETENDER: Final = Pretender(
    name="mollie_next_gen",
    builders={
        "payment.paid": _payment("paid"),
        "payment.authorized": _payment("authorized"),
        "payment.pending": _payment("pending"),
        "payment.failed": _payment("failed"),
        "payment.canceled": _payment("canceled"),
        "payment.expired": _payment("expired"),
        "refund.pending": _refund("pending"),
        "refund.refunded": _refund("refunded"),
        "refund.failed": _refund("failed"),
        "chargeback.received": _chargeback,
        "payment-link.paid": _link,
    },
    sign=_sign,
    signature_at="header:x-mollie-signature",
    payment_id="tr_Example1",
    currency="EUR",
)
"""Mollie's next-gen webhooks, offline."""
