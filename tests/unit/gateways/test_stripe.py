import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import SignatureVerificationError, WebhookSignature

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, only, parse, request, source

AT_S = 1_700_000_100


def event(
    thing: Mapping[str, object], kind: str = "some.event", more: Mapping[str, object] | None = None
) -> dict[str, object]:
    return {"id": "evt_1", "object": "event", "created": AT_S, "type": kind, "data": {"object": thing}, **(more or {})}


def intent(status: str, **more: object) -> dict[str, object]:
    own = {"id": "pi_1", "object": "payment_intent", "amount": 5000, "currency": "usd", "created": AT_S - 60}
    return {**own, "status": status, **more}


def charge(**more: object) -> dict[str, object]:
    own = {"id": "ch_1", "object": "charge", "amount": 5000, "currency": "usd", "created": AT_S - 30}
    return {**own, "status": "succeeded", "captured": True, "payment_intent": "pi_1", **more}


def signed_at(t: object, body: bytes = b'{"id":"evt_1"}', secret: str = SECRET) -> Request:
    digest = hex_hmac(secret, f"{t}.".encode() + body)
    return Request(body, ((b"stripe-signature", f"t={t},v1={digest}".encode()),))


def judged(made: Request, now_s: float = NOW_S, **options: object) -> Verdict:
    return gateway("stripe").verify(made, source("stripe", options=options), int(now_s * 1000))


def reason(answer: Verdict) -> RefusalReason:
    assert isinstance(answer, Refused)
    return answer.reason


# ------------------------------------------------------------------------------------------------- verify


def test_a_known_answer() -> None:
    # The digest was computed by Stripe's formula with the `openssl` command, outside this program.
    made = Request(b'{"id":"evt_1"}', ((b"stripe-signature", b"t=1700000000,v1=" + KNOWN.encode()),))
    assert judged(made, 1_700_000_000) == Verified("evt_1")


KNOWN = "3b10f9dd9410ece3269e932870e04be56ee7f39cdfd3859d25b08fff5db0f351"


def test_the_time_is_judged_both_ways_to_the_second() -> None:
    made = signed_at(NOW_S)
    assert isinstance(judged(made, NOW_S + 300), Verified)
    assert isinstance(judged(made, NOW_S - 300), Verified)
    assert reason(judged(made, NOW_S + 301)) is RefusalReason.TIMESTAMP_TOO_OLD
    assert reason(judged(made, NOW_S - 301)) is RefusalReason.TIMESTAMP_IN_FUTURE
    assert reason(judged(made, NOW_S + 11, toleranceSeconds=10)) is RefusalReason.TIMESTAMP_TOO_OLD


@pytest.mark.parametrize("t", ["", "x", "-1", "1.5", "1e9", "\u0661", "9" * 14])
def test_a_signed_time_that_is_no_number_is_refused(t: str) -> None:
    digest = hex_hmac(SECRET, f"{t}.{{}}".encode())
    made = Request(b"{}", ((b"stripe-signature", f"t={t},v1={digest}".encode()),))
    assert reason(judged(made)) is RefusalReason.TIMESTAMP_MALFORMED


def test_any_v1_of_several_counts_and_v0_never() -> None:
    good = hex_hmac(SECRET, f"{NOW_S}.{{}}".encode())
    for header, believed in (
        (f"t={NOW_S},v1=bad,v1={good}", True),
        (f"t={NOW_S},v1={good},v1=bad", True),
        (f"v1={'0' * 64}, v1={good.upper()} ,t={NOW_S}", True),
        (f"t={NOW_S},v0={good}", False),
        (f"t={NOW_S},v1=bad", False),
        (f"t={NOW_S},t={NOW_S},v1={good}", False),
        (f"v1={good}", False),
    ):
        made = Request(b"{}", ((b"stripe-signature", header.encode()),))
        assert isinstance(judged(made), Verified) is believed, header


def test_the_dedupe_key_is_the_signed_id_else_the_bodys_hash() -> None:
    assert judged(signed_at(NOW_S)) == Verified("evt_1")
    for body in (b"{}", b"not json", b'{"id":7}', b'{"id":"a\\u0000b"}', b'{"id":""}', b'{"id":"' + b"x" * 300 + b'"}'):
        answer = judged(signed_at(NOW_S, body))
        assert isinstance(answer, Verified)
        assert answer.dedupe_key.startswith("sha256:")
        assert len(answer.dedupe_key) == 71


@given(st.text(max_size=60), st.text(min_size=1, max_size=20), st.integers(NOW_S - 300, NOW_S))
def test_stripes_sdk_believes_what_we_sign_and_we_what_it_signs(body: str, secret: str, t: int) -> None:
    theirs = WebhookSignature._compute_signature(f"{t}.{body}", secret)
    assert theirs == hex_hmac(secret, f"{t}.{body}".encode())
    made = Request(body.encode(), ((b"stripe-signature", f"t={t},v1={theirs}".encode()),))
    assert isinstance(gateway("stripe").verify(made, source("stripe", secrets=(secret,)), NOW_MS), Verified)


@given(st.sampled_from(pretender("stripe").events), st.booleans())
def test_stripes_sdk_agrees_on_pretended_events(name: str, altered: bool) -> None:  # noqa: FBT001 - drawn
    made = pretender("stripe").signed(name, secret=SECRET, at_s=NOW_S)
    body = made.body + b" " if altered else made.body
    header = dict(made.headers)["stripe-signature"]
    try:
        WebhookSignature.verify_header(body.decode(), header, SECRET)
        theirs = True
    except SignatureVerificationError:
        theirs = False
    ours = judged(Request(body, request(made).headers))
    assert isinstance(ours, Verified) is theirs is not altered


def test_an_api_key_is_not_taken_for_a_signing_secret() -> None:
    with pytest.raises(ConfigurationError, match="whsec_") as caught:
        gateway("stripe").check(source("stripe", secrets=("sk_test_0123",)))
    assert "0123" not in str(caught.value)
    gateway("stripe").check(source("stripe", secrets=()))


@pytest.mark.parametrize("value", [0, -1, True, "300", 1.5, 86_401, None])
def test_an_unfit_tolerance_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="toleranceSeconds"):
        gateway("stripe").check(source("stripe", options={"toleranceSeconds": value}))


# -------------------------------------------------------------------------------------------------- parse


@pytest.mark.parametrize(
    ("status", "more", "kind", "ref", "amount"),
    [
        ("requires_action", {}, Kind.REQUIRES_ACTION, "", None),
        ("processing", {"latest_charge": "ch_1"}, Kind.PROCESSING, "ch_1", None),
        ("requires_capture", {"latest_charge": "ch_1", "amount_capturable": 4000}, Kind.AUTHORIZED, "ch_1", 4000),
        ("succeeded", {"latest_charge": "ch_1", "amount_received": 5000}, Kind.CAPTURED, "ch_1", 5000),
        ("succeeded", {"latest_charge": {"id": "ch_1"}, "amount_received": 5000}, Kind.CAPTURED, "ch_1", 5000),
        ("succeeded", {"amount_received": 5000}, Kind.CAPTURED_TOTAL, "", 5000),
        ("canceled", {"cancellation_reason": "abandoned"}, Kind.CANCELED, "", None),
    ],
)
def test_an_intents_status_is_one_fact(
    status: str, more: dict[str, object], kind: Kind, ref: str, amount: int | None
) -> None:
    parsed = parse("stripe", event(intent(status, **more)))
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.aggregate, created.at_ms, created.amount_minor) == ("pi_1", (AT_S - 60) * 1000, 5000)
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.at_ms, fact.amount_minor) == ("pi_1", ref, AT_S * 1000, amount)


def test_a_declined_try_names_its_charge_and_its_reason() -> None:
    error = {"charge": "ch_9", "code": "card_declined", "message": "Declined."}
    fact = only(parse("stripe", event(intent("requires_payment_method", last_payment_error=error))), Kind.FAILED)
    assert fact.ref == "ch_9"
    assert fact.detail == {"failure_code": "card_declined", "failure_message": "Declined."}


@pytest.mark.parametrize("status", ["requires_payment_method", "requires_confirmation"])
def test_an_intent_that_nobody_tried_is_only_created(status: str) -> None:
    assert kinds(parse("stripe", event(intent(status, last_payment_error=None)))) == [Kind.PAYMENT_CREATED]


def test_an_old_version_nests_the_charge_and_it_counts() -> None:
    nested = {"data": [charge(id="ch_0", status="failed", captured=False), charge()]}
    fact = only(parse("stripe", event(intent("succeeded", charges=nested))), Kind.CAPTURED)
    assert (fact.ref, fact.amount_minor) == ("ch_1", 5000)


def test_intent_and_charge_report_one_capture_as_one_fact() -> None:
    of_intent = parse("stripe", event(intent("succeeded", latest_charge="ch_1", amount_received=5000)))
    of_charge = parse("stripe", event(charge(amount_captured=5000)))
    assert only(of_intent, Kind.CAPTURED) == only(of_charge, Kind.CAPTURED)


def test_intent_and_charge_report_one_decline_under_one_key() -> None:
    error = {"charge": "ch_1", "code": "card_declined", "message": "No."}
    of_intent = parse("stripe", event(intent("requires_payment_method", last_payment_error=error)))
    failed = charge(status="failed", captured=False, failure_code="card_declined", failure_message="No.")
    assert only(of_intent, Kind.FAILED) == only(parse("stripe", event(failed)), Kind.FAILED)


def test_a_partial_capture_voids_the_rest_and_refunds_nothing() -> None:
    of_charge = parse("stripe", event(charge(amount_captured=3000, amount_refunded=2000)))
    assert Kind.REFUNDED_TOTAL not in kinds(of_charge)
    more = {"latest_charge": "ch_1", "amount_received": 3000, "capture_method": "manual"}
    of_intent = parse("stripe", event(intent("succeeded", **more)))
    for parsed in (of_charge, of_intent):
        assert only(parsed, Kind.CAPTURED).amount_minor == 3000
        assert only(parsed, Kind.VOIDED).amount_minor == 2000


def test_a_charge_that_was_never_captured() -> None:
    held = charge(captured=False)
    assert only(parse("stripe", event(held)), Kind.AUTHORIZED).ref == "ch_1"
    released = charge(captured=False, refunded=True, amount_refunded=5000)
    assert Kind.VOIDED in kinds(parse("stripe", event(released, "charge.refunded")))
    assert Kind.EXPIRED in kinds(parse("stripe", event(released, "charge.expired")))
    assert only(parse("stripe", event(charge(status="pending", captured=False))), Kind.PROCESSING).ref == "ch_1"


def test_a_charge_without_an_intent_is_a_payment_of_its_own() -> None:
    parsed = parse("stripe", event(charge(payment_intent=None)))
    assert {fact.aggregate for fact in parsed.facts} == {"ch_1"}
    assert only(parsed, Kind.PAYMENT_CREATED).at_ms == (AT_S - 30) * 1000


def test_refunds_of_a_charge_and_their_total() -> None:
    plain = parse("stripe", event(charge(amount_refunded=700)))
    assert only(plain, Kind.REFUNDED_TOTAL).amount_minor == 700
    listed = [{"id": "re_1", "amount": 700, "status": "succeeded"}, {"id": "re_2", "amount": 100, "status": "pending"}]
    nested = parse("stripe", event(charge(amount_refunded=800, refunds={"data": listed})))
    assert only(nested, Kind.REFUND_SUCCEEDED).ref == "re_1"
    assert only(nested, Kind.REFUND_PENDING).ref == "re_2"
    assert Kind.REFUNDED_TOTAL not in kinds(nested)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", Kind.REFUND_PENDING),
        ("requires_action", Kind.REFUND_PENDING),
        ("succeeded", Kind.REFUND_SUCCEEDED),
        ("failed", Kind.REFUND_FAILED),
        ("canceled", Kind.REFUND_FAILED),
    ],
)
def test_a_refunds_status(status: str, kind: Kind) -> None:
    refund = {"object": "refund", "id": "re_1", "amount": 700, "currency": "usd", "status": status, "charge": "ch_1"}
    assert only(parse("stripe", event(refund)), kind).aggregate == "ch_1"
    fact = only(parse("stripe", event({**refund, "payment_intent": "pi_1"})), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("pi_1", "re_1", 700)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("warning_needs_response", "warning"),
        ("warning_under_review", "warning"),
        ("warning_closed", "closed"),
        ("needs_response", "open"),
        ("under_review", "open"),
        ("won", "won"),
        ("lost", "lost"),
        ("prevented", "closed"),
    ],
)
def test_a_disputes_status(theirs: str, ours: str) -> None:
    dispute = {"object": "dispute", "id": "dp_1", "amount": 5000, "currency": "usd", "status": theirs}
    charged = {**dispute, "charge": {"id": "ch_1", "payment_intent": "pi_1"}}
    fact = only(parse("stripe", event(charged)), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail["status"]) == ("pi_1", "dp_1", ours)


def test_an_expanded_charge_says_what_was_captured_and_who_paid() -> None:
    expanded = charge(amount_captured=5000, customer={"id": "cus_1", "object": "customer"})
    parsed = parse("stripe", event(intent("succeeded", latest_charge=expanded)))
    assert (only(parsed, Kind.CAPTURED).ref, only(parsed, Kind.CAPTURED).amount_minor) == ("ch_1", 5000)
    alone = parse("stripe", event({**expanded, "payment_intent": {"id": "pi_1", "object": "payment_intent"}}))
    assert only(alone, Kind.CAPTURED).aggregate == "pi_1"
    assert only(alone, Kind.CAPTURED).detail == {"customer_id": "cus_1"}


def test_a_checkout_session_links_and_names_the_order() -> None:
    session = {"object": "checkout.session", "id": "cs_1", "payment_intent": "pi_1", "client_reference_id": "order_1"}
    fact = only(parse("stripe", event(session)), Kind.LINK)
    assert fact.detail == {"type": "session", "order_id": "order_1"}
    assert parse("stripe", event({**session, "payment_intent": None})).reason


@pytest.mark.parametrize("key", ["order_id", "orderId", "order"])
def test_order_and_customer(key: str) -> None:
    more = {"metadata": {key: "order_1"}, "customer": {"id": "cus_1"}, "receipt_email": "pat@example.com"}
    detail = only(parse("stripe", event(intent("requires_action", **more))), Kind.PAYMENT_CREATED).detail
    assert detail == {"order_id": "order_1", "customer_id": "cus_1", "customer_email": "pat@example.com"}


@pytest.mark.parametrize(
    "thing",
    [
        {"object": "invoice"},
        {"object": "plan"},
        {"id": "x"},
        intent("brand_new_status"),
        charge(status="brand_new_status"),
        {"object": "refund", "id": "re_1", "amount": 1, "currency": "usd", "status": "brand_new", "charge": "ch_1"},
        {"object": "dispute", "id": "dp_1", "amount": 1, "currency": "usd", "status": "brand_new", "charge": "ch_1"},
        {"object": "refund", "id": "re_1", "amount": 1, "currency": "usd", "status": "succeeded"},
    ],
)
def test_what_is_unknown_is_unmapped_with_a_reason(thing: dict[str, object]) -> None:
    parsed = parse("stripe", event(thing))
    assert parsed.facts == ()
    assert parsed.reason


def test_a_thin_event_is_unmapped() -> None:
    assert "thin" in parse("stripe", {"id": "evt_1", "object": "v2.core.event", "type": "v1.x"}).reason


@pytest.mark.parametrize(("more", "livemode"), [({"livemode": True}, True), ({"livemode": False}, False), ({}, None)])
def test_livemode_is_what_the_event_says(more: dict[str, object], livemode: bool | None) -> None:  # noqa: FBT001
    assert parse("stripe", event(intent("requires_action"), more=more)).livemode is livemode


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {}},
        {"data": {"object": []}},
        event(intent("canceled"), more={"created": None}),
        event(intent("canceled"), more={"created": 1.5}),
        event(intent("canceled", id=None)),
        event(intent("canceled", id="a\x00b")),
        event(intent("canceled", id="two words")),
        event(intent("canceled", id="x" * 300)),
        event(intent("canceled", created="soon")),
        event(intent("succeeded", latest_charge=["ch_1"])),
        event(intent("canceled", metadata=[])),
        event(charge(captured="yes")),
        event({}, more={"data": {"object": "pi_1"}}),
        event(intent("canceled"), more={"data": {"object": None}}),
    ],
)
def test_a_body_without_what_every_event_has_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        parse("stripe", body)


@pytest.mark.parametrize(
    "more", [{"amount": 1.5}, {"amount": -1}, {"amount": "5"}, {"amount": True}, {"currency": "xxx"}]
)
def test_an_inexact_amount_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(AmountError):
        parse("stripe", event(intent("requires_action", **more)))


def test_stripes_own_units_become_isos() -> None:
    body = json.dumps(event(intent("requires_action", amount=70_000, currency="isk")))
    assert only(parse("stripe", body.encode()), Kind.PAYMENT_CREATED).amount_minor == 700
    made = pretender("stripe").signed("charge.succeeded", amount_minor=700, currency="ISK", secret="s", at_s=NOW_S)
    assert only(parse("stripe", made.body), Kind.CAPTURED).amount_minor == 700


def test_refunds_and_declines_have_their_own_ids() -> None:
    signed = pretender("stripe").signed
    declined = parse("stripe", signed("payment_intent.payment_failed", secret="s", at_s=NOW_S).body)
    paid = parse("stripe", signed("payment_intent.succeeded", secret="s", at_s=NOW_S).body)
    assert only(declined, Kind.FAILED).ref != only(paid, Kind.CAPTURED).ref
    part = parse("stripe", signed("refund.updated", refund_id="re_7", refund_minor=5, secret="s", at_s=NOW_S).body)
    assert (only(part, Kind.REFUND_SUCCEEDED).ref, only(part, Kind.REFUND_SUCCEEDED).amount_minor) == ("re_7", 5)
