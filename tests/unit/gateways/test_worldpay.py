import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.record.projection import project
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

KEY = "0f1e2d3c4b5a6978" * 4
BODY = b'{"event":"x"}'
RIGHT = b"9cea7875f3cfef8085181167b865e4340aca95119557ee5b0402778fb2a1e856"
AT_MS = 1_718_288_293_407


def verdict(signature: bytes) -> Verdict:
    made = Request(BODY, ((b"event-signature", signature),))
    return gateway("worldpay").verify(made, source("worldpay", secrets=(KEY,)), NOW_MS)


def event(kind: str, *, value: int = 1000, **more: object) -> dict[str, object]:
    details = {
        "classification": "payment",
        "transactionReference": "Example-1",
        "type": kind,
        "amount": {"value": value, "currencyCode": "GBP"},
        **more,
    }
    return {"eventId": "e1", "eventTimestamp": "2024-06-13T14:18:13.407", "eventDetails": details}


@pytest.mark.parametrize(
    "signature",
    [b"1/SHA256/" + RIGHT, b"0/SHA256/" + b"0" * 64 + b", 1/SHA256/" + RIGHT, b"1/SHA256/" + RIGHT + b",2/SHA512/00"],
)
def test_a_known_answer_among_several_signatures(signature: bytes) -> None:
    # The figure is that of the `openssl` command, with the key in hex.
    assert isinstance(verdict(signature), Verified)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (RIGHT, RefusalReason.MALFORMED_SIGNATURE),
        (b"1/MD5/" + RIGHT, RefusalReason.MALFORMED_SIGNATURE),
        (b"1/SHA256/" + RIGHT + b"/1", RefusalReason.MALFORMED_SIGNATURE),
        (b"1/SHA256/" + b"0" * 64, RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_refusals(signature: bytes, reason: RefusalReason) -> None:
    refused = verdict(signature)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_a_secret_that_is_not_hex_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not in hex"):
        gateway("worldpay").check(source("worldpay", secrets=("my secret's text",)))


@pytest.mark.parametrize(
    ("name", "kind", "amount"),
    [
        ("sentForAuthorization", Kind.PROCESSING, 1000),
        ("authorized", Kind.AUTHORIZED, 1000),
        ("refused", Kind.FAILED, None),
        ("error", Kind.FAILED, None),
    ],
)
def test_an_attempt_says_what_was_asked(name: str, kind: Kind, amount: int | None) -> None:
    parsed = parse("worldpay", event(name))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    started, fact = parsed.facts
    assert (started.amount_minor, started.detail, started.at_ms) == (1000, {"order_id": "Example-1"}, AT_MS)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == (
        "Example-1",
        "Example-1",
        amount,
        "GBP" if amount else "",
    )


def test_a_refusal_without_an_amount_is_a_failure_still() -> None:
    assert kinds(parse("worldpay", event("refused", amount=None))) == [Kind.FAILED]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sentForSettlement", Kind.CAPTURED),
        ("settlementFailed", Kind.CAPTURE_REVERSED),
        ("settlementRejected", Kind.CAPTURE_REVERSED),
        ("sentForRefund", Kind.REFUND_PENDING),
        ("refunded", Kind.REFUND_SUCCEEDED),
        ("refundFailed", Kind.REFUND_FAILED),
    ],
)
def test_an_operation_is_told_under_its_reference(name: str, kind: Kind) -> None:
    assert only(parse("worldpay", event(name)), kind).ref == "Example-1"
    assert only(parse("worldpay", event(name, reference="part-1")), kind).ref == "part-1"


def test_settled_money_is_counted_once() -> None:
    whole = (*parse("worldpay", event("sentForSettlement")).facts, *parse("worldpay", event("settled")).facts)
    assert project(whole).captured_minor == 1000
    parts = [
        fact
        for name in ("sentForSettlement", "settled")
        for reference in ("part-1", "part-2")
        for fact in parse("worldpay", event(name, value=400, reference=reference)).facts
    ]
    assert project(parts).captured_minor == 800
    unnamed = parse("worldpay", event("settled", value=400)).facts
    assert project([*parts, *unnamed]).captured_minor == 800


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cancelled", Kind.CANCELED),
        ("cancelledByCustomer", Kind.CANCELED),
        ("expired", Kind.EXPIRED),
        ("requestExpired", Kind.EXPIRED),
    ],
)
def test_what_ends_a_payment(name: str, kind: Kind) -> None:
    fact = only(parse("worldpay", event(name)), kind)
    assert (fact.ref, fact.amount_minor) == ("", None)


def test_held_money_is_an_open_dispute() -> None:
    fact = only(parse("worldpay", event("informationRequested", classification="chargeback")), Kind.DISPUTE_STATUS)
    assert (fact.ref, fact.amount_minor, fact.detail) == ("Example-1", 1000, {"status": "open"})


@pytest.mark.parametrize(
    "body",
    [
        event("payoutReceived", classification="payout"),
        event("error", classification="payout"),
        event("refused", octReference="12345"),
        event("tokenCreated"),
        event("brandNew", classification="chargeback"),
        event("authorized", classification=None),
    ],
)
def test_what_is_no_payment_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("worldpay", body)
    assert parsed.facts == ()
    assert "moves no payment" in parsed.reason


def test_amounts_are_minor_units_of_iso_4217() -> None:
    yen = event("authorized", amount={"value": 500, "currencyCode": "JPY"})
    assert only(parse("worldpay", yen), Kind.AUTHORIZED).amount_minor == 500
    with pytest.raises(AmountError):
        parse("worldpay", event("authorized", amount={"value": 5, "currencyCode": "XYZ"}))


@pytest.mark.parametrize(
    "body", [{}, {"eventTimestamp": "x", "eventDetails": {}}, event("authorized", transactionReference="")]
)
def test_a_body_without_what_every_event_has_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        parse("worldpay", body)
