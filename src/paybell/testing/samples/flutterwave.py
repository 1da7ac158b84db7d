"""Flutterwave's notifications (API v3) and what its API answers."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def flutterwave_transaction(
    transaction_id: int, *, status: str, amount: object, currency: str = "NGN", created_at: str = "2025-06-15T15:06:40Z"
) -> Json:
    """The ``data`` of ``GET /v3/transactions/{id}/verify``; ``amount`` in major units."""
    return {
        "id": transaction_id,
        "tx_ref": "order_1001",
        "flw_ref": f"FLW-{transaction_id}",
        "amount": amount,
        "currency": currency,
        "charged_amount": amount,
        "app_fee": 0,
        "merchant_fee": 0,
        "processor_response": "Declined by the bank" if status == "failed" else "Approved",
        "status": status,
        "payment_type": "card",
        "created_at": created_at,
        "account_id": 1,
        "customer": {"id": 1, "name": "Pat Example", "email": "pat@example.com", "phone_number": "+2340000000001"},
    }


def flutterwave_transfer(
    transfer_id: int, *, status: str, amount: object, currency: str = "NGN", created_at: str = "2025-06-15T15:06:40Z"
) -> Json:
    """The ``data`` of ``GET /v3/transfers/{id}``; ``amount`` in major units."""
    return {
        "id": transfer_id,
        "amount": amount,
        "currency": currency,
        "debit_currency": None,
        "fee": 10,
        "status": status,
        "reference": "payout_1",
        "complete_message": "The account is closed" if status == "FAILED" else "Done",
        "created_at": created_at,
    }


def _transfer(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        transfer_id = int(asked.tag(asked.payment_id, "transfer")[:8], 16)
        data = flutterwave_transfer(
            transfer_id, status=status, amount=asked.amount, currency=asked.currency, created_at=asked.time()
        )
        return {"event": "transfer.completed", "data": data, "event.type": "Transfer"}

    return build


def _charge(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        data = flutterwave_transaction(
            int(asked.payment_id), status=status, amount=asked.amount, currency=asked.currency, created_at=asked.time()
        )
        named = {**data, "tx_ref": asked.order_id}
        return {"event": "charge.completed", "data": named, "event.type": "CARD_TRANSACTION"}

    return build


def _refund(asked: Asked) -> Json:
    data = {
        "id": int(asked.refund_id or asked.tag(asked.payment_id, "refund")[:8], 10 if asked.refund_id else 16),
        "tx_id": int(asked.payment_id),
        "amount_refunded": asked.refund,
        "status": "completed",
        "created_at": asked.time(),
    }
    return {"event": "refund.completed", "data": data}


def _sign(asked: Asked, value: Json) -> SignedRequest:
    return SignedRequest(json_headers(("verif-hash", asked.secret)), encode(value))


PRETENDER: Final = Pretender(
    name="flutterwave",
    builders={
        "charge.completed": _charge("successful"),
        "charge.completed (failed)": _charge("failed"),
        "transfer.completed": _transfer("SUCCESSFUL"),
        "transfer.completed (failed)": _transfer("FAILED"),
        "refund.completed": _refund,
    },
    sign=_sign,
    signature_at="header:verif-hash",
    payment_id="4000001",
    currency="NGN",
)
"""Flutterwave v3, offline. The payment's id is a number."""
