import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, SECRET, kinds, only, parse, source

BODY = b'{"event":"x"}'
SIGNATURE = b"3Un1N6FbiB3/4yr2NzSALW5tuI4jai6o7jxojFxSQOA="


def verdict(value: bytes) -> Verdict:
    made = Request(BODY, ((b"authorization", value),))
    return gateway("klarna_legacy").verify(made, source("klarna_legacy", secrets=(SECRET,)), NOW_MS)


def order(status: str, **more: object) -> dict[str, object]:
    return {"reference": "ref_1", "order_amount": 5000, "purchase_currency": "SEK", "status": status, **more}


def test_a_known_answer() -> None:
    # The figure is that of the `openssl` command, over the body with the secret after it.
    assert isinstance(verdict(b"Klarna " + SIGNATURE), Verified)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (SIGNATURE, RefusalReason.MALFORMED_SIGNATURE),
        (b"Bearer " + SIGNATURE, RefusalReason.MALFORMED_SIGNATURE),
        (b"Klarna " + SIGNATURE[:-1], RefusalReason.MALFORMED_SIGNATURE),
        (b"Klarna " + b"A" * 43 + b"=", RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_refusals(value: bytes, reason: RefusalReason) -> None:
    refused = verdict(value)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_header_is_stored_masked() -> None:
    assert gateway("klarna_legacy").about.secret_headers == {b"authorization"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("checkout_incomplete", [Kind.PAYMENT_CREATED]),
        ("checkout_complete", [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]),
        ("created", [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]),
    ],
)
def test_a_complete_order_is_reserved_and_not_captured(status: str, expected: list[Kind]) -> None:
    parsed = parse("klarna_legacy", order(status, merchant_reference={"orderid1": "order_1"}))
    assert kinds(parsed) == expected
    assert {(fact.aggregate, fact.amount_minor, fact.at_ms) for fact in parsed.facts} == {("ref_1", 5000, NOW_MS + 5)}
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "order_1"}


def test_an_order_as_the_api_has_it() -> None:
    cart = {"total_price_including_tax": 700}
    body = order("created", order_amount=None, cart=cart, completed_at="2014-01-01T00:00:00Z")
    fact = only(parse("klarna_legacy", body), Kind.AUTHORIZED)
    assert (fact.amount_minor, fact.ref, fact.at_ms) == (700, "ref_1", 1_388_534_400_000)


def test_an_unknown_status_is_unmapped_with_a_reason() -> None:
    parsed = parse("klarna_legacy", order("brand_new"))
    assert (parsed.facts, parsed.event) == ((), "brand_new")
    assert "brand_new" in parsed.reason


@pytest.mark.parametrize("body", [b"", {}, order("created", reference=None)])
def test_a_body_without_what_every_order_has_is_malformed(body: object) -> None:
    with pytest.raises(MalformedPayload):
        parse("klarna_legacy", body)


def test_an_amount_is_needed() -> None:
    with pytest.raises(AmountError):
        parse("klarna_legacy", order("created", order_amount=None))
