import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, SECRET, kinds, only, parse, source

URL = "https://example.com/in/square-test"
BODY = b'{"event":"x"}'
SIGNATURE = b"yoKe6VV6h2G5e5fb3pq5IYgbGYyC1Jc6aEAuKNyRwDs="
CREATED, UPDATED = "2025-02-06T21:27:30.792Z", "2025-02-06T21:28:00Z"
CREATED_MS, UPDATED_MS = 1_738_877_250_792, 1_738_877_280_000


def verdict(signature: bytes, url: str = URL) -> Verdict:
    made = Request(BODY, ((b"x-square-hmacsha256-signature", signature),))
    options = {"notificationUrl": url} if url else {}
    return gateway("square").verify(made, source("square", secrets=(SECRET,), options=options), NOW_MS)


def event(kind: str, thing: dict[str, object], name: str = "any.name") -> dict[str, object]:
    return {"type": name, "event_id": "e1", "created_at": UPDATED, "data": {"type": kind, "object": {kind: thing}}}


def payment(status: str, **more: object) -> dict[str, object]:
    money = {"amount": 1100, "currency": "USD"}
    own = {"id": "pay_1", "created_at": CREATED, "updated_at": UPDATED, "total_money": money, "order_id": "order_1"}
    return {**own, "amount_money": {"amount": 1000, "currency": "USD"}, "status": status, **more}


def refund(status: str, **more: object) -> dict[str, object]:
    money = {"amount": 700, "currency": "USD"}
    return {
        "id": "ref_1",
        "payment_id": "pay_1",
        "status": status,
        "updated_at": UPDATED,
        "amount_money": money,
        **more,
    }


def dispute(state: str, **more: object) -> dict[str, object]:
    own = {"id": "dis_1", "updated_at": UPDATED, "disputed_payment": {"payment_id": "pay_1"}, "reason": "DUPLICATE"}
    return {**own, "state": state, "amount_money": {"amount": 1100, "currency": "USD"}, **more}


def test_a_known_answer_and_the_address_is_part_of_it() -> None:
    # The figure is that of the `openssl` command.
    assert isinstance(verdict(SIGNATURE), Verified)
    for other in (URL + "/", URL.replace("https", "http"), "https://example.org/in/square-test"):
        refused = verdict(SIGNATURE, other)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("signature", "url", "reason"),
    [
        (b"", URL, RefusalReason.HEADER_MISSING),
        (b"1z2n3DEJJiUPKcPzQo1ftvbxGdw=", URL, RefusalReason.MALFORMED_SIGNATURE),
        (SIGNATURE, "", RefusalReason.NO_SECRET),
    ],
)
def test_refusals(signature: bytes, url: str, reason: RefusalReason) -> None:
    refused = verdict(signature, url)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@pytest.mark.parametrize("options", [{}, {"notificationUrl": "example.com/in"}, {"notificationUrl": "https://a b"}])
def test_a_source_without_its_address_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="'notificationUrl'"):
        gateway("square").check(source("square", options=options))


@pytest.mark.parametrize(
    ("status", "kind", "ref", "amount"),
    [
        ("PENDING", Kind.PROCESSING, "pay_1", None),
        ("APPROVED", Kind.AUTHORIZED, "pay_1", 1100),
        ("COMPLETED", Kind.CAPTURED, "pay_1", 1100),
        ("CANCELED", Kind.CANCELED, "", None),
    ],
)
def test_a_payments_status_with_its_tip(status: str, kind: Kind, ref: str, amount: int | None) -> None:
    parsed = parse("square", event("payment", payment(status)))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    started, fact = parsed.facts
    assert (started.at_ms, started.amount_minor, started.detail) == (CREATED_MS, 1100, {"order_id": "order_1"})
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("pay_1", ref, amount)
    assert fact.at_ms == (CREATED_MS if status == "PENDING" else UPDATED_MS)


def test_a_payment_that_changes_again_reports_the_same_capture() -> None:
    timeline = {"card_details": {"card_payment_timeline": {"captured_at": CREATED}}}
    once = parse("square", event("payment", payment("COMPLETED", **timeline)))
    again = parse("square", event("payment", payment("COMPLETED", updated_at="2025-03-01T00:00:00Z", **timeline)))
    assert only(once, Kind.CAPTURED) == only(again, Kind.CAPTURED)


def test_a_failure_says_why() -> None:
    errors = [{"code": "CARD_DECLINED", "detail": "No."}]
    parsed = parse("square", event("payment", payment("FAILED", card_details={"errors": errors})))
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "CARD_DECLINED", "failure_message": "No."}
    assert only(parse("square", event("payment", payment("FAILED"))), Kind.FAILED).detail == {}


def test_a_payments_refunded_money_is_a_running_total() -> None:
    refunded = {"refunded_money": {"amount": 700, "currency": "USD"}}
    parsed = parse("square", event("payment", payment("COMPLETED", **refunded)))
    assert only(parsed, Kind.REFUNDED_TOTAL).amount_minor == 700


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("PENDING", Kind.REFUND_PENDING),
        ("COMPLETED", Kind.REFUND_SUCCEEDED),
        ("REJECTED", Kind.REFUND_FAILED),
        ("FAILED", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind) -> None:
    fact = only(parse("square", event("refund", refund(status))), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("pay_1", "ref_1", 700, UPDATED_MS)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("INQUIRY_EVIDENCE_REQUIRED", "warning"),
        ("INQUIRY_CLOSED", "closed"),
        ("EVIDENCE_REQUIRED", "open"),
        ("PROCESSING", "open"),
        ("WON", "won"),
        ("LOST", "lost"),
        ("ACCEPTED", "lost"),
    ],
)
def test_a_disputes_state(state: str, status: str) -> None:
    fact = only(parse("square", event("dispute", dispute(state))), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail) == ("pay_1", "dis_1", {"status": status, "reason": "DUPLICATE"})
    older = dispute(state, id=None, dispute_id="dis_1")
    assert only(parse("square", event("dispute", older)), Kind.DISPUTE_STATUS) == fact


@pytest.mark.parametrize(
    "body",
    [
        event("payment", payment("BRAND_NEW")),
        event("refund", refund("BRAND_NEW")),
        event("refund", refund("COMPLETED", payment_id=None)),
        event("refund", refund("PENDING"), "terminal.refund.created"),
        event("dispute", dispute("BRAND_NEW")),
        event("loyalty_account", {"id": "lo_1"}, "loyalty.account.created"),
        {"type": "webhooks.test_notification", "event_id": "e1", "data": {"type": "webhooks"}},
    ],
)
def test_what_is_unknown_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("square", body)
    assert parsed.facts == ()
    assert parsed.reason


def test_amounts_are_minor_units_of_iso_4217() -> None:
    yen = {"total_money": {"amount": 500, "currency": "JPY"}}
    assert only(parse("square", event("payment", payment("COMPLETED", **yen))), Kind.CAPTURED).amount_minor == 500
    with pytest.raises(AmountError):
        parse("square", event("payment", payment("COMPLETED", total_money={"amount": 5, "currency": "XYZ"})))


@pytest.mark.parametrize("body", [{}, event("payment", payment("COMPLETED", id=1)), event("payment", {"id": "pay_1"})])
def test_a_body_without_what_every_event_has_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        parse("square", body)
