import json

import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import Request, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, only, parse, request, source

AT, AT_MS = "2025-06-15T15:06:40Z", 1_750_000_000_000


def worth(amount: str, currency: str = "USD", status: str = "CONFIRMED") -> dict[str, object]:
    return {"status": status, "value": {"local": {"amount": amount, "currency": currency}}}


def event(*statuses: str, **more: object) -> dict[str, object]:
    charge = {
        "code": "EXAMPLE1",
        "created_at": "2025-06-15T15:00:00Z",
        "pricing": {"local": {"amount": "50.00", "currency": "USD"}},
        "timeline": [{"status": status, "time": AT} for status in statuses],
        "metadata": {"order_id": "order_1001"},
        **more,
    }
    return {"id": 1, "event": {"id": "evt_1", "type": "charge:x", "data": charge}}


def test_a_delivery_is_known_by_its_events_id_not_by_its_own() -> None:
    first, second = ({**event("NEW"), "id": number} for number in (1, 2))
    keys = set()
    for each in (first, second):
        body = json.dumps(each).encode()
        made = Request(body, ((b"x-cc-webhook-signature", hex_hmac(SECRET, body).encode()),))
        verdict = gateway("coinbase_commerce").verify(made, source("coinbase_commerce"), NOW_MS)
        assert isinstance(verdict, Verified)
        keys.add(verdict.dedupe_key)
    assert keys == {"evt_1"}


@pytest.mark.parametrize(
    ("status", "kind", "ref"),
    [
        ("SIGNED", Kind.PROCESSING, "EXAMPLE1"),
        ("PENDING", Kind.PROCESSING, "EXAMPLE1"),
        ("UNRESOLVED", Kind.REQUIRES_ACTION, "EXAMPLE1"),
        ("FAILED", Kind.FAILED, "EXAMPLE1"),
        ("EXPIRED", Kind.EXPIRED, ""),
        ("CANCELED", Kind.CANCELED, ""),
    ],
)
def test_the_last_of_the_timeline_is_the_status(status: str, kind: Kind, ref: str) -> None:
    parsed = parse("coinbase_commerce", event("NEW", status))
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.at_ms, fact.amount_minor) == ("EXAMPLE1", ref, AT_MS, None)
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.amount_minor, created.currency, created.at_ms) == (5000, "USD", AT_MS - 400_000)
    assert created.detail == {"order_id": "order_1001"}


def test_what_came_is_what_the_confirmed_payments_are_worth() -> None:
    payments = (worth("20.00"), worth("30.01"), worth("7.00", status="PENDING"))
    fact = only(parse("coinbase_commerce", event("NEW", "PENDING", "COMPLETED", payments=payments)), Kind.CAPTURED)
    assert (fact.ref, fact.amount_minor, fact.currency) == ("EXAMPLE1", 5001, "USD")
    without = only(parse("coinbase_commerce", event("NEW", "COMPLETED")), Kind.CAPTURED)
    assert without.amount_minor == 5000


def test_paid_too_late_and_then_accepted_is_one_capture() -> None:
    parsed = parse("coinbase_commerce", event("NEW", "EXPIRED", "UNRESOLVED", "RESOLVED", payments=(worth("49.00"),)))
    assert only(parsed, Kind.CAPTURED).amount_minor == 4900


def test_what_was_accepted_without_saying_how_much_came_is_no_price() -> None:
    for payments in ((), (worth("49.00", status="BRAND_NEW"),)):
        with pytest.raises(MalformedPayload, match="how much"):
            parse("coinbase_commerce", event("NEW", "UNRESOLVED", "RESOLVED", payments=payments))


@pytest.mark.parametrize(
    ("status", "kind"), [("PENDING REFUND", Kind.REFUND_PENDING), ("REFUNDED", Kind.REFUND_SUCCEEDED)]
)
def test_a_refund_is_of_all_that_came(status: str, kind: Kind) -> None:
    parsed = parse("coinbase_commerce", event("NEW", "COMPLETED", status, payments=(worth("50.00"),)))
    fact = only(parsed, kind)
    assert (fact.ref, fact.amount_minor) == ("EXAMPLE1:refund", 5000)
    assert only(parsed, Kind.CAPTURED).amount_minor == 5000


def test_a_price_in_a_cryptocurrency_is_no_amount_asked_and_cannot_be_recorded() -> None:
    pricing = {"local": {"amount": "0.01", "currency": "BTC"}}
    assert only(parse("coinbase_commerce", event("NEW", pricing=pricing)), Kind.PAYMENT_CREATED).amount_minor is None
    with pytest.raises(AmountError):
        parse("coinbase_commerce", event("NEW", "COMPLETED", pricing=pricing))
    with pytest.raises(MalformedPayload):
        parse("coinbase_commerce", event("NEW", "COMPLETED", pricing=None))
    with pytest.raises(MalformedPayload):
        parse("coinbase_commerce", event("COMPLETED", payments=(worth("1.00"), worth("1.00", "EUR"))))


def test_a_new_charge_is_only_started() -> None:
    assert kinds(parse("coinbase_commerce", event("NEW"))) == [Kind.PAYMENT_CREATED]


@pytest.mark.parametrize(
    "body",
    [
        {"ping": True},
        {"event": {"type": "invoice:paid", "data": {}}},
        event(),
        event("BRAND_NEW"),
    ],
)
def test_what_is_no_charge_or_unknown_has_a_reason(body: dict[str, object]) -> None:
    parsed = parse("coinbase_commerce", body)
    assert parsed.facts == ()
    assert parsed.reason


def test_the_pretended_life_of_a_charge() -> None:
    made = pretender("coinbase_commerce").signed("charge:confirmed", amount="12.34", secret=SECRET, at_s=NOW_S)
    assert only(parse("coinbase_commerce", request(made).body), Kind.CAPTURED).amount_minor == 1234
