"""Airwallex's events."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def _intent(status: str, captured: bool = False) -> Callable[[Asked], Json]:  # noqa: FBT001, FBT002 - one of a table
    return lambda asked: {
        "id": asked.payment_id,
        "merchant_order_id": asked.order_id,
        "amount": asked.amount,
        "currency": asked.currency,
        "captured_amount": asked.amount if captured else 0,
        "status": status,
        "created_at": _time(asked, asked.started_at_s),
        "updated_at": _time(asked, asked.at_s),
    }


def _attempt(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": f"att_{asked.tag(asked.payment_id)}",
        "payment_intent_id": asked.payment_id,
        "amount": asked.amount,
        "currency": asked.currency,
        "captured_amount": asked.amount if status == "SETTLED" else 0,
        "status": status,
        "failure_code": "issuer_declined" if status == "FAILED" else None,
        "created_at": _time(asked, asked.started_at_s),
        "updated_at": _time(asked, asked.at_s),
    }


def _refund(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": asked.refund_id or f"rfd_{asked.tag(asked.payment_id)}",
        "payment_intent_id": asked.payment_id,
        "amount": asked.refund,
        "currency": asked.currency,
        "status": status,
        "created_at": _time(asked, asked.started_at_s),
        "updated_at": _time(asked, asked.at_s),
    }


def _dispute(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": f"dsp_{asked.tag(asked.payment_id)}",
        "payment_intent_id": asked.payment_id,
        "amount": asked.amount,
        "currency": asked.currency,
        "stage": "CHARGEBACK",
        "status": status,
        "created_at": _time(asked, asked.started_at_s),
        "updated_at": _time(asked, asked.at_s),
    }


def _transfer(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        transfer = {
            "id": asked.tag(asked.payment_id, "transfer"),
            "status": status,
            "amount_payer_pays": asked.amount,
            "source_currency": asked.currency,
        }
        return {**_event(lambda _: {})(asked), "data": transfer}

    return build


def _customer(asked: Asked) -> Json:  # noqa: ARG001 - as the other builders
    return {"id": "cus_example1", "first_name": "Pat", "last_name": "Example", "email": "pat@example.com"}


def _time(asked: Asked, at_s: int) -> str:
    return asked.time("%Y-%m-%dT%H:%M:%S+0000", at_s)


def _event(thing: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": asked.event_id or f"evt_{asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id)}",
        "name": asked.event,
        "account_id": "acct_example1",
        "data": {"object": thing(asked)},
        "created_at": _time(asked, asked.at_s),
        "version": "2024-01-31",
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, time = encode(value), str(asked.at_s * 1000)
    signature = hex_hmac(asked.secret, time.encode() + body)
    return SignedRequest(json_headers(("x-timestamp", time), ("x-signature", signature)), body)


PRETENDER: Final = Pretender(
    name="airwallex",
    builders={
        "payment_intent.created": _event(_intent("REQUIRES_PAYMENT_METHOD")),
        "payment_intent.requires_capture": _event(_intent("REQUIRES_CAPTURE")),
        "payment_intent.succeeded": _event(_intent("SUCCEEDED", captured=True)),
        "payment_intent.cancelled": _event(_intent("CANCELLED")),
        "payment_attempt.authorization_failed": _event(_attempt("FAILED")),
        "payment_attempt.settled": _event(_attempt("SETTLED")),
        "refund.accepted": _event(_refund("ACCEPTED")),
        "refund.settled": _event(_refund("SETTLED")),
        "refund.failed": _event(_refund("FAILED")),
        "payment_dispute.requires_response": _event(_dispute("REQUIRES_RESPONSE")),
        "payment_dispute.won": _event(_dispute("WON")),
        "payment_dispute.lost": _event(_dispute("LOST")),
        "payout.transfer.sent": _transfer("SENT"),
        "payout.transfer.paid": _transfer("PAID"),
        "payout.transfer.failed": _transfer("FAILED"),
        "customer.created": _event(_customer),
        "customer.deleted": _event(_customer),
    },
    sign=_sign,
    signature_at="header:x-signature",
    payment_id="int_example1",
    currency="USD",
)
"""Airwallex, offline."""
