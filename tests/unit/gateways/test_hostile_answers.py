"""Whatever an API answers gives facts, a reason, or one of our errors: its answers may be anything, too."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import encode
from paybell.testing.samples.authorizenet import authorizenet_details
from paybell.testing.samples.chargebee import chargebee_answer
from paybell.testing.samples.flutterwave import flutterwave_transfer
from paybell.testing.samples.midtrans import midtrans_status
from paybell.testing.samples.phonepe import phonepe_subscription
from paybell.testing.samples.recurly import recurly_invoice, recurly_subscription, recurly_transaction
from paybell.testing.samples.wise import wise_transfer
from paybell.testing.samples.xendit import xendit_invoice, xendit_payment, xendit_payout, xendit_refund
from tests.unit.gateways.asking import answered, asked
from tests.unit.gateways.sources import NOW_S

ASKED = asked(payment_id="pay_1", currency="IDR")
ODD = ([], {}, [{}], [1], None, "", "a\u0000b", "x" * 300, True, 0, -1, 1.5, 10**30, "1e9999", "2024-13-41", "\ud800")


def _event(name: str) -> Mapping[str, object]:
    signed = pretender("chargebee").signed(name, payment_id="txn_1", event_id="ev_1", at_s=NOW_S)
    return chargebee_answer(json.loads(signed.body))


def _paypal(name: str) -> Mapping[str, object]:
    body: Mapping[str, object] = json.loads(pretender("paypal").signed(name, event_id="WH-1", at_s=NOW_S).body)
    return body


NOTES = {"paybell_user": "u1", "paybell_product": "gold"}
GOCARDLESS = {
    "id": "PO1",
    "amount": 5,
    "currency": "GBP",
    "end_date": "2025-06-15",
    "email": "pat@example.com",
    "given_name": "Pat",
    "metadata": NOTES,
}
PREAPPROVAL = {
    "id": "p1",
    "status": "authorized",
    "last_modified": "2025-06-15T15:06:40Z",
    "date_created": "2025-06-15T15:06:40Z",
    "auto_recurring": {"end_date": "2025-06-15T15:06:40Z"},
    "preapproval_plan_id": "plan_1",
    "next_payment_date": "2025-06-15T15:06:40Z",
    "payer_id": 7,
    "payer_email": "pat@example.com",
}
CHARGE = {
    **PREAPPROVAL,
    "status": "processed",
    "preapproval_id": "p0",
    "transaction_amount": 1,
    "currency_id": "BRL",
    "payment": {"id": 101, "status": "approved"},
}
MERCADOPAGO = {
    "id": 7,
    "status": "approved",
    "transaction_amount": 1,
    "currency_id": "BRL",
    "metadata": {**NOTES, "paybell_expected_minor": 100, "paybell_expected_currency": "BRL"},
    "point_of_interaction": {"type": "SUBSCRIPTIONS", "transaction_data": {"subscription_id": "p1"}},
}


ANSWERS: Mapping[str, tuple[str, str, Any]] = {
    "midtrans": ("midtrans", "pay_1", midtrans_status(ASKED, "partial_refund")),
    "midtrans-cancel": ("midtrans", "pay_1", midtrans_status(ASKED, "cancel")),
    "xendit-payment": ("xendit", "payment py-1", {**xendit_payment(ASKED, "SUCCEEDED"), "payment_id": "py-1"}),
    "xendit-failure": ("xendit", "payment py-1", {**xendit_payment(ASKED, "FAILED"), "payment_id": "py-1"}),
    "xendit-invoice": ("xendit", "invoice pay_1", xendit_invoice(ASKED)),
    "xendit-refund": ("xendit", "refund refund_1", xendit_refund(ASKED, "SUCCEEDED")),
    "xendit-payout": ("xendit", "payout disb-1", {**xendit_payout(ASKED, "FAILED"), "id": "disb-1"}),
    "flutterwave-transfer": (
        "flutterwave",
        "transfer:9",
        {"status": "success", "data": flutterwave_transfer(9, status="FAILED", amount=5)},
    ),
    "phonepe-subscription": (
        "phonepe",
        "subscription:MS_1",
        json.loads(phonepe_subscription(subscription_id="MS_1", state="ACTIVE")),
    ),
    "xendit-captures": (
        "xendit",
        "captures pay_1",
        {
            "data": [
                {
                    "id": "c",
                    "payment_request_id": "pay_1",
                    "captured_amount": 5,
                    "currency": "IDR",
                    "status": "SUCCEEDED",
                }
            ]
        },
    ),
    "chargebee-payment": ("chargebee", "ev_1", _event("payment_failed")),
    "chargebee-refund": ("chargebee", "ev_1", _event("payment_refunded")),
    "recurly-transaction": ("recurly", "pay_1", recurly_transaction(ASKED, "purchase", "declined")),
    "chargebee-subscription": ("chargebee", "ev_1", _event("subscription_renewed")),
    "chargebee-customer": ("chargebee", "ev_1", _event("customer_changed")),
    "recurly-subscription": ("recurly", "pay_1", recurly_subscription(ASKED, "canceled")),
    "recurly-invoice": ("recurly", "pay_1", recurly_invoice(ASKED, recurly_transaction(ASKED, "refund", "success"))),
    "gocardless-payout": ("gocardless", "PO1", {"payouts": {**GOCARDLESS, "status": "paid"}}),
    "gocardless-subscription": ("gocardless", "PO1", {"subscriptions": {**GOCARDLESS, "status": "active"}}),
    "gocardless-customer": ("gocardless", "PO1", {"customers": GOCARDLESS}),
    "wise": ("wise", "7", json.loads(wise_transfer(7, "processing", "1"))),
    "paypal-subscription": ("paypal", "WH-1", _paypal("BILLING.SUBSCRIPTION.ACTIVATED")),
    "paypal-sale": ("paypal", "WH-1", _paypal("PAYMENT.SALE.COMPLETED")),
    "paypal-invoice": ("paypal", "WH-1", _paypal("INVOICING.INVOICE.PAID")),
    "mercadopago-subscription": ("mercadopago", "p1", PREAPPROVAL),
    "mercadopago-charge": ("mercadopago", "p1", CHARGE),
    "mercadopago-payment": ("mercadopago", "7", MERCADOPAGO),
    "authorizenet": (
        "authorizenet",
        "refund_1",
        json.loads(authorizenet_details(ASKED, "refundTransaction", "refundSettledSuccessfully")[3:]),
    ),
    "authorizenet-payment": (
        "authorizenet",
        "pay_1",
        json.loads(authorizenet_details(ASKED, "authCaptureTransaction", "declined")[3:]),
    ),
}


def _places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*path, key))


def _replaced(value: Any, path: tuple[object, ...], new: object) -> Any:
    if not path:
        return new
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    changed = {key: _replaced(inner, path[1:], new) if key == path[0] else inner for key, inner in pairs}
    return changed if isinstance(value, dict) else list(changed.values())


@pytest.mark.parametrize("which", ANSWERS)
def test_each_value_of_an_answer_may_be_anything(which: str) -> None:
    name, subject, answer = ANSWERS[which]
    plain = json.loads(encode(answer))
    assert answered(name, subject, plain).facts
    for path in _places(plain):
        for value in ODD:
            body = json.dumps(_replaced(plain, path, value)).encode()
            try:
                parsed = answered(name, subject, body)
            except (MalformedPayload, AmountError):
                continue
            assert parsed.facts or parsed.reason, (path, value)
            for fact in parsed.facts:
                texts = (fact.aggregate, fact.ref, *fact.detail.values())
                assert fact.aggregate
                assert "\x00" not in "".join(texts), (path, value)
                assert all(fact.detail.values())


@pytest.mark.parametrize("which", ANSWERS)
def test_the_key_of_any_answer_is_a_text_or_it_is_malformed(which: str) -> None:
    name, subject, answer = ANSWERS[which]
    each: Any = gateway(name)
    plain = json.loads(encode(answer))
    for path in _places(plain):
        for value in ODD:
            try:
                key = each.fetched_key(subject, json.dumps(_replaced(plain, path, value)).encode())
            except MalformedPayload:
                continue
            assert key.startswith("poll:")
