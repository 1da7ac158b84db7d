"""What gateways keep, told where the payload says it exactly, in the payment's currency, and for good."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from paybell.errors import AmountError
from paybell.gateways.kit.fees import fee
from paybell.model.fact import Fact, Kind, Parsed
from paybell.testing.builders import fact
from tests.unit.gateways.asking import answered
from tests.unit.gateways.booked import booked
from tests.unit.gateways.sources import parse

CAPTURED = fact(Kind.CAPTURED, "ch_1", 10_000, 5, detail={"method": "card"})
AT = "2025-06-15T15:06:40Z"


def _unfit() -> int:
    raise AmountError("half a unit")


def test_a_fee_is_of_the_operation_and_has_its_tax_in_it() -> None:
    (told,) = fee(CAPTURED, lambda: 236, lambda: 36)
    assert (told.kind, told.ref, told.amount_minor, told.at_ms) == (Kind.FEE, "ch_1", 236, CAPTURED.at_ms)
    assert told.detail == {"tax_minor": "36"}
    assert fee(CAPTURED, lambda: 236, dispute=True)[0].detail == {"of": "dispute"}


def test_a_fee_that_is_nothing_or_no_exact_amount_is_left_out() -> None:
    assert [fee(CAPTURED, lambda: 0), fee(CAPTURED, lambda: -5), fee(CAPTURED, _unfit)] == [[], [], []]
    assert fee(CAPTURED, lambda: 5, _unfit) == []


def paypal(resource_type: str = "capture", **more: object) -> Parsed:
    money = {"currency_code": "USD", "value": "10.00"}
    thing = {"id": "CAP1", "status": "COMPLETED", "amount": money, "create_time": AT, **more}
    return answered(
        "paypal", "WH-1", {"id": "WH-1", "event_type": "X", "resource_type": resource_type, "resource": thing}
    )


def breakdown(value: str, currency: str = "USD", **more: object) -> dict[str, Any]:
    return {"seller_receivable_breakdown": {"paypal_fee": {"currency_code": currency, "value": value}, **more}}


def paystack(fees: object, currency: str = "NGN", status: str = "success") -> Parsed:
    data = {"reference": "ref_1", "status": status, "amount": 100_000, "currency": currency, "created_at": AT}
    return parse("paystack", {"event": "charge.success", "data": {**data, "fees": fees}})


def flutterwave(**more: object) -> Parsed:
    own = {"id": 1, "status": "successful", "amount": 100, "charged_amount": 100, "currency": "NGN", "created_at": AT}
    return answered("flutterwave", "1", {"status": "success", "data": {**own, **more}})


def instamojo(fees: str, status: str = "Credit") -> Parsed:
    fields = {"payment_id": "MOJO1", "status": status, "amount": "100.00", "currency": "INR", "fees": fees}
    return parse("instamojo", urlencode(fields).encode())


def square(status: str, *parts: tuple[str, int, str]) -> Parsed:
    fees = [{"type": kind, "amount_money": {"amount": amount, "currency": code}} for kind, amount, code in parts]
    own = {"id": "pay_1", "status": status, "created_at": AT, "updated_at": AT, "processing_fee": fees}
    thing = {**own, "total_money": {"amount": 1000, "currency": "USD"}}
    return parse("square", {"type": "payment.updated", "data": {"object": {"payment": thing}}})


def paddle(status: str, **totals: object) -> Parsed:
    own = {"id": "txn_1", "status": status, "currency_code": "USD", "created_at": AT}
    data = {**own, "details": {"totals": {"grand_total": "65215", **totals}}}
    return parse("paddle", {"event_id": "evt_1", "event_type": "transaction.x", "occurred_at": AT, "data": data})


def iyzico(status: str = "SUCCESS", **more: object) -> Parsed:
    own = {"status": "success", "paymentId": "22", "paymentStatus": status, "paidPrice": 450, "currency": "TRY"}
    return answered("iyzico", "22", {**own, "fraudStatus": 1, "phase": "AUTH", **more})


@pytest.mark.parametrize(
    ("parsed", "ref", "amount", "currency"),
    [
        (paypal(**breakdown("0.59")), "CAP1", 59, "USD"),
        (paypal("sale", transaction_fee={"value": "0.88", "currency": "USD"}), "CAP1", 88, "USD"),
        (paystack(1500), "ref_1", 1500, "NGN"),
        (paystack(1500, status="reversed"), "ref_1", 1500, "NGN"),
        (paystack(1900, "XOF"), "ref_1", 19, "XOF"),
        (flutterwave(app_fee=1.4), "1", 140, "NGN"),
        (instamojo("2.95"), "MOJO1", 295, "INR"),
        (square("COMPLETED", ("INITIAL", 59, "USD"), ("INITIAL", 1, "USD")), "pay_1", 60, "USD"),
        (square("COMPLETED", ("INITIAL", 59, "USD"), ("ADJUSTMENT", -9, "USD")), "pay_1", 59, "USD"),
        (paddle("completed", fee="3311"), "txn_1", 3311, "USD"),
        (paddle("completed", fee="3311", grand_total=None), "txn_1", 3311, "USD"),
        (iyzico(iyziCommissionRateAmount=5.5, iyziCommissionFee=0.25), "22", 575, "TRY"),
    ],
    ids=lambda value: value.event if isinstance(value, Parsed) else None,
)
def test_a_gateways_fee(parsed: Parsed, ref: str, amount: int, currency: str) -> None:
    (told,) = fees(parsed)
    assert (told.ref, told.amount_minor, told.currency) == (ref, amount, currency)
    assert told.aggregate == parsed.facts[0].aggregate
    assert booked(parsed.facts)["fees"] == amount


def fees(parsed: Parsed) -> list[Fact]:
    return [it for it in parsed.facts if it.kind is Kind.FEE]


@pytest.mark.parametrize(
    "parsed",
    [
        paypal(),
        paypal(**breakdown("0.00")),
        paypal(**breakdown("0.59", "EUR")),
        paypal(**breakdown("0.59", paypal_fee_in_receivable_currency={"currency_code": "EUR", "value": "0.50"})),
        paypal(status="PENDING", **breakdown("0.59")),
        paystack(None),
        paystack(1500, status="failed"),
        paystack(1950, "XOF"),  # nineteen francs and a half
        flutterwave(app_fee=None),
        flutterwave(app_fee=1.4, charged_amount=101.4),
        flutterwave(app_fee=1.4, status="pending"),
        instamojo(""),
        instamojo("2.95", "Failed"),
        square("COMPLETED"),
        square("APPROVED", ("INITIAL", 59, "USD")),
        square("COMPLETED", ("INITIAL", 59, "CAD")),
        paddle("completed", fee=None),
        paddle("paid", fee="3311"),
        iyzico(),
        iyzico(phase="PRE_AUTH", iyziCommissionRateAmount=5.5),
    ],
)
def test_no_fee_is_told_that_is_none_not_final_not_exact_or_not_in_the_currency(parsed: Parsed) -> None:
    assert parsed.facts
    assert fees(parsed) == []


def adyen(code: str) -> tuple[Fact, ...]:
    item = {"pspReference": "DISPUTE1", "originalReference": "PSP1", "merchantReference": "order_1", "success": "true"}
    whole = {**item, "merchantAccountCode": "Example", "eventCode": code, "amount": {"value": 1000, "currency": "EUR"}}
    return parse("adyen", {"notificationItems": [{"NotificationRequestItem": whole}]}).facts


def test_a_chargeback_at_adyen_takes_the_money_and_its_reversal_gives_it_back() -> None:
    opened, back, lost = adyen("CHARGEBACK"), adyen("CHARGEBACK_REVERSED"), adyen("SECOND_CHARGEBACK")
    assert booked(opened) == {"clearing": -1000, "disputes_receivable": 1000}
    assert booked([*opened, *back]) == {}
    assert booked([*opened, *lost]) == {"clearing": -1000, "chargeback_losses": 1000}
    assert [it.kind for it in adyen("NOTIFICATION_OF_CHARGEBACK")] == [Kind.DISPUTE_STATUS]


def adjustment(action: str, status: str = "approved") -> tuple[Fact, ...]:
    own = {"id": f"adj_{action}", "action": action, "status": status, "transaction_id": "txn_1"}
    data = {**own, "currency_code": "USD", "totals": {"total": "100"}, "created_at": AT}
    body: Mapping[str, object] = {
        "event_id": "evt_1",
        "event_type": "adjustment.created",
        "occurred_at": AT,
        "data": data,
    }
    return parse("paddle", body).facts


def test_a_chargeback_at_paddle_takes_the_money_and_its_reversal_gives_it_back() -> None:
    assert booked(adjustment("chargeback")) == {"clearing": -100, "chargeback_losses": 100}
    assert booked(adjustment("chargeback", "reversed")) == {}
    assert [it.kind for it in adjustment("chargeback_warning")] == [Kind.DISPUTE_STATUS]
    kinds = [it.kind for it in (*adjustment("chargeback"), *adjustment("chargeback_reverse"))]
    assert kinds.count(Kind.DISPUTE_WITHDRAWN) == kinds.count(Kind.DISPUTE_REINSTATED) == 1
