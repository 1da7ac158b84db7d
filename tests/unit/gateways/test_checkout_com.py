import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, SECRET, kinds, only, parse, source

BODY = b'{"event":"x"}'
SIGNATURE = b"d205b2a2c8bc21e5077a190f297eb49a3b2ae1d2d41861bd6c52abafe1ecc643"
AT, AT_MS = "2025-05-22T11:56:04.8821546Z", 1_747_914_964_882


def verdict(signature: bytes) -> Verdict:
    made = Request(BODY, ((b"cko-signature", signature), (b"authorization", b"a fixed word")))
    return gateway("checkout_com").verify(made, source("checkout_com", secrets=(SECRET,)), NOW_MS)


def event(name: str, **more: object) -> dict[str, object]:
    own = {"id": "pay_1", "action_id": "act_1", "amount": 6540, "currency": "USD", "reference": "order_1"}
    return {"id": "evt_1", "type": name, "created_on": AT, "data": {**own, **more}}


def test_a_known_answer() -> None:
    # The figure is that of the `openssl` command.
    assert isinstance(verdict(SIGNATURE), Verified)
    assert isinstance(verdict(SIGNATURE.upper()), Verified)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (b"sha256=" + SIGNATURE, RefusalReason.MALFORMED_SIGNATURE),
        (SIGNATURE[:-1] + b"0", RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_refusals(signature: bytes, reason: RefusalReason) -> None:
    refused = verdict(signature)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@pytest.mark.parametrize(
    ("name", "kind"), [("payment_pending", Kind.PROCESSING), ("payment_approved", Kind.AUTHORIZED)]
)
def test_an_attempt_says_what_was_asked(name: str, kind: Kind) -> None:
    customer = {"id": "cus_1", "email": "pat@example.com", "name": "Pat Example"}
    parsed = parse("checkout_com", event(name, customer=customer))
    started, fact = parsed.facts
    assert (started.kind, fact.kind, fact.ref, fact.amount_minor) == (Kind.PAYMENT_CREATED, kind, "act_1", 6540)
    assert (fact.aggregate, fact.at_ms) == ("pay_1", AT_MS)
    assert started.detail == {
        "order_id": "order_1",
        "customer_id": "cus_1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
    }


@pytest.mark.parametrize("name", ["payment_declined", "payment_authentication_failed"])
def test_a_failure_says_why(name: str) -> None:
    parsed = parse("checkout_com", event(name, response_code="20005", response_summary="Declined"))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.FAILED]
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "20005", "failure_message": "Declined"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("payment_captured", Kind.CAPTURED),
        ("payment_refund_pending", Kind.REFUND_PENDING),
        ("payment_refunded", Kind.REFUND_SUCCEEDED),
        ("payment_refund_declined", Kind.REFUND_FAILED),
    ],
)
def test_an_operation_is_told_under_its_action(name: str, kind: Kind) -> None:
    parsed = parse("checkout_com", event(name))
    fact = only(parsed, kind)
    assert (len(parsed.facts), fact.aggregate, fact.ref, fact.amount_minor) == (1, "pay_1", "act_1", 6540)


@pytest.mark.parametrize(
    ("name", "kind", "amount"),
    [
        ("payment_voided", Kind.VOIDED, 6540),
        ("payment_canceled", Kind.CANCELED, None),
        ("payment_expired", Kind.EXPIRED, None),
    ],
)
def test_what_ends_a_payment(name: str, kind: Kind, amount: int | None) -> None:
    fact = only(parse("checkout_com", event(name)), kind)
    assert (fact.ref, fact.amount_minor) == ("", amount)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("dispute_received", "open"),
        ("dispute_evidence_required", "open"),
        ("dispute_evidence_submitted", "open"),
        ("dispute_resolved", "closed"),
        ("dispute_canceled", "closed"),
        ("dispute_won", "won"),
        ("dispute_arbitration_won", "won"),
        ("dispute_accepted", "lost"),
        ("dispute_expired", "lost"),
        ("dispute_arbitration_lost", "lost"),
    ],
)
def test_a_dispute_reaches_its_payment(name: str, status: str) -> None:
    body = event(name, id="dsp_1", action_id=None, payment_id="pay_1", reason_code="10.4")
    fact = only(parse("checkout_com", body), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail) == ("pay_1", "dsp_1", {"status": status, "reason": "10.4"})


@pytest.mark.parametrize(
    "body",
    [
        event("payment_capture_declined"),
        event("payment_void_declined"),
        event("authentication_started", amount="88000"),
        {"id": "evt_1", "type": "issuing_dispute_closed", "event_data": {"status": "won"}},
        event("brand_new"),
    ],
)
def test_what_moves_no_payment_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("checkout_com", body)
    assert parsed.facts == ()
    assert "moves no payment" in parsed.reason


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", 500, 500), ("BHD", 1500, 1500), ("CLP", 50_000, 500), ("ISK", 7, 7)]
)
def test_amounts_become_minor_units_of_iso_4217(currency: str, amount: int, minor: int) -> None:
    parsed = parse("checkout_com", event("payment_captured", amount=amount, currency=currency))
    assert only(parsed, Kind.CAPTURED).amount_minor == minor


@pytest.mark.parametrize("more", [{"amount": "6540"}, {"amount": 50_001, "currency": "CLP"}, {"currency": None}])
def test_an_amount_that_cannot_be_said_exactly_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(AmountError):
        parse("checkout_com", event("payment_captured", **more))


@pytest.mark.parametrize(
    "body", [{}, event("payment_captured", id=None), {**event("payment_captured"), "created_on": None}]
)
def test_a_body_without_what_every_event_has_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        parse("checkout_com", body)


def test_the_time_may_stand_in_either_place() -> None:
    body = event("payment_captured")
    moved = {**body, "created_on": None, "timestamp": AT}
    assert parse("checkout_com", moved).facts == parse("checkout_com", body).facts


def test_metadata_says_who_buys_what_for_how_much() -> None:
    notes = {
        "paybell_product": "gold",
        "user_id": 7,
        "paybell_expected_minor": 6540,
        "paybell_expected_currency": "usd",
    }
    parsed = parse("checkout_com", event("payment_approved", metadata=notes))
    detail = only(parsed, Kind.PAYMENT_CREATED).detail
    assert (detail["product"], detail["user_id"]) == ("gold", "7")
    wish = only(parsed, Kind.EXPECTED)
    assert (wish.aggregate, wish.at_ms, wish.amount_minor, wish.currency) == ("pay_1", AT_MS, 6540, "USD")
    assert Kind.EXPECTED not in kinds(parse("checkout_com", event("payment_captured", metadata=notes)))
    assert Kind.EXPECTED not in kinds(parse("checkout_com", event("payment_approved", metadata="a text")))
