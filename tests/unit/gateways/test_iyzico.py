import base64
import json

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.gateways.iyzico import authorization
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request, Verdict
from paybell.testing.samples.iyzico import iyzico_payment
from tests.unit.gateways.sources import NOW_MS, kinds, notification, only, source

KEY = "example-secret-key"
DIRECT = {"iyziEventType": "API_AUTH", "paymentId": 22, "paymentConversationId": "c1", "status": "SUCCESS"}
HOSTED = {**DIRECT, "iyziEventType": "CHECKOUT_FORM_AUTH", "token": "t1", "iyziPaymentId": 33}
del HOSTED["paymentId"]
# printf 'example-secret-keyAPI_AUTH22c1SUCCESS' | openssl dgst -sha256 -hmac example-secret-key
DIRECT_DIGEST = b"9fcc1a50ed6c88f336290deb9339f6e3a0113b3d71e1dadd7fc9b288c2c0615a"
# printf 'example-secret-keyCHECKOUT_FORM_AUTH33t1c1SUCCESS' | openssl dgst -sha256 -hmac example-secret-key
HOSTED_DIGEST = b"5d3766a602173c717c3499fd1a2adff0d50e3b2b8a5d99773b5273b4ace4ce25"
# printf 'abc/payment/detail{}' | openssl dgst -sha256 -hmac example-secret-key
API_DIGEST = "531b53e03a75fb45f440199aec27bb8f103fa70970cdbd56ca6be199152f27b2"


def judged(said: object, digest: bytes) -> Verdict:
    made = Request(json.dumps(said).encode(), ((b"x-iyz-signature-v3", digest),))
    return gateway("iyzico").verify(made, source("iyzico", secrets=("newer", KEY)), NOW_MS)


def answered(subject: str = "22", **more: object) -> Parsed:
    own = json.loads(iyzico_payment(payment_id="22", status="SUCCESS", amount="450.00", at_ms=NOW_MS))
    raw = json.dumps({**own, **more}).encode()
    made = notification(raw, origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return gateway("iyzico").parse(made, source("iyzico"))


def test_both_formats_by_known_answers_of_openssl() -> None:
    assert isinstance(judged(DIRECT, DIRECT_DIGEST), Hint)
    assert isinstance(judged(HOSTED, HOSTED_DIGEST.upper()), Hint)
    assert judged({**DIRECT, "iyziEventTime": 1, "iyziPaymentId": 9}, DIRECT_DIGEST) == judged(DIRECT, DIRECT_DIGEST)


@pytest.mark.parametrize("change", [{"status": "FAILURE"}, {"paymentId": 23}, {"paymentConversationId": None}])
def test_a_signed_field_that_changed_is_a_mismatch(change: dict[str, object]) -> None:
    refused = judged({**DIRECT, **change}, DIRECT_DIGEST)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    "said",
    [{}, [], {"iyziEventType": "subscription.order.success", "orderReferenceCode": "x"}, {**DIRECT, "status": ""}],
)
def test_what_names_no_payment_is_malformed(said: object) -> None:
    refused = judged(said, DIRECT_DIGEST)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.MALFORMED_SIGNATURE


def test_a_request_to_the_api_is_signed_as_the_sdks_do() -> None:
    scheme, _, text = authorization("api-key", KEY, "abc", b"{}").partition(" ")
    assert scheme == "IYZWSv2"
    assert base64.b64decode(text).decode() == f"apiKey:api-key&randomKey:abc&signature:{API_DIGEST}"


def test_the_signed_id_is_asked_for() -> None:
    at = source("iyzico", secrets=(KEY,), options={"apiKey": "api-key"})
    for said, payment_id in ((DIRECT, "22"), (HOSTED, "33"), ({**DIRECT, "iyziPaymentId": 9}, "22")):
        made = gateway("iyzico").plan_fetch(notification(json.dumps(said).encode()), at)
        assert made is not None
        assert (made.method, made.url, made.subject) == (
            "POST",
            "https://api.iyzipay.com/payment/detail",
            payment_id,
        )
        assert json.loads(made.body) == {"locale": "en", "paymentId": payment_id}
        headers = dict(made.headers)
        assert headers["authorization"] == authorization("api-key", KEY, headers["x-iyzi-rnd"], made.body)
        assert made == gateway("iyzico").plan_fetch(notification(json.dumps(said).encode()), at)


def test_what_cannot_be_asked() -> None:
    body = json.dumps(DIRECT).encode()
    assert gateway("iyzico").plan_fetch(notification(body), source("iyzico")) is None
    with pytest.raises(MalformedPayload):
        gateway("iyzico").plan_fetch(notification(b"{}"), source("iyzico", options={"apiKey": "k"}))
    with pytest.raises(ConfigurationError, match="baseUrl"):
        gateway("iyzico").check(source("iyzico", options={"baseUrl": "http://example.com"}))


def test_a_payment_that_went_through() -> None:
    parsed = answered()
    fact = only(parsed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == ("22", "22", 45000, "TRY")
    assert fact.at_ms == NOW_MS
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "order_1001"}
    assert parsed.final


def test_eight_digits_after_the_point_are_exact() -> None:
    raw = (
        b'{"paymentId": "22", "paymentStatus": "SUCCESS", "paidPrice": 1.00000000, "currency": "TRY", "systemTime": 1}'
    )
    made = notification(raw, origin=Origin.POLL, headers=(("paybell-subject", "22"),))
    assert only(gateway("iyzico").parse(made, source("iyzico")), Kind.CAPTURED).amount_minor == 100
    with pytest.raises(AmountError):
        answered(paidPrice=1.005)


@pytest.mark.parametrize(
    ("more", "kind", "final"),
    [
        ({"phase": "PRE_AUTH"}, Kind.AUTHORIZED, True),
        ({"phase": "POST_AUTH"}, Kind.CAPTURED, True),
        ({"fraudStatus": 0}, Kind.PROCESSING, False),
        ({"fraudStatus": -1}, Kind.FAILED, True),
        ({"paymentStatus": "FAILURE", "errorCode": "10051"}, Kind.FAILED, True),
        ({"paymentStatus": None, "status": "failure", "errorCode": "10051"}, Kind.FAILED, True),
        ({"paymentStatus": "INIT_THREEDS"}, Kind.REQUIRES_ACTION, False),
        ({"paymentStatus": "INIT_BANK_TRANSFER"}, Kind.PROCESSING, False),
    ],
)
def test_a_payments_status(more: dict[str, object], kind: Kind, final: bool) -> None:  # noqa: FBT001
    parsed = answered(**more)
    assert (kinds(parsed), parsed.final) == ([Kind.PAYMENT_CREATED, kind], final)
    fact = only(parsed, kind)
    assert (fact.amount_minor is not None) is (kind in {Kind.CAPTURED, Kind.AUTHORIZED})
    assert fact.detail == ({"failure_code": more.get("errorCode", "fraud")} if kind is Kind.FAILED else {})


def test_answers_that_settle_nothing() -> None:
    unknown = answered(paymentId=None, status="failure", errorMessage="Payment not found")
    for parsed in (unknown, answered("23"), answered(paymentStatus="BRAND_NEW")):
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason
    assert "Payment not found" in unknown.reason
    hint = gateway("iyzico").parse(notification(json.dumps(DIRECT).encode()), source("iyzico"))
    assert hint.facts == ()


def test_equal_answers_have_equal_keys() -> None:
    def key(**more: object) -> str:
        own = {"paymentId": "22", "paymentStatus": "SUCCESS", "paidPrice": 1.5, "systemTime": 1, **more}
        return gateway("iyzico").fetched_key("22", json.dumps(own).encode())

    assert key() == key(systemTime=2)
    assert len({key(), key(paymentStatus="FAILURE"), key(paidPrice=2), key(fraudStatus=1), key(phase="AUTH")}) == 5
