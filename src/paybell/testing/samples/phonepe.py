"""PhonePe's webhooks (v2), and what its API answers about an order or a refund."""

import hashlib
from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def phonepe_order(
    *, order_id: str, state: str, amount_minor: int, attempt: str = "", attempt_state: str = "", at_ms: int
) -> bytes:
    """The body with which ``GET /checkout/v2/order/{id}/status`` answers; paise."""
    details = {
        "transactionId": attempt,
        "paymentMode": "UPI_INTENT",
        "timestamp": at_ms,
        "amount": amount_minor,
        "state": attempt_state or state,
    }
    return encode(
        {
            "orderId": f"OMO{order_id}",
            "merchantOrderId": order_id,
            "state": state,
            "amount": amount_minor,
            "expireAt": at_ms + 600_000,
            "paymentDetails": [details] if attempt else [],
        }
    )


def phonepe_refund(*, order_id: str, refund_id: str, state: str, amount_minor: int, at_ms: int) -> bytes:
    """The body with which ``GET /payments/v2/refund/{id}/status`` answers; paise."""
    return encode(
        {
            "originalMerchantOrderId": order_id,
            "amount": amount_minor,
            "state": state,
            "timestamp": at_ms,
            "refundId": refund_id,
        }
    )


def phonepe_subscription(*, subscription_id: str, state: str) -> bytes:
    """The body with which ``GET /subscriptions/v2/{id}/status`` answers."""
    return encode(
        {
            "merchantSubscriptionId": subscription_id,
            "subscriptionId": f"OMS{subscription_id}",
            "state": state,
            "authWorkflowType": "TRANSACTION",
            "amountType": "FIXED",
            "maxAmount": 20000,
            "frequency": "MONTHLY",
            "expireAt": 1_900_000_000_000,
        }
    )


def _subscription(state: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "event": asked.event,
        "payload": {
            "merchantSubscriptionId": f"MS_{asked.tag(asked.payment_id, 'subscription')}",
            "subscriptionId": f"OMS{asked.tag(asked.payment_id, 'subscription')}",
            "state": state,
            "frequency": "MONTHLY",
        },
    }


def _redemption(asked: Asked) -> Json:
    flow = {"type": "SUBSCRIPTION_REDEMPTION", "merchantSubscriptionId": f"MS_{asked.tag(asked.payment_id)}"}
    made = dict(_order("COMPLETED")(asked))
    payload = made["payload"]
    return {**made, "payload": {**payload, "paymentFlow": flow} if isinstance(payload, dict) else payload}


def _order(state: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        attempt = {
            "transactionId": f"OM{asked.event_id or asked.tag(asked.payment_id)}",
            "paymentMode": "UPI_INTENT",
            "timestamp": asked.at_s * 1000,
            "amount": asked.amount_minor,
            "state": state,
        }
        payload = {
            "orderId": f"OMO{asked.tag(asked.payment_id)}",
            "merchantId": "MERCHANTEXAMPLE",
            "merchantOrderId": asked.payment_id,
            "state": state,
            "amount": asked.amount_minor,
            "expireAt": asked.at_s * 1000 + 600_000,
            "paymentDetails": [attempt],
        }
        return {"event": asked.event, "payload": payload}

    return build


def _refund(state: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "event": asked.event,
        "payload": {
            "merchantId": "MERCHANTEXAMPLE",
            "merchantRefundId": asked.refund_id or f"MR_{asked.tag(asked.payment_id, 'refund')}",
            "originalMerchantOrderId": asked.payment_id,
            "refundId": f"OMR{asked.tag(asked.payment_id, 'refund')}",
            "state": state,
            "amount": asked.refund_minor,
            "timestamp": asked.at_s * 1000,
        },
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    digest = hashlib.sha256(asked.secret.encode()).hexdigest()
    return SignedRequest(json_headers(("authorization", digest)), encode(value))


PRETENDER: Final = Pretender(
    name="phonepe",
    builders={
        "checkout.order.completed": _order("COMPLETED"),
        "checkout.order.failed": _order("FAILED"),
        "pg.order.completed": _order("COMPLETED"),
        "subscription.redemption.order.completed": _redemption,
        "subscription.paused": _subscription("PAUSED"),
        "subscription.unpaused": _subscription("ACTIVE"),
        "subscription.cancelled": _subscription("CANCELLED"),
        "pg.refund.accepted": _refund("CONFIRMED"),
        "pg.refund.completed": _refund("COMPLETED"),
        "pg.refund.failed": _refund("FAILED"),
    },
    sign=_sign,
    signature_at="header:authorization",
    payment_id="MO_example1",
    currency="INR",
    secret="pat_example:password1",  # noqa: S106 - invented
)
"""PhonePe (v2), offline. The payment is the order: ``payment_id`` is the merchant's order id."""
