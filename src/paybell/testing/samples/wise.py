"""Wise's events."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers
from paybell.testing.private_keys import base64_rsa_sha256, private_pem, public_pem


def _transfer(state: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "data": {
            "resource": {"id": asked.payment_id, "profile_id": 10000001, "account_id": 10000002, "type": "transfer"},
            "current_state": state,
            "previous_state": "processing",
            "occurred_at": asked.time(),
        },
        "subscription_id": "00000000-0000-4000-8000-000000000001",
        "event_type": "transfers#state-change",
        "schema_version": "2.0.0",
        "sent_at": asked.time(),
    }


def wise_transfer(transfer_id: int, status: str, value: Decimal | str, currency: str = "EUR") -> bytes:
    """What ``GET /v1/transfers/{id}`` answers; the amount in major units."""
    transfer = {
        "id": transfer_id,
        "status": status,
        "created": "2025-06-15 15:06:40",
        "sourceCurrency": currency,
        "sourceValue": Decimal(value),
        "targetCurrency": "GBP",
        "targetValue": Decimal(1),
    }
    return encode(transfer)


def _credit(asked: Asked) -> Json:
    return {
        "data": {
            "resource": {"id": 10000003, "profile_id": 10000001, "type": "balance-account"},
            "amount": asked.amount,
            "currency": asked.currency,
            "post_transaction_balance_amount": asked.amount,
            "occurred_at": asked.time(),
            "transaction_type": "credit",
        },
        "subscription_id": "00000000-0000-4000-8000-000000000001",
        "event_type": "balances#credit",
        "schema_version": "2.0.0",
        "sent_at": asked.time(),
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    delivery_id = asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s))
    signature = base64_rsa_sha256(asked.secret, body)
    return SignedRequest(json_headers(("x-delivery-id", delivery_id), ("x-signature-sha256", signature)), body)


PRETENDER: Final = Pretender(
    name="wise",
    builders={
        "transfers#state-change": _transfer("outgoing_payment_sent"),
        "transfers#state-change:funds_refunded": _transfer("funds_refunded"),
        "balances#credit": _credit,
    },
    sign=_sign,
    signature_at="header:x-signature-sha256",
    payment_id="49000001",
    currency="EUR",
    secret=private_pem(),
    source_secret=public_pem,
    options={"apiToken": "not-a-real-token"},
)
"""Wise, offline. What a transfer comes to is asked of its API."""
