"""PayPal's webhooks; what its API answers about an event is the same event."""

from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers
from paybell.testing.private_keys import base64_rsa_sha256

WEBHOOK_ID: Final = "8EX14235AM917334P"
_PRIVATE: Final = "-----BEGIN PRIVATE KEY"
_API: Final = "https://api.sandbox.paypal.com"


def _event(resource_type: str, build: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    def event(asked: Asked) -> Json:
        event_id = asked.event_id or f"WH-{asked.tag(asked.event, asked.payment_id, str(asked.at_s)).upper()}"
        return {
            "id": event_id,
            "event_version": "1.0",
            "create_time": asked.time("%Y-%m-%dT%H:%M:%S.000Z"),
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": asked.event,
            "summary": f"A {resource_type} changed",
            "resource": build(asked),
            "links": [
                {"href": f"{_API}/v1/notifications/webhooks-events/{event_id}", "rel": "self", "method": "GET"},
            ],
        }

    return event


def _money(asked: Asked) -> Json:
    return {"currency_code": asked.currency, "value": str(asked.amount)}


def _operation(status: str, **more: object) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "id": asked.payment_id,
            "status": status,
            "amount": _money(asked),
            "supplementary_data": {"related_ids": {"order_id": asked.order_id}},
            "create_time": asked.time(at_s=asked.started_at_s),
            "update_time": asked.time(),
            **more,
        }

    return build


def _refund(asked: Asked) -> Json:
    refund_id = asked.refund_id or asked.tag(asked.payment_id, "refund").upper()
    return {
        "id": refund_id,
        "status": "COMPLETED",
        "amount": {"currency_code": asked.currency, "value": str(asked.refund)},
        "create_time": asked.time("%Y-%m-%dT%H:%M:%S+00:00"),
        "update_time": asked.time("%Y-%m-%dT%H:%M:%S+00:00"),
        "links": [
            {"href": f"{_API}/v2/payments/refunds/{refund_id}", "rel": "self", "method": "GET"},
            {"href": f"{_API}/v2/payments/captures/{asked.payment_id}", "rel": "up", "method": "GET"},
        ],
    }


def _order(asked: Asked) -> Json:
    captured = _operation("COMPLETED")(asked)
    return {
        "id": asked.order_id,
        "status": "COMPLETED",
        "intent": "CAPTURE",
        "payer": {
            "payer_id": "EXAMPLEPAYER1",
            "email_address": "pat@example.com",
            "name": {"given_name": "Pat", "surname": "Example"},
        },
        "purchase_units": [{"amount": _money(asked), "payments": {"captures": [captured]}}],
        "create_time": asked.time(at_s=asked.started_at_s),
        "update_time": asked.time(),
    }


def _dispute(status: str, **more: object) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "dispute_id": f"PP-D-{asked.tag(asked.payment_id)}",
            "status": status,
            "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
            "create_time": asked.time(at_s=asked.started_at_s),
            "update_time": asked.time(),
            "dispute_amount": _money(asked),
            "dispute_life_cycle_stage": "CHARGEBACK",
            "disputed_transactions": [{"seller_transaction_id": asked.payment_id}],
            **more,
        }

    return build


def _subscription(status: str, failed: int = 0) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        next_s = asked.started_at_s + 30 * 86_400
        return {
            "id": f"I-{asked.tag(asked.payment_id).upper()}",
            "status": status,
            "status_update_time": asked.time(),
            "plan_id": "P-EXAMPLE1",
            "subscriber": {"payer_id": "EXAMPLEPAYER1", "email_address": "pat@example.com"},
            "billing_info": {"next_billing_time": asked.time(at_s=next_s), "failed_payments_count": failed},
            "create_time": asked.time(at_s=asked.started_at_s),
            "update_time": asked.time(),
        }

    return build


def _sale(asked: Asked) -> Json:
    return {
        "id": asked.payment_id,
        "state": "completed",
        "amount": {"total": str(asked.amount), "currency": asked.currency},
        "billing_agreement_id": f"I-{asked.tag(asked.payment_id).upper()}",
        "create_time": asked.time(at_s=asked.started_at_s),
        "update_time": asked.time(),
    }


def _invoice(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        paid = [{"type": "PAYPAL", "payment_id": asked.payment_id, "amount": _money(asked)}]
        invoice = {
            "id": f"INV2-{asked.tag(asked.payment_id).upper()}",
            "status": status,
            "detail": {"metadata": {"create_time": asked.time(at_s=asked.started_at_s)}},
            "primary_recipients": [{"billing_info": {"email_address": "pat@example.com"}}],
            "amount": _money(asked),
            "payments": {"transactions": paid if status == "PAID" else []},
        }
        return {"invoice": invoice}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    sent_id, at = asked.tag(asked.event, asked.payment_id, "sent"), asked.time()
    webhook_id = asked.option("webhookId") or WEBHOOK_ID
    signed = f"{sent_id}|{at}|{webhook_id}|{crc32(body)}".encode()
    signature = base64_rsa_sha256(asked.secret, signed) if asked.secret.startswith(_PRIVATE) else ""
    headers = json_headers(
        ("paypal-auth-algo", "SHA256withRSA"),
        ("paypal-auth-version", "v2"),
        ("paypal-cert-url", f"{_API}/v1/notifications/certs/CERT-example"),
        ("paypal-transmission-id", sent_id),
        ("paypal-transmission-time", at),
        ("paypal-transmission-sig", signature),
    )
    return SignedRequest(headers, body, asked.token)


_BUILDERS: Final[Mapping[str, Callable[[Asked], Json]]] = {
    "PAYMENT.CAPTURE.COMPLETED": _event("capture", _operation("COMPLETED")),
    "PAYMENT.CAPTURE.PENDING": _event("capture", _operation("PENDING")),
    "PAYMENT.CAPTURE.DECLINED": _event(
        "capture", _operation("DECLINED", status_details={"reason": "DECLINED_BY_RISK_FRAUD_FILTERS"})
    ),
    "PAYMENT.CAPTURE.REFUNDED": _event("refund", _refund),
    "PAYMENT.CAPTURE.REVERSED": _event("refund", _refund),
    "PAYMENT.AUTHORIZATION.CREATED": _event("authorization", _operation("CREATED")),
    "PAYMENT.AUTHORIZATION.VOIDED": _event("authorization", _operation("VOIDED")),
    "CHECKOUT.ORDER.COMPLETED": _event("checkout-order", _order),
    "CUSTOMER.DISPUTE.CREATED": _event("dispute", _dispute("OPEN")),
    "CUSTOMER.DISPUTE.RESOLVED": _event(
        "dispute", _dispute("RESOLVED", dispute_outcome={"outcome_code": "RESOLVED_SELLER_FAVOUR"})
    ),
    "PAYMENT.SALE.COMPLETED": _event("sale", _sale),
    "BILLING.SUBSCRIPTION.CREATED": _event("subscription", _subscription("APPROVAL_PENDING")),
    "BILLING.SUBSCRIPTION.ACTIVATED": _event("subscription", _subscription("ACTIVE")),
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": _event("subscription", _subscription("ACTIVE", failed=1)),
    "BILLING.SUBSCRIPTION.SUSPENDED": _event("subscription", _subscription("SUSPENDED")),
    "BILLING.SUBSCRIPTION.CANCELLED": _event("subscription", _subscription("CANCELLED")),
    "INVOICING.INVOICE.PAID": _event("invoices", _invoice("PAID")),
    "INVOICING.INVOICE.CANCELLED": _event("invoices", _invoice("CANCELLED")),
}

PRETENDER: Final = Pretender(
    name="paypal",
    builders=_BUILDERS,
    sign=_sign,
    signature_at="token",
    payment_id="5EX25235AM917334P",
    currency="USD",
)
"""PayPal, offline. The payment is the capture; signed where ``secret`` is a private key in PEM."""
