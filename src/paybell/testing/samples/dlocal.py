"""dLocal's notifications."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def _payment(status: str, code: str, words: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": asked.payment_id,
        "amount": asked.amount,
        "currency": asked.currency,
        "country": "BR",
        "status": status,
        "status_code": code,
        "status_detail": words,
        "payment_method_type": "CARD",
        "payment_method_flow": "DIRECT",
        "payer": {"name": "Pat Example", "email": "pat@example.com"},
        "order_id": asked.order_id,
        "created_date": _date(asked, asked.started_at_s),
        "approved_date": _date(asked, asked.at_s) if status == "PAID" else None,
    }


def _refund(status: str, code: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": asked.refund_id or f"REF{asked.tag(asked.payment_id)}",
        "payment_id": asked.payment_id,
        "amount": asked.refund,
        "currency": asked.currency,
        "status": status,
        "status_code": code,
        "created_date": _date(asked, asked.at_s),
    }


def _chargeback(code: int, words: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": f"CHAR{asked.tag(asked.payment_id)}",
        "payment_id": asked.payment_id,
        "amount": asked.amount,
        "currency": asked.currency,
        "status": "COMPLETED",
        "status_code": code,
        "status_detail": words,
        "created_date": _date(asked, asked.at_s),
    }


def _payout(status: str, code: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "id": f"PO-4-{asked.tag(asked.payment_id)}",
        "external_id": "payout_1",
        "status": status,
        "status_code": code,
        "status_detail": f"The payout is {status.lower()}",
        "created_date": _date(asked, asked.started_at_s),
        "last_updated": _date(asked, asked.at_s),
        "payment_method_id": "BANK_TRANSFER",
        "flow_type": "B2C",
        "country": "BR",
        "currency": asked.currency,
        "currency_to_pay": asked.currency,
        "amount": asked.amount,
    }


def _date(asked: Asked, at_s: int) -> str:
    return asked.time("%Y-%m-%dT%H:%M:%S.000+0000", at_s)


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, date, login = encode(value), asked.time("%Y-%m-%dT%H:%M:%S.000Z"), asked.option("xLogin")
    signature = hex_hmac(asked.secret, f"{login}{date}".encode() + body)
    authorization = f"V2-HMAC-SHA256, Signature: {signature}"
    return SignedRequest(json_headers(("x-date", date), ("x-login", login), ("authorization", authorization)), body)


PRETENDER: Final = Pretender(
    name="dlocal",
    builders={
        "payment.PENDING": _payment("PENDING", "100", "The payment is pending."),
        "payment.AUTHORIZED": _payment("AUTHORIZED", "600", "The payment was authorized."),
        "payment.PAID": _payment("PAID", "200", "The payment was paid."),
        "payment.REJECTED": _payment("REJECTED", "300", "The payment was rejected."),
        "payment.CANCELLED": _payment("CANCELLED", "400", "The payment was cancelled."),
        "payment.EXPIRED": _payment("EXPIRED", "500", "The payment expired."),
        "refund.PENDING": _refund("PENDING", "100"),
        "refund.SUCCESS": _refund("SUCCESS", "200"),
        "refund.REJECTED": _refund("REJECTED", "300"),
        "payout.PENDING": _payout("PENDING", "100"),
        "payout.PAID": _payout("PAID", "200"),
        "payout.REJECTED": _payout("REJECTED", "300"),
        "chargeback.executed": _chargeback(200, "The chargeback was executed."),
        "chargeback.lost": _chargeback(202, "The chargeback dispute was lost."),
        "chargeback.won": _chargeback(700, "The chargeback dispute was won."),
    },
    sign=_sign,
    signature_at="header:authorization",
    payment_id="D-4-example-1",
    currency="BRL",
    options={"xLogin": "login-example"},
)
"""dLocal, offline."""
