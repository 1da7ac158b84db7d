import json
from urllib.parse import parse_qs

import pytest

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.flutterwave_v4 import GATEWAY
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request, Verdict
from paybell.ports import FetchPlan
from tests.unit.gateways.sources import NOW_MS, kinds, notification, only, source

BODY = b'{"a":1}'
# By `openssl dgst -sha256 -hmac hash1 -binary | base64`.
SIGNATURE = b"QRiGVlkBUnoSevtjLgBBcsvCfe7NdhstoGxfN3pRRR4="
KEYS = {"clientId": "client_1", "clientSecret": "not/a"}


def verdict(*values: bytes, body: bytes = BODY) -> Verdict:
    made = Request(body, tuple((b"flutterwave-signature", value) for value in values))
    return GATEWAY.verify(made, source("flutterwave_v4", secrets=("hash1",)), NOW_MS)


def plan(body: object, **options: str) -> FetchPlan | None:
    return GATEWAY.plan_fetch(notification(json.dumps(body).encode()), source("flutterwave_v4", options=options))


def hint(kind: str = "charge.completed", named: object = "chg_1") -> dict[str, object]:
    return {"webhook_id": "wbk_1", "type": kind, "data": {"id": named, "status": "succeeded"}}


def charge(status: str = "succeeded", **more: object) -> dict[str, object]:
    own = {
        "id": "chg_1",
        "amount": 100.5,
        "currency": "NGN",
        "status": status,
        "reference": "order_1",
        "customer": "cus_1",
        "payment_method_details": {"type": "card"},
        "processor_response": {"type": "declined", "code": "05"},
        "created_datetime": "2020-09-13T12:26:40Z",
    }
    return {"status": "success", "message": "fetched", "data": {**own, **more}}


def refund(status: str = "succeeded", **more: object) -> dict[str, object]:
    own = {"id": "rfd_1", "charge_id": "chg_1", "amount_refunded": 20.25, "status": status}
    return {"status": "success", "data": {**own, **more}}


def answered(body: object, subject: str = "chg_1", **options: str) -> Parsed:
    made = notification(json.dumps(body).encode(), origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return GATEWAY.parse(made, source("flutterwave_v4", options=options))


def test_a_known_answer_is_no_more_than_a_hint() -> None:
    assert isinstance(verdict(SIGNATURE), Hint)


@pytest.mark.parametrize(
    ("values", "body", "reason"),
    [
        ((), BODY, RefusalReason.HEADER_MISSING),
        ((b"hash1",), BODY, RefusalReason.MALFORMED_SIGNATURE),
        ((SIGNATURE,), b'{"a":2}', RefusalReason.SIGNATURE_MISMATCH),
    ],
    ids=["none", "the secret hash itself", "another body"],
)
def test_why_it_is_refused(values: tuple[bytes, ...], body: bytes, reason: RefusalReason) -> None:
    refused = verdict(*values, body=body)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_what_is_asked_and_how_to_log_in() -> None:
    assert plan(hint()) is None
    asked = plan(hint(), **KEYS)
    assert asked is not None
    assert (asked.url, asked.subject) == ("https://f4bexperience.flutterwave.com/charges/chg_1", "chg_1")
    assert asked.login is not None
    assert asked.login.url == "https://idp.flutterwave.com/realms/flutterwave/protocol/openid-connect/token"
    assert parse_qs(asked.login.body.decode()) == {
        "client_id": ["client_1"],
        "client_secret": ["not/a"],
        "grant_type": ["client_credentials"],
    }
    again = plan(hint("refund.completed", "rfd_1"), **KEYS, baseUrl="https://api.example.com/")
    assert again is not None
    assert (again.url, again.subject) == ("https://api.example.com/refunds/rfd_1", "refund:rfd_1")


@pytest.mark.parametrize(
    "body", [hint("transfer.disburse"), hint(named=None), hint(named="../x"), {"type": "charge.completed"}]
)
def test_what_cannot_be_asked_about(body: object) -> None:
    with pytest.raises(MalformedPayload):
        plan(body, **KEYS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clientId": "client_1"}, "go together"),
        ({"clientSecret": "secret"}, "go together"),
        ({"loginUrl": "http://example.com"}, "loginUrl"),
        ({"refundCurrency": "naira"}, "refundCurrency"),
    ],
)
def test_unfit_options(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        GATEWAY.check(source("flutterwave_v4", options=options))


def test_a_hint_itself_says_nothing() -> None:
    parsed = GATEWAY.parse(notification(json.dumps(hint()).encode()), source("flutterwave_v4"))
    assert (parsed.facts, "hint" in parsed.reason) == ((), True)


@pytest.mark.parametrize("customer", ["cus_1", {"id": "cus_1", "email": "pat@example.com"}])
def test_a_charge_that_succeeded_is_paid(customer: object) -> None:
    parsed = answered(charge(customer=customer))
    captured, created = only(parsed, Kind.CAPTURED), only(parsed, Kind.PAYMENT_CREATED)
    assert (captured.aggregate, captured.ref, captured.amount_minor) == ("chg_1", "chg_1", 10_050)
    assert captured.at_ms == 1_600_000_000_000
    email = {"customer_email": "pat@example.com"} if isinstance(customer, dict) else {}
    assert created.detail == {"order_id": "order_1", "customer_id": "cus_1", "method": "card", **email}


@pytest.mark.parametrize(
    ("status", "found", "final"),
    [
        ("failed", [Kind.PAYMENT_CREATED, Kind.FAILED], True),
        ("pending", [Kind.PAYMENT_CREATED, Kind.PROCESSING], False),
        ("odd", [], False),
    ],
)
def test_other_statuses(status: str, found: list[Kind], final: bool) -> None:  # noqa: FBT001 - a row of the table
    parsed = answered(charge(status))
    assert (kinds(parsed), parsed.final) == (found, final)
    if status == "failed":
        assert only(parsed, Kind.FAILED).detail == {"failure_code": "05", "failure_message": "declined"}


def test_an_answer_about_nothing_or_something_else_says_nothing() -> None:
    for body in ({"status": "failed", "data": None}, charge(id="chg_2")):
        parsed = answered(body)
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("succeeded", Kind.REFUND_SUCCEEDED),
        ("completed", Kind.REFUND_SUCCEEDED),
        ("new", Kind.REFUND_PENDING),
        ("cancelled", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_charge(status: str, kind: Kind) -> None:
    fact = only(answered(refund(status), "refund:rfd_1", refundCurrency="NGN"), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("chg_1", "rfd_1", 2025, NOW_MS + 5)


def test_a_refund_without_a_currency_is_not_guessed() -> None:
    assert "refundCurrency" in answered(refund(), "refund:rfd_1").reason
    assert "unknown" in answered(refund("odd"), "refund:rfd_1").reason


def test_answers_that_say_the_same_have_the_same_key() -> None:
    def key(body: object, subject: str = "chg_1") -> str:
        return GATEWAY.fetched_key(subject, json.dumps(body).encode())

    one = key(charge())
    assert one == key(charge(reference="another"))
    others = [key(charge("failed")), key(charge(amount=1)), key(charge(), "chg_2"), key({"status": "failed"})]
    assert len({one, *others}) == 5
