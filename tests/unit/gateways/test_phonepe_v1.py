import base64
import hashlib
import json

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

SALT = "example-salt"
TEXT = "eyJhIjoxfQ=="
# printf 'eyJhIjoxfQ==example-salt' | openssl dgst -sha256
DIGEST = "e4c6abd9882347a47dae92c3177ba57f87f05a50f0ab1b85d8219a830d5ee65d"


def judged(header: str, *, body: bytes = json.dumps({"response": TEXT}).encode(), **options: str) -> Verdict:
    made = Request(body, ((b"x-verify", header.encode()),))
    return gateway("phonepe_v1").verify(made, source("phonepe_v1", secrets=("new", SALT), options=options), NOW_MS)


def callback(state: str = "COMPLETED", **data: object) -> Parsed:
    own = {"merchantTransactionId": "MT_1", "transactionId": "T1", "amount": 12345, "state": state}
    response = {"code": "PAYMENT_X", "message": "Words.", "data": {**own, **data}}
    return parse("phonepe_v1", {"response": base64.b64encode(json.dumps(response).encode()).decode()})


def test_a_known_answer_of_openssl() -> None:
    assert hashlib.sha256(f"{TEXT}{SALT}".encode()).hexdigest() == DIGEST
    verdict = judged(f"{DIGEST}###1")
    assert verdict == judged(f"{DIGEST.upper()}###1")
    assert isinstance(verdict, Verified)


def test_only_the_response_is_signed_so_only_it_names_the_notification() -> None:
    other = json.dumps({"response": TEXT, "success": False}).encode()
    assert judged(f"{DIGEST}###1") == judged(f"{DIGEST}###1", body=other)
    changed = judged(f"{DIGEST}###1", body=json.dumps({"response": TEXT + "A"}).encode())
    assert isinstance(changed, Refused)
    assert changed.reason is RefusalReason.SIGNATURE_MISMATCH


def test_the_index_is_checked_where_the_source_names_one() -> None:
    assert isinstance(judged(f"{DIGEST}###2"), Verified)
    assert isinstance(judged(f"{DIGEST}###2", saltIndex="2"), Verified)
    refused = judged(f"{DIGEST}###2", saltIndex="1")
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.SIGNATURE_MISMATCH
    assert "index 2, not 1" in refused.detail


@pytest.mark.parametrize("header", [DIGEST, f"{DIGEST}###", f"{DIGEST}#1", f"{DIGEST}###1###1", "###1", "x###1"])
def test_another_form_is_malformed(header: str) -> None:
    refused = judged(header)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.MALFORMED_SIGNATURE


def test_options() -> None:
    for value in (1, "", "x", "12345"):
        with pytest.raises(ConfigurationError, match="'saltIndex'"):
            gateway("phonepe_v1").check(source("phonepe_v1", options={"saltIndex": value}))


def test_a_payment_in_paise() -> None:
    parsed = callback(paymentInstrument={"type": "UPI"})
    fact = only(parsed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == ("MT_1", "T1", 12345, "INR")
    assert fact.at_ms == NOW_MS + 5
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "MT_1", "method": "UPI"}


def test_what_failed_or_waits() -> None:
    failed = callback("FAILED", responseCode="DECLINED", paymentInstrument=None)
    assert kinds(failed) == [Kind.PAYMENT_CREATED, Kind.FAILED]
    assert only(failed, Kind.FAILED).detail == {"failure_code": "DECLINED", "failure_message": "Words."}
    assert kinds(callback("PENDING")) == [Kind.PAYMENT_CREATED, Kind.PROCESSING]


def test_a_refunds_callback_and_unknown_states_say_nothing() -> None:
    for parsed in (callback(transactionId="TR1"), callback("BRAND_NEW")):
        assert parsed.facts == ()
        assert parsed.reason
    nothing = base64.b64encode(b'{"code": "X"}').decode()
    assert parse("phonepe_v1", {"response": nothing}).reason


def test_what_cannot_be_read() -> None:
    for body in ({}, {"response": 1}, {"response": "%%"}, {"response": base64.b64encode(b"[").decode()}):
        with pytest.raises(MalformedPayload):
            parse("phonepe_v1", body)
    with pytest.raises(MalformedPayload):
        callback(merchantTransactionId=None)
    with pytest.raises(AmountError):
        callback(amount=1.5)
