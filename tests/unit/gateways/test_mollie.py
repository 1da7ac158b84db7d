import json
from collections.abc import Mapping
from typing import Any

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.gateways.mollie import Mollie
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, Request
from paybell.testing.samples.mollie import mollie_capture, mollie_payment, mollie_refund, money
from tests.unit.gateways.booked import booked
from tests.unit.gateways.sources import TOKEN, kinds, notification, only, source

MOLLIE = Mollie()
KEY = {"apiKey": "test_not_a_real_key"}
AT_MS = 1_750_000_000_000


def answered(payment: Mapping[str, object], subject: str = "tr_1") -> Parsed:
    made = notification(json.dumps(payment).encode(), origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return MOLLIE.parse(made, source("mollie"))


def paid(**more: Any) -> Mapping[str, object]:
    return mollie_payment("tr_1", "paid", "10.00", **more)


def chargeback(reversed_at: str | None) -> Mapping[str, object]:
    own = {"id": "chb_1", "amount": money("10.00", "EUR"), "createdAt": "2025-07-01T00:00:00+00:00"}
    return {**own, "reversedAt": reversed_at, "reason": {"code": "AC01", "description": "No such account"}}


@pytest.mark.parametrize("body", [b"id=tr_1", b"id=tr_nobodys", b"id=ord_1", b"", b"\xff", b'{"id": "tr_1"}'])
def test_every_id_is_a_hint_and_answered_alike(body: bytes) -> None:
    assert isinstance(MOLLIE.verify(Request(body, token=TOKEN), source("mollie"), 0), Hint)
    parsed = MOLLIE.parse(notification(body), source("mollie"))
    assert (parsed.facts, parsed.reason) == ((), "a hint: believed only as the API confirms it")


def test_what_is_asked() -> None:
    plan = MOLLIE.plan_fetch(notification(b"id=tr_d0b0E3EA3v"), source("mollie", options=KEY))
    assert plan is not None
    assert plan.url == "https://api.mollie.com/v2/payments/tr_d0b0E3EA3v?embed=captures,refunds,chargebacks"
    assert dict(plan.headers)["authorization"] == "Bearer test_not_a_real_key"
    assert (plan.method, plan.subject, plan.login) == ("GET", "tr_d0b0E3EA3v", None)
    assert MOLLIE.plan_fetch(notification(b"id=tr_1"), source("mollie")) is None


@pytest.mark.parametrize("body", [b"id=ord_1", b"id=tr_1/../x", b"id=", b"id=tr_1&id=tr_2", b"other=1", b"\xff"])
def test_what_is_no_payment_cannot_be_asked_about(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        MOLLIE.plan_fetch(notification(body), source("mollie", options=KEY))


def test_a_paid_payment() -> None:
    parsed = answered(paid())
    captured = only(parsed, Kind.CAPTURED)
    assert (captured.aggregate, captured.ref, captured.at_ms) == ("tr_1", "tr_1", AT_MS)
    assert (captured.amount_minor, captured.currency) == (1000, "EUR")
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.amount_minor, created.detail) == (1000, {"order_id": "order_1001", "method": "creditcard"})
    assert (parsed.event, parsed.livemode, parsed.final) == ("payment.paid", False, True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", Kind.PROCESSING),
        ("authorized", Kind.AUTHORIZED),
        ("canceled", Kind.CANCELED),
        ("expired", Kind.EXPIRED),
        ("failed", Kind.FAILED),
    ],
)
def test_each_status(status: str, kind: Kind) -> None:
    parsed = answered(mollie_payment("tr_1", status, "10.00"))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    assert only(parsed, kind).at_ms == AT_MS


def test_an_open_payment_is_only_created_and_an_unknown_status_is_said() -> None:
    assert kinds(answered(mollie_payment("tr_1", "open", "10.00"))) == [Kind.PAYMENT_CREATED]
    parsed = answered(mollie_payment("tr_1", "brand_new", "10.00"))
    assert "'brand_new' is unknown" in parsed.reason


def test_why_it_failed() -> None:
    payment = mollie_payment("tr_1", "failed", "10.00", details={"failureReason": "insufficient_funds"})
    assert only(answered(payment), Kind.FAILED).detail == {"failure_code": "insufficient_funds"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("queued", Kind.REFUND_PENDING),
        ("pending", Kind.REFUND_PENDING),
        ("processing", Kind.REFUND_PENDING),
        ("refunded", Kind.REFUND_SUCCEEDED),
        ("failed", Kind.REFUND_FAILED),
        ("canceled", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_within_its_payment(status: str, kind: Kind) -> None:
    parsed = answered(
        paid(refunds=[mollie_refund("re_1", "tr_1", status, "4.00")], amountRefunded=money("4.00", "EUR"))
    )
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("tr_1", "re_1", 400)
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.CAPTURED, kind]


def test_a_refund_whose_status_is_unknown_is_said() -> None:
    parsed = answered(paid(refunds=[mollie_refund("re_1", "tr_1", "brand_new", "4.00")]))
    assert "the refund's status 'brand_new' is unknown" in parsed.reason


def test_a_chargeback_and_its_reversal_are_one_dispute() -> None:
    gone, back = paid(chargebacks=[chargeback(None)]), paid(chargebacks=[chargeback("2025-07-09T00:00:00+00:00")])
    lost, won = only(answered(gone), Kind.DISPUTE_STATUS), only(answered(back), Kind.DISPUTE_STATUS)
    assert (lost.ref, lost.amount_minor, lost.detail) == ("chb_1", 1000, {"status": "lost", "reason": "AC01"})
    assert (won.ref, won.detail["status"]) == ("chb_1", "won")
    assert won.at_ms > lost.at_ms
    assert booked(answered(gone).facts) == {"sales": -1000, "chargeback_losses": 1000}
    assert booked([*answered(gone).facts, *answered(back).facts]) == {"clearing": 1000, "sales": -1000}
    taken = [only(answered(each), Kind.DISPUTE_WITHDRAWN) for each in (gone, back)]
    assert taken[0] == taken[1]


def _captures(value: str, status: str, *parts: object) -> list[tuple[Kind, str, int | None]]:
    payment = mollie_payment("tr_1", status, "10.00", captures=parts, amountCaptured=money(value, "EUR"))
    facts = answered({**payment, "authorizedAt": "2025-06-15T15:06:40+00:00"}).facts
    return [(it.kind, it.ref, it.amount_minor) for it in facts if it.kind.startswith("captured")]


def test_captures_of_an_authorized_payment_are_known_by_their_ids_and_checked_by_their_sum() -> None:
    first, second = mollie_capture("cpt_1", "succeeded", "4.00"), mollie_capture("cpt_2", "succeeded", "6.00")
    one, two = (Kind.CAPTURED, "cpt_1", 400), (Kind.CAPTURED, "cpt_2", 600)
    assert _captures("0.00", "authorized") == []
    assert _captures("0.00", "authorized", mollie_capture("cpt_1", "pending", "4.00")) == []
    assert _captures("4.00", "authorized", first) == [one, (Kind.CAPTURED_TOTAL, "", 400)]
    other = mollie_capture("cpt_3", "failed", "6.00")
    assert _captures("4.00", "paid", first, other) == [one, (Kind.CAPTURED_TOTAL, "", 400)]
    assert _captures("10.00", "paid", first, second) == [one, two, (Kind.CAPTURED_TOTAL, "", 1000)]


@pytest.mark.parametrize("value", ["0.00", "10.00"])
def test_an_answer_without_its_captures_still_tells_their_sum(value: str) -> None:
    assert _captures(value, "paid") == [(Kind.CAPTURED_TOTAL, "", 1000)]


def test_a_payment_that_was_never_authorized_is_captured_at_once() -> None:
    for value in ("0.00", "10.00"):
        captured = only(answered(paid(amountCaptured=money(value, "EUR"))), Kind.CAPTURED)
        assert (captured.ref, captured.amount_minor) == ("tr_1", 1000)
    assert only(answered(paid(amountCaptured=money("4.00", "EUR"))), Kind.CAPTURED_TOTAL).amount_minor == 400


@pytest.mark.parametrize(("currency", "value", "minor"), [("JPY", "1000", 1000), ("EUR", "1.05", 105)])
def test_amounts_are_major_units(currency: str, value: str, minor: int) -> None:
    parsed = answered(mollie_payment("tr_1", "paid", value, currency=currency))
    assert only(parsed, Kind.CAPTURED).amount_minor == minor


@pytest.mark.parametrize("value", ["1.005", "-1.00", "1e3", "ten"])
def test_an_amount_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(AmountError):
        answered(mollie_payment("tr_1", "paid", value))


def test_an_answer_about_another_payment_says_nothing_and_is_asked_again() -> None:
    parsed = answered(paid(), subject="tr_2")
    assert (parsed.facts, parsed.final) == ((), False)
    assert parsed.reason == "the answer is about another payment"


def test_equal_answers_have_equal_keys() -> None:
    def key(payment: Mapping[str, object], subject: str = "tr_1") -> str:
        return MOLLIE.fetched_key(subject, json.dumps(payment).encode())

    refunded = [mollie_refund("re_1", "tr_1", "refunded", "4.00")]
    assert key(paid()) == key(paid(description="Another text"))
    others = [
        key(mollie_payment("tr_1", "failed", "10.00")),
        key(mollie_payment("tr_1", "paid", "11.00")),
        key(paid(refunds=refunded)),
        key(paid(refunds=[mollie_refund("re_1", "tr_1", "failed", "4.00")])),
        key(paid(chargebacks=[chargeback(None)])),
        key(paid(chargebacks=[chargeback("2025-07-09T00:00:00+00:00")])),
        key(paid(amountCaptured=money("4.00", "EUR"))),
        key(paid(captures=[mollie_capture("cpt_1", "pending", "4.00")])),
        key(paid(captures=[mollie_capture("cpt_1", "succeeded", "4.00")])),
        key(paid(), "tr_2"),
    ]
    assert len({key(paid()), *others}) == len(others) + 1


def test_options_are_checked() -> None:
    gateway("mollie").check(source("mollie", options={**KEY, "baseUrl": "http://127.0.0.1:1"}))
    with pytest.raises(ConfigurationError, match="'baseUrl'"):
        gateway("mollie").check(source("mollie", options={"baseUrl": "http://api.example.com"}))


def test_a_payment_names_its_subscription_and_what_it_should_come_to() -> None:
    notes = {"paybell_user": "user_1", "paybell_product": "gold", "paybell_expected_minor": "1000"}
    parsed = answered(paid(subscriptionId="sub_1", metadata={**notes, "paybell_expected_currency": "EUR"}))
    created, linked, wish = (only(parsed, it) for it in (Kind.PAYMENT_CREATED, Kind.LINK, Kind.EXPECTED))
    assert (created.detail["user_id"], created.detail["product"]) == ("user_1", "gold")
    assert (linked.aggregate, linked.ref, linked.detail) == ("tr_1", "sub_1", {"type": "subscription"})
    assert (wish.amount_minor, wish.currency) == (1000, "EUR")
    assert {linked.at_ms, wish.at_ms} == {created.at_ms}
    for other in ("a text", ["a", "list"], None):
        assert Kind.EXPECTED not in kinds(answered(paid(metadata=other)))
