"""MoneyHash's events, in the shape of API version 1.1."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers

_SPACED: Final = "%Y-%m-%d %H:%M:%S.000000+00:00"
_ISO: Final = "%Y-%m-%dT%H:%M:%S.000000Z"
_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "pending": ("8000", "Pending"),
    "pending_authentication": ("8001", "Pending Authentication"),
    "successful": ("6000", "Successful"),
    "failed": ("7000", "A generic payment processing error occurred."),
}


def _money(asked: Asked, value: Decimal) -> Json:
    return {"value": value, "currency": asked.currency}


def _operation(asked: Asked, kind: str, status: str) -> Json:
    refund = kind == "refund"
    ref = (
        asked.refund_id
        if refund and asked.refund_id
        else asked.tag(asked.payment_id, kind, "declined" if status == "failed" else "")
    )
    amount = _money(asked, asked.refund if refund else asked.amount)
    steps = [_step(asked, "pending", asked.started_at_s)]
    steps += [] if status == "pending" else [_step(asked, status, asked.at_s)]
    latest = {name: value for name, value in steps[-1].items() if name != "created"}
    return {"id": ref, "type": kind, "status": status, "amount": amount, "latest_status": latest, "statuses": steps}


def _step(asked: Asked, status: str, at_s: int) -> Json:
    code, message = _CODES[status]
    return {
        "id": asked.tag(status),
        "value": status,
        "code": code,
        "message": message,
        "created": asked.time(_SPACED, at_s),
    }


def _billing() -> Json:
    return {"first_name": "Pat", "last_name": "Example", "email": "pat@example.com", "phone_number": "+10000000001"}


def _attempt(asked: Asked, form: str, *operations: Json) -> Json:
    return {
        "id": asked.tag(asked.payment_id, "transaction"),
        "created": asked.time(form, asked.started_at_s),
        "billing_data": _billing(),
        "operations": list(operations),
        "payment_method_details": {"type": "CARD", "data": None},
        "merchant_reference": asked.order_id or None,
    }


def _transaction(*done: tuple[str, str]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        operations = [_operation(asked, kind, status) for kind, status in done]
        kind, status = done[-1]
        amount = _money(asked, asked.amount)
        transaction = {**_attempt(asked, _SPACED, *operations), "type": "payment", "status": f"{kind}.{status}"}
        return {
            "type": asked.event,
            "status_id": asked.tag(asked.event, str(asked.at_s)),
            "operation_id": operations[-1]["id"],
            "intent": {"id": asked.payment_id, "created": asked.time(_SPACED, asked.started_at_s), "amount": amount},
            "account": {"id": "account1"},
            "transaction": transaction,
            "api_version": "1.1",
        }

    return build


def _payout(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        made = _transaction(("disburse", status))(asked)
        transaction = made["transaction"]
        return {**made, "transaction": {**transaction, "type": "payout"} if isinstance(transaction, dict) else None}

    return build


def _intent(status: str, *done: tuple[str, str]) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        attempt = _attempt(asked, _ISO, *(_operation(asked, kind, step) for kind, step in done)) if done else None
        intent = {
            "custom_fields": {"paybell_product": "pro", "user_id": "user_1001"},
            "id": asked.payment_id,
            "status": status,
            "amount": asked.amount,
            "amount_currency": asked.currency,
            "type": "Payin",
            "billing_data": _billing(),
            "active_transaction": attempt,
            "transactions_history": [attempt] if attempt else [],
            "is_live": asked.livemode,
            "created": asked.time(_ISO, asked.started_at_s),
            "merchant_reference": asked.order_id or None,
        }
        data = {"intent_id": asked.payment_id, "intent": intent}
        return {"type": asked.event, "intent_type": "PAYMENT", "data": data, "api_version": "1.1"}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, time = encode(value), str(asked.at_s)
    signature = hex_hmac(asked.secret, b64encode(body) + time.encode())
    listed = f"t={time},v1={'0' * 64},v2={'0' * 64},v3={signature}"
    return SignedRequest(json_headers(("moneyhash-signature", listed)), body)


PRETENDER: Final = Pretender(
    name="moneyhash",
    builders={
        "transaction.purchase.successful": _transaction(("purchase", "successful")),
        "transaction.purchase.pending": _transaction(("purchase", "pending")),
        "transaction.purchase.pending_authentication": _transaction(("purchase", "pending_authentication")),
        "transaction.purchase.failed": _transaction(("purchase", "failed")),
        "transaction.authorize.successful": _transaction(("authorize", "successful")),
        "transaction.capture.successful": _transaction(("authorize", "successful"), ("capture", "successful")),
        "transaction.void.successful": _transaction(("authorize", "successful"), ("void", "successful")),
        "transaction.refund.pending": _transaction(("purchase", "successful"), ("refund", "pending")),
        "transaction.refund.successful": _transaction(("purchase", "successful"), ("refund", "successful")),
        "intent.processed": _intent("PROCESSED", ("purchase", "successful")),
        "intent.time_expired": _intent("TIME_EXPIRED"),
        "transaction.disburse.pending": _payout("pending"),
        "transaction.disburse.successful": _payout("successful"),
        "transaction.disburse.failed": _payout("failed"),
        "intent.closed": _intent("CLOSED"),
    },
    sign=_sign,
    signature_at="header:moneyhash-signature",
    payment_id="intent1",
    currency="USD",
)
"""MoneyHash, offline. The payment is the intent."""
