import json
from datetime import UTC, datetime

import pytest

from paybell.errors import ConfigurationError
from paybell.gateways import gateway
from paybell.model.alias import ids_of
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.asking import money
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source, with_header

# Made by the `openssl` command over login, date and body; the body is that of dLocal's documents.
BODY = (
    b'{"id":"D-4-be8eda8c-5fe7-49dd-8058-4ddaac00611b","amount":72.00,"status":"PAID","status_detail":'
    b'"The payment was paid.","status_code":"200","currency":"USD","country":"AR","payment_method_id":"RP",'
    b'"payment_method_type":"TICKET","payment_method_flow":"REDIRECT","order_id":"4m1OdghPUQtg","notification_url":'
    b'"http://www.merchant.com/notifications","created_date":"2019-06-26T15:17:31.000+0000"}'
)
DATE = b"2019-06-26T15:17:31.000Z"
KNOWN = b"9abe2a1ae6435bf15d5cbdffe6dc6588ae0de54601084e077e4fa6cb5ee457f0"
START = b"V2-HMAC-SHA256, Signature: "
SIGNED_MS = int(datetime(2019, 6, 26, 15, 17, 31, tzinfo=UTC).timestamp() * 1000)


def verdict(*headers: tuple[bytes, bytes], login: str = "xlogin123", body: bytes = BODY) -> object:
    held = source("dlocal", secrets=("dlocal_secret",), options={"xLogin": login})
    return gateway("dlocal").verify(Request(body, headers), held, SIGNED_MS)


@pytest.mark.parametrize("header", [(b"authorization", START + KNOWN), (b"signature", KNOWN)])
def test_a_known_answer_in_either_header(header: tuple[bytes, bytes]) -> None:
    assert isinstance(verdict((b"x-date", DATE), header), Verified)


def test_the_login_is_the_sources_whatever_the_request_says() -> None:
    good = ((b"x-date", DATE), (b"signature", KNOWN))
    assert isinstance(verdict(*good, (b"x-login", b"somebody")), Verified)
    assert isinstance(verdict(*good, (b"x-login", b"xlogin123"), login="another"), Refused)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (((b"x-date", DATE),), RefusalReason.HEADER_MISSING),
        (((b"signature", KNOWN),), RefusalReason.HEADER_MISSING),
        (((b"x-date", DATE), (b"authorization", KNOWN)), RefusalReason.MALFORMED_SIGNATURE),
        (((b"x-date", DATE), (b"authorization", b"Basic x")), RefusalReason.MALFORMED_SIGNATURE),
        (((b"x-date", b"today"), (b"signature", KNOWN)), RefusalReason.TIMESTAMP_MALFORMED),
        (((b"x-date", b"2019-06-26T15:17:32.000Z"), (b"signature", KNOWN)), RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_a_request_is_refused(headers: tuple[tuple[bytes, bytes], ...], reason: RefusalReason) -> None:
    refused = verdict(*headers)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_a_date_long_ago_is_refused() -> None:
    made = request(pretender("dlocal").signed("payment.PAID", at_s=NOW_S))
    refused = gateway("dlocal").verify(made, source("dlocal"), NOW_MS + 301_000)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TIMESTAMP_TOO_OLD
    assert isinstance(gateway("dlocal").verify(with_header(made, "x-login", None), source("dlocal"), NOW_MS), Verified)


def thing(status: str, **more: object) -> Parsed:
    own = {"id": "D-1", "amount": 50.25, "currency": "BRL", "status": status, "status_code": "300", "order_id": "o-1"}
    dates = {"created_date": "2025-06-15T15:05:40.000+0000", "approved_date": "2025-06-15T15:06:40.000+0000"}
    return parse("dlocal", json.dumps({**own, **dates, "status_detail": "Words.", **more}).encode())


@pytest.mark.parametrize(
    ("status", "kind", "ref"),
    [
        ("PENDING", Kind.PROCESSING, "D-1"),
        ("AUTHORIZED", Kind.AUTHORIZED, "D-1"),
        ("PAID", Kind.CAPTURED, "D-1"),
        ("REJECTED", Kind.FAILED, "D-1"),
        ("CANCELLED", Kind.CANCELED, ""),
        ("EXPIRED", Kind.EXPIRED, ""),
    ],
)
def test_a_payments_status_is_one_fact(status: str, kind: Kind, ref: str) -> None:
    parsed = thing(status, payer={"name": "Pat Example", "email": "pat@example.com"})
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    assert money(only(parsed, kind)) == ("D-1", ref, 5025, "BRL")
    assert only(parsed, kind).at_ms == NOW_MS
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert created.at_ms == NOW_MS - 60_000
    assert created.detail == {"order_id": "o-1", "customer_name": "Pat Example", "customer_email": "pat@example.com"}


def test_a_capture_is_joined_to_what_it_names_as_its_authorisation() -> None:
    parsed = thing("PAID", id="D-2", authorization_id="D-1", amount=20)
    assert kinds(parsed) == [Kind.CAPTURED, Kind.LINK]
    assert money(only(parsed, Kind.CAPTURED)) == ("D-2", "D-2", 2000, "BRL")
    assert ids_of((*thing("AUTHORIZED").facts, *parsed.facts)) == ("D-1", "D-2")
    state = project((*thing("AUTHORIZED").facts, *parsed.facts))
    assert (state.status, state.amount_minor, state.captured_minor) == ("partially_captured", 5025, 2000)
    assert state.order_id == "o-1"


@pytest.mark.parametrize("status", ["REJECTED", "CANCELLED", "EXPIRED"])
def test_a_capture_that_came_to_nothing_leaves_its_authorisation(status: str) -> None:
    parsed = thing(status, id="D-2", authorization_id="D-1")
    assert project((*thing("AUTHORIZED").facts, *parsed.facts)).status == "authorized"


def test_a_failure_says_why() -> None:
    assert only(thing("REJECTED"), Kind.FAILED).detail == {"failure_code": "300", "failure_message": "Words."}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("PENDING", Kind.REFUND_PENDING),
        ("SUCCESS", Kind.REFUND_SUCCEEDED),
        ("REJECTED", Kind.REFUND_FAILED),
        ("CANCELLED", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind) -> None:
    parsed = thing(status, id="REF-1", payment_id="D-1", amount=7)
    assert kinds(parsed) == [kind]
    assert money(only(parsed, kind)) == ("D-1", "REF-1", 700, "BRL")


@pytest.mark.parametrize(
    ("code", "expected"),
    [(100, "open"), (200, "open"), ("201", "open"), (202, "lost"), ("700", "won"), (800, "warning")],
)
def test_a_chargebacks_code_decides(code: object, expected: str) -> None:
    fact = only(thing("COMPLETED", id="CHAR-1", payment_id="D-1", status_code=code), Kind.DISPUTE_STATUS)
    assert (money(fact)[:2], fact.detail) == (("D-1", "CHAR-1"), {"status": expected, "reason": "Words."})


@pytest.mark.parametrize(("amount", "currency", "minor"), [(1500, "CLP", 1500), ("1.5", "USD", 150)])
def test_amounts_are_major_units_of_their_currency(amount: object, currency: str, minor: int) -> None:
    assert only(thing("PAID", amount=amount, currency=currency), Kind.CAPTURED).amount_minor == minor


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("PENDING", Kind.PAYOUT_CREATED),
        ("PAID", Kind.PAYOUT_PAID),
        ("CANCELLED", Kind.PAYOUT_CANCELED),
        ("REJECTED", Kind.PAYOUT_FAILED),
    ],
)
def test_a_payout_is_no_payment(status: str, kind: Kind) -> None:
    parsed = thing(status, id="PO-4-1", last_updated="2025-06-15T15:06:41.000+0000", flow_type="B2C")
    assert kinds(parsed) == [kind]
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("PO-4-1", 5025, "BRL", NOW_MS + 1000)
    ended = status in {"CANCELLED", "REJECTED"}
    assert fact.detail == ({"failure_code": "300", "failure_message": "Words."} if ended else {})
    assert thing("ON_HOLD", id="PO-4-1").facts == ()


@pytest.mark.parametrize("more", [{"status": "VERIFIED"}, {"status": ""}, {"currency": None}, {"payment_id": "D-1"}])
def test_what_is_unknown_is_unmapped_with_a_reason(more: dict[str, object]) -> None:
    parsed = thing("PAID", **more) if "status" not in more else thing(str(more["status"]))
    assert parsed.facts == ()
    assert parsed.reason


def test_the_login_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="'xLogin'"):
        gateway("dlocal").check(source("dlocal", options={}))
