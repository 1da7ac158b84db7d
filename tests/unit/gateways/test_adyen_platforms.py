import pytest

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from tests.unit.gateways.sources import NOW_MS, only, parse, source

KEY = "0f1e2d3c4b5a6978" * 4
BODY = b'{"event":"x"}'
SIGNATURE = b"nOp4dfPP74CFGBFnuGXkNArKlRGVV+5bBAJ3j7Kh6FY="
AT_MS = 1_735_738_210_000


def verdict(*headers: tuple[bytes, bytes]) -> object:
    return gateway("adyen_platforms").verify(Request(BODY, headers), source("adyen_platforms", secrets=(KEY,)), NOW_MS)


def transfer(status: str, kind: str, **more: object) -> dict[str, object]:
    data = {
        "id": "TR1",
        "category": "platformPayment",
        "type": kind,
        "status": status,
        "amount": {"value": 2270, "currency": "EUR"},
        "categoryData": {
            "pspPaymentReference": "PAY1",
            "modificationPspReference": "OP1",
            "paymentMerchantReference": "order_1",
        },
        **more,
    }
    return {
        "type": "balancePlatform.transfer.updated",
        "environment": "test",
        "timestamp": "2025-01-01T14:30:10+01:00",
        "data": data,
    }


def test_a_known_answer() -> None:
    # The figure is that of the `openssl` command, with the key in hex.
    assert isinstance(verdict((b"hmacsignature", SIGNATURE)), Verified)
    assert isinstance(verdict((b"hmacsignature", SIGNATURE), (b"protocol", b"none")), Verified)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (b"A" * 44, RefusalReason.MALFORMED_SIGNATURE),
        (b"MismatchingHmacKey=", RefusalReason.MALFORMED_SIGNATURE),
        (b"A" * 43 + b"=", RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_refusals(value: bytes, reason: RefusalReason) -> None:
    refused = verdict((b"hmacsignature", value))
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_a_secret_that_is_not_hex_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not in hex"):
        gateway("adyen_platforms").check(source("adyen_platforms", secrets=("xyz",)))


@pytest.mark.parametrize(
    ("kind", "status", "fact_kind"),
    [
        ("payment", "authorised", Kind.AUTHORIZED),
        ("capture", "captured", Kind.CAPTURED),
        ("refund", "refundPending", Kind.REFUND_PENDING),
        ("refund", "refunded", Kind.REFUND_SUCCEEDED),
    ],
)
def test_a_platform_payments_transfer_is_a_part_of_the_payment(kind: str, status: str, fact_kind: Kind) -> None:
    parsed = parse("adyen_platforms", transfer(status, kind))
    fact = only(parsed, fact_kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("PAY1", "TR1", 2270, AT_MS)
    assert fact.detail == {"order_id": "order_1"}
    assert parsed.livemode is False


@pytest.mark.parametrize(
    ("status", "expected"), [("chargeback", "open"), ("chargebackReversed", "won"), ("secondChargeback", "lost")]
)
def test_a_chargebacks_transfers_are_one_dispute(status: str, expected: str) -> None:
    fact = only(parse("adyen_platforms", transfer(status, "chargeback")), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail) == ("PAY1", "OP1", {"status": expected})


@pytest.mark.parametrize(
    "body",
    [
        transfer("authorised", "capture"),
        transfer("received", "payment"),
        transfer("captured", "capture", category="bank"),
        transfer("captured", "capture", categoryData={}),
        {"type": "merchant.created", "environment": "live", "data": {"status": "PreActive"}},
        {"type": "balancePlatform.dispute.created", "data": {"id": "DS1", "disputedAmount": {"value": 1}}},
        {"type": "balancePlatform.accountHolder.created"},
    ],
)
def test_what_is_no_payment_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("adyen_platforms", body)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize("body", [{}, transfer("captured", "capture", id=None)])
def test_a_body_that_names_nothing_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        parse("adyen_platforms", body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("received", Kind.PAYOUT_CREATED),
        ("authorised", Kind.PAYOUT_CREATED),
        ("booked", Kind.PAYOUT_PAID),
        ("credited", Kind.PAYOUT_PAID),
        ("returned", Kind.PAYOUT_FAILED),
        ("failed", Kind.PAYOUT_FAILED),
        ("cancelled", Kind.PAYOUT_CANCELED),
    ],
)
def test_a_transfer_to_a_bank_is_a_payout(status: str, kind: Kind) -> None:
    body = transfer(status, "bankTransfer", category="bank", direction="outgoing", categoryData={}, reason="why")
    fact = only(parse("adyen_platforms", body), kind)
    plain = only(parse("adyen_platforms", transfer("captured", "capture")), Kind.CAPTURED)
    assert (fact.aggregate, fact.amount_minor, fact.currency) == (plain.ref, plain.amount_minor, plain.currency)
    assert fact.detail == ({"failure_code": "why"} if kind is Kind.PAYOUT_FAILED else {})


@pytest.mark.parametrize(("status", "direction"), [("brand_new", "outgoing"), ("booked", "incoming")])
def test_money_that_comes_from_a_bank_is_no_payout(status: str, direction: str) -> None:
    parsed = parse("adyen_platforms", transfer(status, "bankTransfer", category="bank", direction=direction))
    assert parsed.facts == ()
    assert parsed.reason
