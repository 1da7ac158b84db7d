"""Cashfree's events, version 2025-01-01. The payment is the order: ``payment_id`` is the order's id."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, base64_hmac, encode, json_headers


def _event(asked: Asked, data: Json) -> Json:
    return {"data": data, "event_time": asked.time(), "type": asked.event}


def _attempt_id(asked: Asked, status: str) -> str:
    # A failed try and the one that succeeds are two attempts of one order.
    return str(int(asked.tag(asked.payment_id, "paid" if status == "SUCCESS" else "tried")[:8], 16))


def _customer() -> Json:
    return {
        "customer_id": "cust_example1",
        "customer_name": "Pat Example",
        "customer_email": "pat@example.com",
        "customer_phone": "+910000000001",
    }


def _payment(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        failed = status in {"FAILED", "USER_DROPPED"}
        error = {"error_code": "TRANSACTION_DECLINED", "error_description": "Declined by the bank."} if failed else None
        order = {
            "order_id": asked.payment_id,
            "order_amount": asked.amount,
            "order_currency": asked.currency,
            "order_tags": {"order": asked.order_id, "paybell_product": "pro", "user_id": "user_1001"},
        }
        payment = {
            "cf_payment_id": _attempt_id(asked, status),
            "payment_status": status,
            "payment_amount": asked.amount,
            "payment_currency": asked.currency,
            "payment_message": "Simulated response",
            "payment_time": asked.time(at_s=asked.started_at_s),
            "payment_group": "upi",
        }
        data = {"order": order, "payment": payment, "customer_details": _customer(), "error_details": error}
        return _event(asked, data)

    return build


def _refund(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        refund_id = asked.refund_id or f"refund_{asked.tag(asked.payment_id, 'refund')}"
        refund = {
            "cf_refund_id": refund_id,
            "cf_payment_id": _attempt_id(asked, "SUCCESS"),
            "refund_id": f"our_{refund_id}",
            "order_id": asked.payment_id,
            "refund_amount": asked.refund,
            "refund_currency": asked.currency,
            "refund_type": "MERCHANT_INITIATED",
            "refund_status": status,
            "created_at": asked.time(at_s=asked.started_at_s),
            "processed_at": asked.time() if status == "SUCCESS" else None,
        }
        return _event(asked, {"refund": refund})

    return build


def _dispute(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        dispute = {
            "dispute_id": str(int(asked.tag(asked.payment_id, "dispute")[:8], 16)),
            "dispute_type": "CHARGEBACK",
            "reason_code": "4855",
            "reason_description": "Goods or services not provided",
            "dispute_amount": asked.amount,
            "dispute_amount_currency": asked.currency,
            "created_at": asked.time(at_s=asked.started_at_s),
            "updated_at": asked.time(),
            "dispute_status": status,
        }
        order = {
            "order_id": asked.payment_id,
            "order_amount": asked.amount,
            "order_currency": asked.currency,
            "cf_payment_id": _attempt_id(asked, "SUCCESS"),
            "payment_amount": asked.amount,
            "payment_currency": asked.currency,
        }
        return _event(asked, {"dispute": dispute, "order_details": order})

    return build


def _link(asked: Asked) -> Json:
    order = {
        "order_id": asked.payment_id,
        "order_amount": str(asked.amount),
        "transaction_id": _attempt_id(asked, "SUCCESS"),
        "transaction_status": "SUCCESS",
    }
    link = {
        "cf_link_id": 1,
        "link_id": asked.order_id,
        "link_status": "PAID",
        "link_currency": asked.currency,
        "link_amount": str(asked.amount),
        "link_amount_paid": str(asked.amount),
        "order": order,
    }
    return _event(asked, link)


def _settlement(asked: Asked) -> Json:
    settlement = {
        "settlement_id": int(asked.tag(asked.payment_id, "settlement")[:8], 16),
        "payment_amount": asked.amount,
        "settlement_amount": asked.amount,
        "amount_settled": asked.amount,
        "adjustment": 0,
        "service_charge": 0,
        "service_tax": 0,
        "settlement_type": "STANDARD",
        "settlement_initiated_on": asked.time(at_s=asked.started_at_s),
        "status": asked.event.partition("_")[2],
        "reason": "The account is closed." if asked.event == "SETTLEMENT_FAILED" else None,
    }
    return _event(asked, {"settlement": settlement})


def _subscription(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        subscription = {
            "cf_subscription_id": "1001",
            "subscription_id": f"sub_{asked.tag(asked.payment_id, 'subscription')}",
            "subscription_status": status,
            "subscription_expiry_time": asked.time(at_s=asked.at_s + 315_360_000),
            "subscription_tags": {"paybell_product": "pro", "user_id": "user_1001"},
        }
        plan = {"plan_id": "plan_example1", "plan_type": "PERIODIC", "plan_recurring_amount": asked.amount}
        data = {"subscription_details": subscription, "customer_details": _customer(), "plan_details": plan}
        return {**_event(asked, data), "type": asked.event.partition(":")[0]}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body, time = encode(value), str(asked.at_s * 1000)
    signature = base64_hmac(asked.secret, time.encode() + body)
    headers = json_headers(
        ("x-webhook-version", "2025-01-01"), ("x-webhook-timestamp", time), ("x-webhook-signature", signature)
    )
    return SignedRequest(headers, body)


PRETENDER: Final = Pretender(
    name="cashfree",
    builders={
        "PAYMENT_SUCCESS_WEBHOOK": _payment("SUCCESS"),
        "PAYMENT_FAILED_WEBHOOK": _payment("FAILED"),
        "PAYMENT_USER_DROPPED_WEBHOOK": _payment("USER_DROPPED"),
        "REFUND_STATUS_WEBHOOK": _refund("SUCCESS"),
        "DISPUTE_CREATED": _dispute("CHARGEBACK_CREATED"),
        "DISPUTE_CLOSED": _dispute("CHARGEBACK_MERCHANT_LOST"),
        "PAYMENT_LINK_EVENT": _link,
        "SETTLEMENT_INITIATED": _settlement,
        "SETTLEMENT_SUCCESS": _settlement,
        "SETTLEMENT_FAILED": _settlement,
        "SETTLEMENT_REVERSED": _settlement,
        "SUBSCRIPTION_STATUS_CHANGED": _subscription("ACTIVE"),
        "SUBSCRIPTION_STATUS_CHANGED:on_hold": _subscription("ON_HOLD"),
        "SUBSCRIPTION_STATUS_CHANGED:cancelled": _subscription("CUSTOMER_CANCELLED"),
    },
    sign=_sign,
    signature_at="header:x-webhook-signature",
    payment_id="order_example1",
    currency="INR",
)
"""Cashfree, offline."""
