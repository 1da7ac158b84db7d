"""Gr4vy's events."""

from collections.abc import Callable, Mapping
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers

_ISO: Final = "%Y-%m-%dT%H:%M:%S.000000+00:00"


def _transaction(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        captured = asked.amount_minor if status == "capture_succeeded" else 0
        authorized = asked.amount_minor if captured or status in {"authorization_succeeded", "capture_pending"} else 0
        declined = status == "authorization_declined"
        return {
            "type": "transaction",
            "id": asked.payment_id,
            "status": status,
            "amount": asked.amount_minor,
            "currency": asked.currency,
            "authorized_amount": authorized,
            "captured_amount": captured,
            "refunded_amount": 0,
            "external_identifier": asked.order_id or None,
            "payment_method": {"method": "card"},
            "buyer": {"type": "buyer", "id": None, "billing_details": _billing()},
            "error_code": "insufficient_funds" if declined else None,
            "raw_response_description": "The card has insufficient funds." if declined else None,
            "payment_service_transaction_id": asked.tag(asked.payment_id, "service"),
            "metadata": {},
            "created_at": asked.time(_ISO, asked.started_at_s),
            "updated_at": asked.time(_ISO),
        }

    return build


def _billing() -> Mapping[str, object]:
    return {"first_name": "Pat", "last_name": "Example", "email_address": "pat@example.com", "phone_number": None}


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "type": "refund",
            "id": asked.refund_id or f"refund-{asked.tag(asked.payment_id, 'refund')}",
            "transaction_id": asked.payment_id,
            "status": status,
            "currency": asked.currency,
            "amount": asked.refund_minor,
            "reason": "Returned by the buyer",
            "created_at": asked.time(_ISO, asked.started_at_s),
            "updated_at": asked.time(_ISO),
        }

    return build


def _event(of: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "type": "event",
            "id": asked.event_id
            or f"event-{asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id)}",
            "name": asked.event,
            "created_at": asked.time(_ISO),
            "merchant_account_id": "default",
            "gr4vy_id": "example",
            "environment": "production" if asked.livemode else "sandbox",
            "target": of(asked),
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, time = encode(value), str(asked.at_s)
    signature = hex_hmac(asked.secret, time.encode() + b"." + body)
    named = (
        ("x-gr4vy-webhook-id", f"webhook-{asked.tag(str(value['id']))}"),
        ("x-gr4vy-webhook-timestamp", time),
        ("x-gr4vy-webhook-signatures", signature),
    )
    return SignedRequest(json_headers(*named), body)


PRETENDER: Final = Pretender(
    name="gr4vy",
    builders={
        "transaction.captured": _event(_transaction("capture_succeeded")),
        "transaction.processing": _event(_transaction("processing")),
        "transaction.buyer-approval-pending": _event(_transaction("buyer_approval_pending")),
        "transaction.authorized": _event(_transaction("authorization_succeeded")),
        "transaction.declined": _event(_transaction("authorization_declined")),
        "transaction.voided": _event(_transaction("authorization_voided")),
        "refund.pending": _event(_refund("processing")),
        "refund.succeeded": _event(_refund("succeeded")),
        "refund.failed": _event(_refund("failed")),
    },
    sign=_sign,
    signature_at="header:x-gr4vy-webhook-signatures",
    payment_id="6f3c0f5a-0000-4000-8000-000000000001",
    currency="USD",
)
"""Gr4vy, offline. The payment is the transaction."""
