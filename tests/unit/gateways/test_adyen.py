import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Answer, Batch, RefusalReason, Refused, Request, Verdict, Verified
from paybell.record.projection import project
from tests.unit.gateways.sources import NOW_MS, kinds, notification, only, parse, source

KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
ARRIVED_MS = NOW_MS + 5

Item = dict[str, object]


def item(code: str = "AUTHORISATION", reference: str = "PSP1", original: str = "", **more: object) -> Item:
    return {
        "pspReference": reference,
        "originalReference": original,
        "merchantAccountCode": "ExampleECOM",
        "merchantReference": "order_1",
        "amount": {"value": 1130, "currency": "EUR"},
        "eventCode": code,
        "eventDate": "2019-05-06T17:15:34.121+02:00",
        "success": "true",
        **more,
    }


def line(one: Mapping[str, object]) -> str:
    amount = one["amount"]
    assert isinstance(amount, dict)
    before = (one["pspReference"], one["originalReference"], one["merchantAccountCode"], one["merchantReference"])
    return ":".join(map(str, (*before, amount["value"], amount["currency"], one["eventCode"], one["success"])))


def signed(one: Item, key: str = KEY) -> Item:
    digest = hmac.digest(bytes.fromhex(key), line(one).encode(), hashlib.sha256)
    return {**one, "additionalData": {"hmacSignature": base64.b64encode(digest).decode()}}


def envelope(*items: object) -> bytes:
    return json.dumps(
        {"live": "false", "notificationItems": [{"NotificationRequestItem": one} for one in items]}
    ).encode()


def verdict(body: bytes, *keys: str) -> Verdict:
    return gateway("adyen").verify(Request(body), source("adyen", secrets=keys or (KEY,)), NOW_MS)


def reason(answer: Verdict) -> RefusalReason:
    assert isinstance(answer, Refused)
    return answer.reason


def facts(code: str, *, success: str = "true", capture: str = "manual", original: str = "PAY1") -> Parsed:
    one = item(code, "OP1", original, success=success)
    return parse("adyen", envelope(one), {"capture": capture})


def test_the_known_answer_of_adyens_own_sdk() -> None:
    one = {
        "pspReference": "7914073381342284",
        "merchantReference": "TestPayment-1407325143704",
        "merchantAccountCode": "TestMerchant",
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION",
        "success": "true",
        "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
    }
    assert isinstance(verdict(envelope(one)), Verified)
    assert isinstance(verdict(json.dumps(one).encode()), Verified)  # a bare item, as it is stored out of a batch
    assert isinstance(verdict(envelope(one), "00" * 32, KEY), Verified)
    assert reason(verdict(envelope({**one, "success": "false"}))) is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", envelope(), envelope(item()), envelope({"eventCode": "CAPTURE"}), envelope(signed(item()), 1)],
)
def test_a_body_without_signed_items_is_malformed(body: bytes) -> None:
    assert reason(verdict(body)) is RefusalReason.MALFORMED_SIGNATURE


def test_every_item_must_be_right_and_each_is_stored_alone() -> None:
    first, second = signed(item(reference="PSP1")), signed(item(reference="PSP2"))
    answer = verdict(envelope(first, second))
    assert isinstance(answer, Batch)
    assert [json.loads(each.body) for each in answer.items] == [first, second]
    assert [isinstance(verdict(each.body), Verified) for each in answer.items] == [True, True]
    assert answer.items[0].dedupe_key != answer.items[1].dedupe_key
    assert reason(verdict(envelope(first, {**second, "success": "false"}))) is RefusalReason.SIGNATURE_MISMATCH


def test_a_list_inside_an_item_is_nothing() -> None:
    forged = item("CAPTURE", "FORGED")
    inner = {"notificationItems": [{"NotificationRequestItem": forged}]}
    answer = verdict(envelope({**signed(item()), **inner}, signed(item(reference="PSP2"))))
    assert isinstance(answer, Batch)
    parsed = gateway("adyen").parse(notification(answer.items[0].body), source("adyen"))
    assert {fact.aggregate for fact in parsed.facts} == {"PSP1"}


def test_a_repeated_item_has_the_same_key_whatever_is_not_signed() -> None:
    again = {**signed(item()), "eventDate": "2030-01-01T00:00:00Z", "reason": "x"}
    assert verdict(envelope(signed(item()))) == verdict(envelope(again))


@pytest.mark.parametrize("field", ["pspReference", "originalReference", "merchantAccountCode", "eventCode", "success"])
def test_a_colon_where_the_join_could_be_read_in_two_ways_is_refused(field: str) -> None:
    assert reason(verdict(envelope(signed({**item(), field: "a:b"})))) is RefusalReason.MALFORMED_SIGNATURE
    assert isinstance(verdict(envelope(signed(item(merchantReference=r":a\:b/")))), Verified)


def test_an_amount_counts_the_same_in_digits_and_as_a_number() -> None:
    as_text = item(amount={"value": "1130", "currency": "EUR"})
    assert isinstance(verdict(envelope(signed(as_text))), Verified)
    assert parse("adyen", envelope(as_text)).facts == parse("adyen", envelope(item())).facts


def test_a_secret_that_is_not_hex_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not in hex"):
        gateway("adyen").check(source("adyen", secrets=("my secret's text",)))
    with pytest.raises(ConfigurationError, match="'capture'"):
        gateway("adyen").check(source("adyen", options={"capture": "later"}))


def test_it_answers_what_adyen_wants_to_hear() -> None:
    assert gateway("adyen").about.answer == Answer(b"[accepted]", b"text/plain", 200)


def test_an_authorisation_is_no_capture_unless_the_source_says_so() -> None:
    parsed = parse("adyen", envelope(item()))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]
    started, authorized = parsed.facts
    assert (started.aggregate, started.amount_minor, started.detail) == ("PSP1", 1130, {"order_id": "order_1"})
    assert (authorized.ref, authorized.at_ms, authorized.currency) == ("PSP1", ARRIVED_MS, "EUR")
    assert parsed.livemode is None
    automatic = parse("adyen", envelope(item()), {"capture": "automatic"})
    assert only(automatic, Kind.CAPTURED).ref == "PSP1"


def test_an_automatic_capture_that_is_told_again_counts_once() -> None:
    authorised = parse("adyen", envelope(item(reference="PAY1")), {"capture": "automatic"})
    captured = facts("CAPTURE", capture="automatic")
    assert project((*authorised.facts, *captured.facts)).captured_minor == 1130
    failed = facts("CAPTURE_FAILED", capture="automatic")
    assert project((*authorised.facts, *captured.facts, *failed.facts)).captured_minor == 0


def test_a_cancellation_takes_the_automatic_capture_back() -> None:
    authorised = parse("adyen", envelope(item(reference="PAY1")), {"capture": "automatic"})
    state = project((*authorised.facts, *facts("CANCELLATION", capture="automatic").facts))
    assert (state.captured_minor, state.status) == (0, "canceled")


def test_a_refused_authorisation_is_a_failed_attempt() -> None:
    parsed = parse("adyen", envelope(item(success="false", reason="Refused")))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.FAILED]
    assert only(parsed, Kind.FAILED).detail == {}


@pytest.mark.parametrize(
    ("code", "success", "kind"),
    [
        ("CAPTURE", "true", Kind.CAPTURED),
        ("CAPTURE_FAILED", "true", Kind.CAPTURE_REVERSED),
        ("REFUND", "true", Kind.REFUND_SUCCEEDED),
        ("REFUND", "false", Kind.REFUND_FAILED),
        ("REFUND_WITH_DATA", "true", Kind.REFUND_SUCCEEDED),
        ("POSTPONED_REFUND", "true", Kind.REFUND_PENDING),
        ("REFUND_FAILED", "true", Kind.REFUND_FAILED),
        ("REFUNDED_REVERSED", "true", Kind.REFUND_FAILED),
    ],
)
def test_an_operation_is_told_under_its_own_reference_and_the_payments(code: str, success: str, kind: Kind) -> None:
    parsed = facts(code, success=success)
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, len(parsed.facts)) == ("PAY1", "OP1", 1)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("CANCELLATION", Kind.CANCELED),
        ("TECHNICAL_CANCEL", Kind.CANCELED),
        ("EXPIRE", Kind.EXPIRED),
        ("OFFER_CLOSED", Kind.EXPIRED),
    ],
)
def test_what_ends_a_payment(code: str, kind: Kind) -> None:
    fact = only(facts(code), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("PAY1", "", None)
    assert only(facts(code, original=""), kind).aggregate == "OP1"


def test_cancel_or_refund_means_what_the_payments_own_facts_make_of_it() -> None:
    authorised = parse("adyen", envelope(item(reference="PAY1"))).facts
    captured = facts("CAPTURE").facts
    reversal = parse("adyen", envelope(item("CANCEL_OR_REFUND", "OP2", "PAY1"))).facts
    assert project((*authorised, *reversal)).status == "canceled"
    assert project((*authorised, *captured, *reversal)).status == "refunded"


def test_an_adjusted_authorisation_is_the_same_one() -> None:
    first = parse("adyen", envelope(item(reference="PAY1"))).facts
    more = item("AUTHORISATION_ADJUSTMENT", "OP1", "PAY1", amount={"value": 1500, "currency": "EUR"})
    assert project((*first, *parse("adyen", envelope(more)).facts)).authorized_minor == 1500


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("NOTIFICATION_OF_FRAUD", "warning"),
        ("REQUEST_FOR_INFORMATION", "warning"),
        ("NOTIFICATION_OF_CHARGEBACK", "open"),
        ("CHARGEBACK", "open"),
        ("INFORMATION_SUPPLIED", "open"),
        ("CHARGEBACK_REVERSED", "won"),
        ("PREARBITRATION_WON", "won"),
        ("ISSUER_RESPONSE_TIMEFRAME_EXPIRED", "won"),
        ("SECOND_CHARGEBACK", "lost"),
        ("PREARBITRATION_LOST", "lost"),
    ],
)
def test_a_disputes_stages_are_one_dispute(code: str, status: str) -> None:
    fact = only(facts(code), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail["status"]) == ("PAY1", "OP1", status)


def test_the_unsigned_status_of_a_dispute_changes_nothing() -> None:
    one = item("CHARGEBACK", "OP1", "PAY1", additionalData={"disputeStatus": "Won", "hmacSignature": "x"})
    assert parse("adyen", envelope(one)).facts == facts("CHARGEBACK").facts


@pytest.mark.parametrize(
    ("code", "success", "words"),
    [
        ("REPORT_AVAILABLE", "true", "says nothing that is read"),
        ("PAYOUT_EXPIRE", "false", "did not succeed"),
        ("BRAND_NEW", "true", "says nothing that is read"),
        ("CAPTURE", "false", "did not succeed"),
        ("CANCELLATION", "false", "did not succeed"),
        ("DISPUTE_DEFENSE_PERIOD_ENDED", "true", "not signed"),
    ],
)
def test_what_moves_nothing_says_why(code: str, success: str, words: str) -> None:
    parsed = facts(code, success=success)
    assert (parsed.facts, parsed.event) == ((), code)
    assert words in parsed.reason


def test_another_webhook_of_adyen_is_unmapped() -> None:
    parsed = parse("adyen", {"type": "balancePlatform.transfer.created", "data": {}})
    assert parsed.facts == ()
    assert "adyen_platforms" in parsed.reason


@pytest.mark.parametrize(
    ("currency", "value", "minor"), [("JPY", 500, 500), ("KWD", 1500, 1500), ("CLP", 50_000, 500), ("CVE", 5, 500)]
)
def test_amounts_become_minor_units_of_iso_4217(currency: str, value: int, minor: int) -> None:
    parsed = parse("adyen", envelope(item(amount={"value": value, "currency": currency})))
    assert only(parsed, Kind.AUTHORIZED).amount_minor == minor


@pytest.mark.parametrize(
    "amount", [{"value": 50_001, "currency": "CLP"}, {"value": 1, "currency": "XYZ"}, {"value": -1}]
)
def test_an_amount_that_cannot_be_said_exactly_is_refused(amount: object) -> None:
    with pytest.raises(AmountError):
        parse("adyen", envelope(item(amount=amount)))


def test_a_reference_that_is_no_id_is_malformed() -> None:
    with pytest.raises(MalformedPayload):
        parse("adyen", envelope(item(reference="a b")))


@pytest.mark.parametrize(
    ("code", "success", "original", "kind"),
    [
        ("PAYOUT_THIRDPARTY", "true", None, Kind.PAYOUT_PAID),
        ("PAYOUT_THIRDPARTY", "false", None, Kind.PAYOUT_FAILED),
        ("PAYOUT_DECLINE", "true", "psp_0", Kind.PAYOUT_CANCELED),
        ("PAYOUT_EXPIRE", "true", "psp_0", Kind.PAYOUT_CANCELED),
        ("PAIDOUT_REVERSED", "true", "psp_0", Kind.PAYOUT_FAILED),
    ],
)
def test_a_payout_to_a_third_party(code: str, success: str, original: str | None, kind: Kind) -> None:
    own = {"pspReference": "psp_1", "originalReference": original, "merchantAccountCode": "M", "eventCode": code}
    item = {**own, "amount": {"value": 1000, "currency": "EUR"}, "success": success}
    parsed = parse("adyen", {"notificationItems": [{"NotificationRequestItem": item}]})
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency) == (original or "psp_1", 1000, "EUR")
