import json

import pytest

from paybell.errors import MalformedPayload
from paybell.gateways.mollie_next_gen import MollieNextGen
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Notification, Origin, RefusalReason, Refused, Request, Verdict, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from paybell.testing.samples.mollie import mollie_payment, mollie_refund
from tests.unit.gateways.sources import SECRET, kinds, notification, only, parse, source

MOLLIE = MollieNextGen()
BODY = b'{"id":"tr_12345","event_type":"payment-link.paid"}'
KNOWN = b"e479a5e4aaa17db94cfc546071e10e91c0b37f21e464e751ebdd7d7ad2ffd146"
KEY = {"apiKey": "test_not_a_real_key"}


def judged(*values: bytes, body: bytes = BODY, secrets: tuple[str, ...] = ("test_webhook_secret",)) -> Verdict:
    made = Request(body, tuple((b"x-mollie-signature", value) for value in values))
    return MOLLIE.verify(made, source("mollie_next_gen", secrets=secrets), 0)


def accepted(event: object) -> Verdict:
    body = json.dumps(event).encode()
    return judged(hex_hmac(SECRET, body).encode(), body=body, secrets=(SECRET,))


def event(kind: str, entity_id: str, entity: object = None) -> dict[str, object]:
    said: dict[str, object] = {"resource": "event", "id": "whev_1", "type": kind, "entityId": entity_id}
    return said if entity is None else {**said, "_embedded": {"entity": entity}}


def poll(body: object, subject: str) -> Notification:
    return notification(json.dumps(body).encode(), origin=Origin.POLL, headers=(("paybell-subject", subject),))


def answered(body: object, subject: str) -> Parsed:
    return MOLLIE.parse(poll(body, subject), source("mollie_next_gen"))


@pytest.mark.parametrize(
    "values",
    [
        (KNOWN,),
        (b"sha256=" + KNOWN,),
        (b"sha256=" + b"0" * 64, b"sha256=" + KNOWN),
        (b"sha256=" + b"0" * 64 + b", sha256=" + KNOWN,),
        (b"nonsense", KNOWN),
    ],
)
def test_any_right_signature_will_do(values: tuple[bytes, ...]) -> None:
    # The figure is that of the `openssl` command for the body and secret in the PHP SDK's own test.
    assert isinstance(judged(*values), Verified)
    assert isinstance(judged(*values, secrets=("new", "test_webhook_secret")), Verified)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((), RefusalReason.HEADER_MISSING),
        ((b"",), RefusalReason.HEADER_MISSING),
        ((b"invalid_signature",), RefusalReason.MALFORMED_SIGNATURE),
        ((b"sha512=" + KNOWN,), RefusalReason.MALFORMED_SIGNATURE),
        ((b"sha256=" + b"0" * 64,), RefusalReason.SIGNATURE_MISMATCH),
        ((b"0" * 64,) * 16 + (KNOWN,), RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_others_are_refused(values: tuple[bytes, ...], reason: RefusalReason) -> None:
    refused = judged(*values)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_a_snapshot_is_believed_and_what_has_none_is_a_hint() -> None:
    payment = mollie_payment("tr_1", "paid", "10.00")
    assert accepted(event("payment.paid", "tr_1", payment)) == Verified("whev_1")
    assert accepted(event("payment.paid", "tr_1")) == Hint("whev_1")
    assert accepted(event("payment-link.paid", "pl_1", {"resource": "payment-link"})) == Hint("whev_1")
    assert accepted(event("payment-link.created", "pl_1", {"resource": "payment-link"})) == Verified("whev_1")
    assert accepted(event("refund.refunded", "re_1")) == Verified("whev_1")
    bare = accepted(payment)
    assert isinstance(bare, Verified)
    assert bare.dedupe_key.startswith("sha256:")  # its id is the payment's, which has other snapshots


@pytest.mark.parametrize("bare", [False, True])
def test_a_payments_snapshot(bare: bool) -> None:  # noqa: FBT001 - a case
    payment = mollie_payment("tr_1", "paid", "10.00", mode="live")
    parsed = parse("mollie_next_gen", payment if bare else event("payment.paid", "tr_1", payment))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.CAPTURED]
    assert (parsed.event, parsed.livemode) == ("payment" if bare else "payment.paid", True)


def test_a_refunds_snapshot_reaches_its_payment() -> None:
    refund = mollie_refund("re_1", "tr_1", "refunded", "4.00")
    for body in (refund, event("refund.refunded", "re_1", refund)):
        fact = only(parse("mollie_next_gen", body), Kind.REFUND_SUCCEEDED)
        assert (fact.aggregate, fact.ref, fact.amount_minor) == ("tr_1", "re_1", 400)
    assert parse("mollie_next_gen", {**refund, "paymentId": None}).reason


def test_the_pretended_chargeback_is_a_lost_dispute() -> None:
    signed = pretender("mollie_next_gen").signed("chargeback.received", payment_id="tr_7", at_s=1_750_000_000)
    fact = only(parse("mollie_next_gen", signed.body), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.amount_minor, fact.detail["status"]) == ("tr_7", 10_000, "lost")


@pytest.mark.parametrize(
    "body",
    [
        event("profile.blocked", "pfl_1", {"resource": "profile", "id": "pfl_1"}),
        event("payment-link.paid", "pl_1"),
        {"id": "tr_12345", "event_type": "payment-link.paid"},
        event("x", "y", {}),
    ],
)
def test_what_is_about_no_payment_is_unmapped_with_a_reason(body: object) -> None:
    parsed = parse("mollie_next_gen", body)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (event("payment.paid", "tr_1"), "/v2/payments/tr_1?embed=captures,refunds,chargebacks"),
        (event("payment-link.paid", "pl_1"), "/v2/payment-links/pl_1/payments"),
    ],
)
def test_what_is_asked(body: object, path: str) -> None:
    made = notification(json.dumps(body).encode())
    plan = MOLLIE.plan_fetch(made, source("mollie_next_gen", options=KEY))
    assert plan is not None
    assert plan.url == "https://api.mollie.com" + path
    assert MOLLIE.plan_fetch(made, source("mollie_next_gen")) is None


def test_what_names_nothing_cannot_be_asked_about() -> None:
    with pytest.raises(MalformedPayload):
        MOLLIE.plan_fetch(notification(b'{"entityId": "tr_1/../x"}'), source("mollie_next_gen", options=KEY))


def test_the_answers_about_a_payment_and_about_a_links_payments() -> None:
    payment = mollie_payment("tr_1", "paid", "10.00")
    other = mollie_payment("tr_2", "failed", "10.00")
    one, listed = answered(payment, "tr_1"), answered({"_embedded": {"payments": [payment, other]}}, "pl_1")
    assert one.facts == tuple(fact for fact in listed.facts if fact.aggregate == "tr_1")
    assert {fact.aggregate for fact in listed.facts} == {"tr_1", "tr_2"}
    for body, subject in (({"_embedded": {"payments": []}}, "pl_1"), (payment, "tr_2")):
        nothing = answered(body, subject)
        assert (nothing.facts, nothing.final) == ((), False)
        assert nothing.reason


def test_equal_answers_have_equal_keys() -> None:
    def key(*statuses: str) -> str:
        found = [mollie_payment("tr_1", status, "10.00") for status in statuses]
        return MOLLIE.fetched_key("pl_1", json.dumps({"_embedded": {"payments": found}}).encode())

    assert key("paid") == key("paid")
    assert len({key("paid"), key("failed"), key("failed", "paid"), key()}) == 4
