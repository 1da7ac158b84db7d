"""Paystack's events."""

from collections.abc import Callable
from typing import Final

from paybell.gateways.kit.amounts import from_iso
from paybell.gateways.paystack.facts import EXPONENTS
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def _minor(asked: Asked, amount_minor: int) -> int:
    return from_iso(amount_minor, asked.currency, EXPONENTS)


def _domain(asked: Asked) -> str:
    return "live" if asked.livemode else "test"


def _transaction(asked: Asked, status: str) -> dict[str, object]:
    return {
        "id": int(asked.tag(asked.payment_id)[:8], 16),
        "domain": _domain(asked),
        "status": status,
        "reference": asked.payment_id,
        "amount": _minor(asked, asked.amount_minor),
        "requested_amount": _minor(asked, asked.amount_minor),
        "currency": asked.currency,
        "gateway_response": "Declined" if status == "failed" else "Approved",
        "paid_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z") if status == "success" else None,
        "created_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.started_at_s),
        "channel": "card",
        "metadata": {"order_id": asked.order_id, "user_id": "user_1001"},
        "customer": _customer(),
    }


def _customer() -> dict[str, object]:
    return {
        "id": 1,
        "first_name": "Pat",
        "last_name": "Example",
        "email": "pat@example.com",
        "customer_code": "CUS_example1",
        "phone": "+2340000000001",
    }


def _charge(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {"event": asked.event, "data": _transaction(asked, status)}


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        data = {
            "status": status,
            "transaction_reference": asked.payment_id,
            "refund_reference": asked.refund_id or f"TRF_{asked.tag(asked.payment_id, 'refund')}",
            "amount": str(_minor(asked, asked.refund_minor)),
            "currency": asked.currency,
            "processor": "instant-transfer",
            "customer": {"first_name": "Pat", "last_name": "Example", "email": "pat@example.com"},
            "integration": 1,
            "domain": _domain(asked),
        }
        return {"event": asked.event, "data": data}

    return build


def _dispute(status: str, resolution: str | None) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        data = {
            "id": int(asked.tag(asked.payment_id, "dispute")[:8], 16),
            "refund_amount": _minor(asked, asked.amount_minor),
            "currency": asked.currency,
            "status": status,
            "resolution": resolution,
            "domain": _domain(asked),
            "transaction": {
                **_transaction(asked, "success"),
                "paid_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.started_at_s),
            },
            "category": "chargeback",
            "resolvedAt": asked.time("%Y-%m-%dT%H:%M:%S.000Z") if resolution else None,
            "created_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.started_at_s),
        }
        return {"event": asked.event, "data": data}

    return build


def _transfer(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        data = {
            "transfer_code": f"TRF_{asked.tag(asked.payment_id, 'transfer')}",
            "amount": _minor(asked, asked.amount_minor),
            "currency": asked.currency,
            "domain": _domain(asked),
            "reference": "payout_1",
            "source": "balance",
            "status": status,
            "created_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.started_at_s),
            "updated_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        return {"event": asked.event, "data": data}

    return build


def _plan(asked: Asked, status: str) -> dict[str, object]:
    next_s = None if status in {"non-renewing", "complete"} else asked.at_s + 2_592_000
    return {
        "domain": _domain(asked),
        "status": status,
        "subscription_code": f"SUB_{asked.tag(asked.payment_id, 'subscription')}",
        "amount": _minor(asked, asked.amount_minor),
        "next_payment_date": None if next_s is None else asked.time("%Y-%m-%dT%H:%M:%S.000Z", next_s),
    }


def _subscription(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        plan = {"plan_code": "PLN_example1", "interval": "monthly", "currency": asked.currency}
        created = asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.started_at_s)
        data = {**_plan(asked, status), "plan": plan, "customer": _customer(), "created_at": created}
        return {"event": asked.event, "data": data}

    return build


def _invoice(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        paid = status == "success"
        money = {"amount": _minor(asked, asked.amount_minor), "currency": asked.currency}
        data = {
            "domain": _domain(asked),
            "invoice_code": f"INV_{asked.tag(asked.payment_id, 'invoice')}",
            "amount": money["amount"],
            "period_end": asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.at_s + 2_592_000),
            "status": status,
            "paid": paid,
            "subscription": _plan(asked, "active"),
            "customer": _customer(),
            "transaction": {"reference": asked.payment_id, "status": "success", **money} if paid else {},
            "created_at": asked.time("%Y-%m-%dT%H:%M:%S.000Z", asked.started_at_s),
        }
        return {"event": asked.event, "data": data}

    return build


def _request(asked: Asked) -> Json:
    data = {
        "domain": _domain(asked),
        "request_code": f"PRQ_{asked.tag(asked.payment_id, 'request')}",
        "amount": _minor(asked, asked.amount_minor),
        "currency": asked.currency,
        "status": "success",
        "metadata": None,
        "customer": 1,
    }
    return {"event": asked.event, "data": data}


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(("x-paystack-signature", hex_hmac(asked.secret, body, "sha512"))), body)


PRETENDER: Final = Pretender(
    name="paystack",
    builders={
        "charge.success": _charge("success"),
        "charge.failed": _charge("failed"),
        "refund.pending": _refund("pending"),
        "refund.processed": _refund("processed"),
        "refund.failed": _refund("failed"),
        "charge.dispute.create": _dispute("awaiting-merchant-feedback", None),
        "charge.dispute.resolve": _dispute("resolved", "merchant-accepted"),
        "transfer.success": _transfer("success"),
        "transfer.failed": _transfer("failed"),
        "transfer.reversed": _transfer("reversed"),
        "subscription.create": _subscription("active"),
        "subscription.not_renew": _subscription("non-renewing"),
        "subscription.disable": _subscription("complete"),
        "invoice.update": _invoice("success"),
        "invoice.payment_failed": _invoice("pending"),
        "paymentrequest.success": _request,
    },
    sign=_sign,
    signature_at="header:x-paystack-signature",
    payment_id="ref_example1",
    currency="NGN",
)
"""Paystack, offline. The payment's id is its reference."""
