"""Klarna Network's notifications."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers

_KEY_ID: Final = "krn:partner:global:notification:signing-key:00000000-0000-4000-8000-000000000001"


def _event(asked: Asked, payload: Json) -> Json:
    return {
        "metadata": {
            "event_type": asked.event,
            "event_id": asked.event_id or asked.tag(asked.event, asked.payment_id, str(asked.at_s)),
            "event_version": "v2",
            "occurred_at": asked.time(),
            "subject_account_id": "krn:partner:global:account:test:EXAMPLE1",
            "live": asked.livemode,
        },
        "payload": {**payload, "amount": asked.amount_minor, "currency": asked.currency},
    }


def _request(state: str, previous: str) -> Callable[[Asked], Json]:
    return lambda asked: _event(
        asked,
        {
            "payment_request_id": f"krn:payment:eu1:request:{asked.tag(asked.payment_id, 'request')}",
            "payment_request_reference": asked.order_id,
            "state": state,
            "previous_state": previous,
        },
    )


def _transaction(state: str, previous: str, **more: object) -> Callable[[Asked], Json]:
    return lambda asked: _event(
        asked,
        {
            "payment_transaction_id": asked.payment_id,
            "payment_transaction_reference": asked.order_id,
            "state": state,
            "previous_state": previous,
            **more,
        },
    )


def _captured(asked: Asked) -> Json:
    capture_id = f"krn:payment:eu1:capture:{asked.tag(asked.payment_id, 'capture')}"
    captures = [{"payment_capture_id": capture_id, "amount": asked.amount_minor}]
    return _transaction("COMPLETED", "AUTHORIZED", payment_captures=captures)(asked)


def _sign(asked: Asked, value: Json) -> SignedRequest:
    """With the key alone, where the source's secret names its id too."""
    body = encode(value)
    named = asked.secret.startswith("krn:")
    key_id, _, key = asked.secret.partition("=") if named else (_KEY_ID, "", asked.secret)
    signed = (("klarna-signing-key-id", key_id), ("klarna-signature", hex_hmac(key, body)))
    return SignedRequest(json_headers(*signed), body)


PRETENDER: Final = Pretender(
    name="klarna",
    builders={
        "payment.transaction.state-change.authorized": _transaction("AUTHORIZED", ""),
        "payment.transaction.state-change.completed": _captured,
        "payment.transaction.state-change.closed": _transaction("CLOSED", "AUTHORIZED"),
        "payment.transaction.state-change.expired": _transaction("EXPIRED", "AUTHORIZED"),
        "payment.request.state-change.submitted": _request("SUBMITTED", ""),
        "payment.request.state-change.completed": _request("COMPLETED", "IN_PROGRESS"),
        "payment.request.state-change.declined": _request("DECLINED", "IN_PROGRESS"),
        "payment.request.state-change.canceled": _request("CANCELED", "SUBMITTED"),
        "payment.request.state-change.expired": _request("EXPIRED", "SUBMITTED"),
        "settlement.example": lambda asked: _event(asked, {"settlement_id": "krn:example"}),
    },
    sign=_sign,
    signature_at="header:klarna-signature",
    payment_id="krn:payment:eu1:transaction:00000000-0000-4000-8000-000000000002",
    currency="EUR",
    source_secret=lambda secret: f"{_KEY_ID}={secret}",
)
"""Klarna Network, offline."""
