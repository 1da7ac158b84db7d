import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, only, parse, source

MISSION = (
    b'{"event": "payment.updated", "timestamp": "2024-06-26T11:08:07Z", "data": {"paymentId": "pay_1234567890", '
    b'"status": "completed", "amount": 100.00, "currency": "USD", "orderId": "ord_0987654321"}}'
)
HEADER = {"header": "X-Paybell-Signature"}


def judged(body: bytes, options: Mapping[str, object], **headers: bytes) -> Verdict:
    own = source("generic", options=options)
    gateway("generic").check(own)
    named = tuple((name.replace("_", "-").encode(), value) for name, value in headers.items())
    return gateway("generic").verify(Request(body, named), own, NOW_MS)


def digest(signed: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(SECRET.encode(), signed, getattr(hashlib, algorithm)).digest()


def envelope(**data: object) -> dict[str, object]:
    own = {"paymentId": "pay_1", "status": "completed", "amount": "5.00", "currency": "EUR"}
    return {"event": "e", "timestamp": NOW_S, "data": {**own, **data}}


def test_the_missions_envelope_as_it_stands() -> None:
    answer = judged(MISSION, HEADER, x_paybell_signature=digest(MISSION).hex().encode())
    assert answer == Verified("sha256:" + hashlib.sha256(MISSION).hexdigest())
    parsed = parse("generic", MISSION)
    fact = only(parsed, Kind.CAPTURED)
    assert (parsed.event, fact.aggregate, fact.ref) == ("payment.updated", "pay_1234567890", "")
    assert (fact.amount_minor, fact.currency, fact.at_ms) == (10_000, "USD", 1_719_400_087_000)
    assert fact.detail == {"order_id": "ord_0987654321"}


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_algorithm_encoding_and_prefix(algorithm: str, encoding: str, prefix: str) -> None:
    options = {"header": "X-Sig", "algorithm": algorithm, "encoding": encoding, "prefix": prefix}
    raw = digest(b"{}", algorithm)
    value = prefix.encode() + (raw.hex().encode() if encoding == "hex" else base64.b64encode(raw))
    assert isinstance(judged(b"{}", options, x_sig=value), Verified)
    assert isinstance(judged(b"{ }", options, x_sig=value), Refused)
    assert isinstance(judged(b"{}", options, x_sig=b"x" + value), Refused)
    assert isinstance(judged(b"{}", options, x_sig=value[:-1]), Refused)


def test_base64_has_one_regular_text() -> None:
    value = base64.b64encode(digest(b"{}"))
    # The last letter carries two bits that mean nothing: another letter there decodes to the same bytes.
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = value[:-2] + alphabet[alphabet.index(value[-2]) ^ 1 :][:1] + b"="
    assert base64.b64decode(twin) == base64.b64decode(value)
    options = {**HEADER, "encoding": "base64"}
    assert isinstance(judged(b"{}", options, x_paybell_signature=value), Verified)
    assert isinstance(judged(b"{}", options, x_paybell_signature=twin), Refused)


@pytest.mark.parametrize(
    ("template", "joined"),
    [(None, "{}.{{}}"), ("{timestamp}{body}", "{}{{}}"), ("v0:{timestamp}:{body}!", "v0:{}:{{}}!")],
)
def test_a_signed_time(template: str | None, joined: str) -> None:
    options: dict[str, object] = {"header": "X-Sig", "timestampHeader": "X-Time"}
    options |= {"signedTemplate": template} if template else {}
    for time, believed in ((NOW_S, True), (NOW_MS, True), (NOW_S - 301, False), (NOW_S + 301, False)):
        value = digest(joined.format(time).encode()).hex().encode()
        assert isinstance(judged(b"{}", options, x_sig=value, x_time=str(time).encode()), Verified) is believed
    good = digest(joined.format(NOW_S).encode()).hex().encode()
    assert isinstance(judged(b"{}", options, x_sig=good, x_time=str(NOW_S + 1).encode()), Refused)
    missing = judged(b"{}", options, x_sig=good)
    assert isinstance(missing, Refused)
    assert missing.reason is RefusalReason.HEADER_MISSING


@pytest.mark.parametrize(("body", "key"), [(b'{"id":"e_1"}', "e_1"), (b'{"id":7}', "7"), (b"{}", ""), (b"no", "")])
def test_an_id_pointer_gives_the_dedupe_key(body: bytes, key: str) -> None:
    answer = judged(body, {**HEADER, "idPointer": "/id"}, x_paybell_signature=digest(body).hex().encode())
    assert answer == Verified(key or "sha256:" + hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "'header'"),
        ({"header": "two words"}, "'header'"),
        ({**HEADER, "algorithm": "md5"}, "'algorithm'"),
        ({**HEADER, "encoding": "base32"}, "'encoding'"),
        ({**HEADER, "prefix": "\n"}, "'prefix'"),
        ({**HEADER, "signedTemplate": "{timestamp}.{body}"}, "'timestampHeader'"),
        ({**HEADER, "timestampHeader": "X-T", "signedTemplate": "{body}"}, "'signedTemplate'"),
        ({**HEADER, "signedTemplate": "{body}{body}"}, "'signedTemplate'"),
        ({**HEADER, "signedTemplate": "{body}{nonce}"}, "'signedTemplate'"),
        ({**HEADER, "toleranceSeconds": 0}, "'toleranceSeconds'"),
        ({**HEADER, "amountUnit": "cents"}, "'amountUnit'"),
        ({**HEADER, "amountPointer": "amount"}, "'amountPointer'"),
        ({**HEADER, "idPointer": ""}, "'idPointer'"),
        ({**HEADER, "idPointer": "/a~2"}, "'idPointer'"),
        ({**HEADER, "statusMap": ["paid"]}, "'statusMap'"),
        ({**HEADER, "statusMap": {"X": "done"}}, "'statusMap'"),
    ],
)
def test_an_unfit_option_is_refused_by_name(options: Mapping[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        gateway("generic").check(source("generic", options=options))


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("pending", Kind.PROCESSING),
        ("Processing", Kind.PROCESSING),
        ("requires_action", Kind.REQUIRES_ACTION),
        ("authorized", Kind.AUTHORIZED),
        ("SUCCESS", Kind.CAPTURED),
        ("paid", Kind.CAPTURED),
        ("captured", Kind.CAPTURED),
        ("declined", Kind.FAILED),
        ("cancelled", Kind.CANCELED),
        ("voided", Kind.VOIDED),
        ("expired", Kind.EXPIRED),
    ],
)
def test_a_word_is_a_fact_beside_the_payments_start(word: str, kind: Kind) -> None:
    assert kinds(parse("generic", envelope(status=word))) == [Kind.PAYMENT_CREATED, kind]


def test_created_is_the_start_alone_and_refunds_are_not_the_payments_amount() -> None:
    assert kinds(parse("generic", envelope(status="created"))) == [Kind.PAYMENT_CREATED]
    assert kinds(parse("generic", envelope(status="partially_refunded"))) == [Kind.REFUNDED_TOTAL]
    options = {**HEADER, "refundIdPointer": "/data/refundId"}
    fact = only(parse("generic", envelope(status="refunded", refundId="r_1"), options), Kind.REFUND_SUCCEEDED)
    assert (fact.ref, fact.amount_minor) == ("r_1", 500)


def test_a_status_map_comes_before_the_built_in_words() -> None:
    options = {**HEADER, "statusMap": {"SETTLED": "completed", "paid": "authorized"}}
    assert Kind.CAPTURED in kinds(parse("generic", envelope(status="settled"), options))
    assert Kind.AUTHORIZED in kinds(parse("generic", envelope(status="paid"), options))


@pytest.mark.parametrize(
    "body", [envelope(status="brand_new"), envelope(status=None), envelope(paymentId=None), {"event": "ping"}]
)
def test_what_is_unknown_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("generic", body)
    assert parsed.facts == ()
    assert parsed.reason


def test_pointers_and_minor_units() -> None:
    options = {
        **HEADER,
        "paymentIdPointer": "/a~1b/0/id",
        "statusPointer": "/s",
        "amountPointer": "/n",
        "currencyPointer": "/c",
        "amountUnit": "minor",
    }
    body = {"a/b": [{"id": 42}], "s": "paid", "n": 500, "c": "eur", "timestamp": "2024-06-26T11:08:07+00:00"}
    for amount in (500, "500"):
        fact = only(parse("generic", {**body, "n": amount}, options), Kind.CAPTURED)
        assert (fact.aggregate, fact.amount_minor, fact.currency) == ("42", 500, "EUR")
    for unfit in (5.5, "5.5", "", -1, True):
        with pytest.raises(AmountError):
            parse("generic", {**body, "n": unfit}, options)


def test_without_a_time_of_the_senders_the_arrival_counts() -> None:
    body = {"data": envelope()["data"]}
    assert only(parse("generic", body), Kind.CAPTURED).at_ms == NOW_MS + 5


@pytest.mark.parametrize(
    "time", ["soon", "", 1.5, True, -1, "0001-01-01T00:00:00Z", [], "9999-12-31T23:59:59-14:00", 10**18]
)
def test_an_unreadable_time_is_malformed(time: object) -> None:
    body = json.dumps({**envelope(), "timestamp": time}).encode()
    try:
        facts = parse("generic", body).facts
    except MalformedPayload:
        return
    assert time == "9999-12-31T23:59:59-14:00"
    assert facts


@pytest.mark.parametrize(
    "data", [{"amount": None}, {"amount": "0.001"}, {"currency": None}, {"currency": "XXX"}, {"amount": "1e3"}]
)
def test_a_capture_without_an_exact_amount_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(AmountError):
        parse("generic", envelope(**data))
