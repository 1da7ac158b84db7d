"""Mollie's classic webhooks, and its API's answers about a payment."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, encode_form, form_headers


def money(value: Decimal | str, currency: str) -> Json:
    """An amount as Mollie writes it."""
    return {"currency": currency, "value": str(value)}


def mollie_payment(
    payment_id: str,
    status: str,
    value: Decimal | str,
    *,
    currency: str = "EUR",
    at: str = "2025-06-15T15:06:40+00:00",
    order_id: str = "order_1001",
    captures: Sequence[Json] = (),
    refunds: Sequence[Json] = (),
    chargebacks: Sequence[Json] = (),
    **more: object,
) -> Json:
    """A payment as ``GET /v2/payments/{id}?embed=captures,refunds,chargebacks`` answers."""
    ends = {"paid": "paidAt", "authorized": "authorizedAt", "canceled": "canceledAt", "expired": "expiredAt"}
    return {
        "resource": "payment",
        "id": payment_id,
        "mode": "test",
        "createdAt": at,
        "amount": money(value, currency),
        "description": "An order",
        "method": "creditcard",
        "metadata": {"order_id": order_id},
        "status": status,
        **({ends.get(status, "failedAt"): at} if status not in {"open", "pending"} else {}),
        "_embedded": {"captures": list(captures), "refunds": list(refunds), "chargebacks": list(chargebacks)},
        **more,
    }


def mollie_capture(capture_id: str, status: str, value: Decimal | str, currency: str = "EUR") -> Json:
    """A capture as it stands within a payment's answer."""
    at = "2025-06-15T15:30:00+00:00"
    return {
        "resource": "capture",
        "id": capture_id,
        "amount": money(value, currency),
        "status": status,
        "createdAt": at,
    }


def mollie_refund(refund_id: str, payment_id: str, status: str, value: Decimal | str, currency: str = "EUR") -> Json:
    """A refund as it stands within a payment's answer, and alone in a next-gen event."""
    return {
        "resource": "refund",
        "id": refund_id,
        "amount": money(value, currency),
        "status": status,
        "createdAt": "2025-06-15T16:00:00+00:00",
        "description": "An order",
        "paymentId": payment_id,
    }


def mollie_answer(payment: Json) -> bytes:
    """The body of the API's answer."""
    return encode(payment)


def _sign(asked: Asked, value: Json) -> SignedRequest:
    return SignedRequest(form_headers(), encode_form(value), asked.token)


PRETENDER: Final = Pretender(
    name="mollie",
    builders={"payment": lambda asked: {"id": asked.payment_id}},
    sign=_sign,
    signature_at="token",
    payment_id="tr_Example1",
    currency="EUR",
)
"""Mollie classic, offline: whatever happens to a payment, its webhook is the same form with its id."""
