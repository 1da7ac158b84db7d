import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

KEY = "sk_test_example"
BODY = b'{"event":"charge.success"}'
# By `openssl dgst -sha512 -hmac`.
SIGNATURE = (
    b"08aac33baf91ad9c33613233318de75af5352dba46b4cf2d3137875e96b7a70d"
    b"ad9539a579463bc29b772c9c5d5e04f797da0b90c40212f6e29e609c3c501200"
)
PAID_MS = 1_600_000_060_000


def verdict(body: bytes, *signature: bytes) -> Verdict:
    made = Request(body, tuple((b"x-paystack-signature", value) for value in signature))
    return gateway("paystack").verify(made, source("paystack", secrets=(KEY,)), NOW_MS)


def transaction(status: str = "success", **more: object) -> dict[str, object]:
    own = {
        "reference": "ref_1",
        "status": status,
        "amount": 5000,
        "currency": "NGN",
        "created_at": "2020-09-13T12:26:40.000Z",
        "paid_at": "2020-09-13T12:27:40.000Z",
        "domain": "live",
    }
    return {**own, **more}


def charge(status: str = "success", **more: object) -> dict[str, object]:
    return {"event": "charge.success", "data": transaction(status, **more)}


def refund(status: str, reference: object = "TRF_1", **more: object) -> dict[str, object]:
    own = {"status": status, "transaction_reference": "ref_1", "refund_reference": reference}
    return {"event": "refund.x", "data": {**own, "amount": "700", "currency": "NGN", "domain": "test", **more}}


def dispute(status: str, resolution: str | None = None) -> dict[str, object]:
    own = {
        "id": 9,
        "status": status,
        "resolution": resolution,
        "refund_amount": 5000,
        "currency": "NGN",
        "created_at": "2020-09-14T12:26:40.000Z",
        "resolvedAt": "2020-09-15T12:26:40.000Z" if resolution else None,
        "category": "chargeback",
        "transaction": transaction(),
    }
    return {"event": "charge.dispute.x", "data": own}


def test_a_known_answer() -> None:
    assert isinstance(verdict(BODY, SIGNATURE), Verified)
    assert isinstance(verdict(BODY, SIGNATURE.upper()), Verified)


@pytest.mark.parametrize(
    ("signatures", "reason"),
    [
        ((), RefusalReason.HEADER_MISSING),
        ((SIGNATURE[:64],), RefusalReason.MALFORMED_SIGNATURE),
        ((SIGNATURE[:-1] + b"1",), RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_it_is_refused(signatures: tuple[bytes, ...], reason: RefusalReason) -> None:
    refused = verdict(BODY, *signatures)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_public_key_is_no_secret() -> None:
    with pytest.raises(ConfigurationError, match="sk_"):
        gateway("paystack").check(source("paystack", secrets=("pk_live_1",)))


def test_a_charge_is_paid_at_its_time_under_its_reference() -> None:
    who = {"first_name": "Pat", "last_name": "Example", "email": "pat@example.com", "customer_code": "CUS_1"}
    parsed = parse("paystack", charge(customer=who, requested_amount=6000, channel="card"))
    captured, created = only(parsed, Kind.CAPTURED), only(parsed, Kind.PAYMENT_CREATED)
    assert (captured.aggregate, captured.ref, captured.amount_minor, captured.at_ms) == (
        "ref_1",
        "ref_1",
        5000,
        PAID_MS,
    )
    assert (created.amount_minor, created.at_ms) == (6000, PAID_MS - 60_000)
    assert created.detail == {
        "order_id": "ref_1",
        "customer_id": "CUS_1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
        "method": "card",
    }
    assert parsed.livemode is True


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("failed", [Kind.PAYMENT_CREATED, Kind.FAILED]),
        ("reversed", [Kind.PAYMENT_CREATED, Kind.CAPTURED]),
        ("ongoing", [Kind.PAYMENT_CREATED, Kind.PROCESSING]),
        ("abandoned", [Kind.PAYMENT_CREATED]),
        ("strange", []),
    ],
)
def test_a_status_decides_and_not_the_events_name(status: str, found: list[Kind]) -> None:
    parsed = parse("paystack", charge(status))
    assert kinds(parsed) == found
    assert ("unknown" in parsed.reason) is (not found)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", Kind.REFUND_PENDING),
        ("processing", Kind.REFUND_PENDING),
        ("processed", Kind.REFUND_SUCCEEDED),
        ("failed", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment_whether_its_amount_is_a_text_or_a_number(status: str, kind: Kind) -> None:
    for amount in ("700", 700):
        parsed = parse("paystack", refund(status, amount=amount))
        fact = only(parsed, kind)
        assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("ref_1", "TRF_1", 700, NOW_MS + 5)
        assert parsed.livemode is False


def test_a_refund_without_a_reference_could_be_any() -> None:
    parsed = parse("paystack", refund("pending", None))
    assert (parsed.facts, parsed.reason) == ((), "the refund has no reference yet")
    with pytest.raises(MalformedPayload):
        parse("paystack", refund("processed", amount="7.00"))


@pytest.mark.parametrize(
    ("status", "resolution", "expected"),
    [
        ("awaiting-merchant-feedback", None, "open"),
        ("awaiting-bank-feedback", None, "open"),
        ("resolved", "merchant-accepted", "lost"),
        ("resolved", "auto-accepted", "lost"),
        ("resolved", "declined", "won"),
        ("resolved", None, "closed"),
    ],
)
def test_a_dispute_stands_under_the_payment(status: str, resolution: str | None, expected: str) -> None:
    parsed = parse("paystack", dispute(status, resolution))
    fact = only(parsed, Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("ref_1", "9", 5000)
    assert fact.detail == {"status": expected, "reason": "chargeback"}
    assert only(parsed, Kind.CAPTURED) == only(parse("paystack", charge()), Kind.CAPTURED)


def test_an_unknown_dispute_says_nothing() -> None:
    assert "unknown" in parse("paystack", dispute("archived")).reason
    assert "'something new' is unknown" in parse("paystack", dispute("resolved", "something new")).reason
    other = parse("paystack", {"event": "dedicatedaccount.assign.success", "data": {}})
    assert (other.facts, other.reason) == ((), "it tells of nothing that is read")


@pytest.mark.parametrize("currency", ["XOF", "RWF"])
def test_francs_are_written_a_hundredfold(currency: str) -> None:
    assert only(parse("paystack", charge(currency=currency)), Kind.CAPTURED).amount_minor == 50
    with pytest.raises(AmountError):
        parse("paystack", charge(currency=currency, amount=5050))


BUYER = {"first_name": "Pat", "last_name": None, "email": "pat@example.com", "customer_code": "CUS_1", "phone": ""}
WHO = {"customer_id": "CUS_1", "customer_email": "pat@example.com", "customer_name": "Pat"}
NEXT, NEXT_MS = "2020-10-13T12:26:40.000Z", 1_602_592_000_000


def transfer(status: str, **more: object) -> dict[str, object]:
    own = {"transfer_code": "TRF_1", "status": status, "amount": 5000, "currency": "NGN", "source": "balance"}
    return {"event": "transfer.x", "data": {**own, "updated_at": "2020-09-13T12:27:40.000Z", **more}}


def subscription(status: str, **more: object) -> dict[str, object]:
    own = {"subscription_code": "SUB_1", "status": status, "next_payment_date": NEXT, "customer": BUYER}
    return {"event": "subscription.x", "data": {**own, "plan": {"plan_code": "PLN_1"}, "domain": "test", **more}}


def invoice(name: str, status: str, **more: object) -> dict[str, object]:
    own = {"invoice_code": "INV_1", "status": status, "amount": 5000, "period_end": NEXT, "customer": BUYER}
    plan = {"subscription_code": "SUB_1", "status": "active", "next_payment_date": NEXT}
    paid = {"reference": "ref_1", "status": "success", "amount": 5000, "currency": "NGN"}
    times = {"created_at": "2020-09-13T12:26:40.000Z"}
    return {"event": name, "data": {**own, "subscription": plan, "transaction": paid, **times, **more}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", Kind.PAYOUT_CREATED),
        ("success", Kind.PAYOUT_PAID),
        ("failed", Kind.PAYOUT_FAILED),
        ("reversed", Kind.PAYOUT_FAILED),
    ],
)
def test_a_transfer_is_a_payout(status: str, kind: Kind) -> None:
    fact = only(parse("paystack", transfer(status)), kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("TRF_1", 5000, "NGN", PAID_MS)
    spelled = transfer(status, updated_at=None, updatedAt="2020-09-13T12:27:40.000Z")
    assert only(parse("paystack", spelled), kind) == fact
    assert only(parse("paystack", transfer(status, updated_at=None)), kind).at_ms == NOW_MS + 5


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("active", {"status": "active", "period_end_ms": str(NEXT_MS)}),
        ("non-renewing", {"status": "active", "cancel_at_period_end": "true"}),
        ("attention", {"status": "past_due"}),
        ("completed", {"status": "canceled"}),
        ("complete", {"status": "canceled"}),
        ("cancelled", {"status": "canceled"}),
    ],
)
def test_a_subscriptions_status(status: str, told: dict[str, str]) -> None:
    fact = only(parse("paystack", subscription(status)), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("SUB_1", NOW_MS + 5)
    assert fact.detail == {"plan": "PLN_1", **WHO, **told}


def test_an_invoice_that_is_paid_names_its_payment_and_its_subscription() -> None:
    parsed = parse("paystack", invoice("invoice.update", "success"))
    told = [(fact.aggregate, fact.ref, fact.detail["type"]) for fact in parsed.facts if fact.kind is Kind.LINK]
    assert told == [("ref_1", "INV_1", "invoice"), ("ref_1", "SUB_1", "subscription")]
    fact = only(parsed, Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.amount_minor, fact.currency) == ("INV_1", 5000, "NGN")
    assert fact.detail == {"status": "paid", "subscription_id": "SUB_1", "period_end_ms": str(NEXT_MS), **WHO}
    assert only(parsed, Kind.SUBSCRIPTION_STATE).detail["period_end_ms"] == str(NEXT_MS)
    open_one = parse("paystack", invoice("invoice.create", "pending"))
    assert only(open_one, Kind.INVOICE_STATE).detail["status"] == "open"


def test_an_invoice_that_failed_has_no_currency_and_its_subscription_is_past_due() -> None:
    parsed = parse("paystack", invoice("invoice.payment_failed", "pending", transaction={}))
    assert kinds(parsed) == [Kind.SUBSCRIPTION_STATE]
    assert only(parsed, Kind.SUBSCRIPTION_STATE).detail == {"status": "past_due", **WHO}
    tried = parse("paystack", invoice("invoice.payment_failed", "pending"))
    assert only(tried, Kind.INVOICE_STATE).detail["status"] == "failed"


@pytest.mark.parametrize(("status", "told"), [("pending", "open"), ("success", "paid"), ("failed", "failed")])
def test_a_payment_request_is_an_invoice(status: str, told: str) -> None:
    data = {"request_code": "PRQ_1", "status": status, "amount": 5000, "currency": "NGN", "metadata": {"user_id": 7}}
    fact = only(parse("paystack", {"event": "paymentrequest.x", "data": data}), Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.amount_minor, fact.detail) == ("PRQ_1", 5000, {"status": told, "user_id": "7"})


def test_an_unknown_status_of_the_account_and_a_list_of_cards_say_nothing() -> None:
    request = {"request_code": "PRQ_1", "status": "odd", "amount": 1, "currency": "NGN"}
    for body in (
        transfer("odd"),
        subscription("odd"),
        invoice("invoice.update", "odd"),
        {"event": "paymentrequest.x", "data": request},
    ):
        parsed = parse("paystack", body)
        assert (parsed.facts, parsed.reason) == ((), "its status 'odd' is unknown")
    cards = parse("paystack", {"event": "subscription.expiring_cards", "data": [{"brand": "visa"}]})
    assert (cards.facts, "expire" in cards.reason) == ((), True)


def test_metadata_of_a_browser_says_who_pays_and_that_of_the_server_says_more() -> None:
    said = {"paybell_product": "pro", "user_id": "user_1", "paybell_expected_minor": 5000}
    body = charge(metadata={**said, "paybell_expected_currency": "NGN"})
    doubted = parse("paystack", body)
    assert only(doubted, Kind.PAYMENT_CREATED).detail == {"order_id": "ref_1", "user_id": "user_1"}
    assert Kind.EXPECTED not in kinds(doubted)
    believed = parse("paystack", body, {"trustMetadata": True})
    assert only(believed, Kind.PAYMENT_CREATED).detail["product"] == "pro"
    assert only(believed, Kind.EXPECTED).amount_minor == 5000
    assert only(parse("paystack", charge(metadata=0)), Kind.PAYMENT_CREATED).detail == {"order_id": "ref_1"}
