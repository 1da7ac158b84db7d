from urllib.parse import urlencode

import pytest

from paybell.errors import AmountError, ConfigurationError
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.reverse_hashes import CHARGED, FIELDS, PLAIN, WITH_UDF
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

OPTIONS = {"merchantKey": "key1"}


def verdict(fields: dict[str, str] | bytes, options: dict[str, str] = OPTIONS) -> Verdict:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    kept = source("payu_india", secrets=("salt1",), options=options)
    return gateway("payu_india").verify(Request(body), kept, NOW_MS)


@pytest.mark.parametrize(
    "fields",
    [
        {**FIELDS, "hash": PLAIN},
        {**FIELDS, "hash": PLAIN.upper(), "additionalCharges": "", "udf1": ""},
        {**FIELDS, "hash": CHARGED, "additionalCharges": "1.25"},
        {**FIELDS, "hash": CHARGED, "additional_charges": "1.25"},
        {**FIELDS, "hash": WITH_UDF, "udf1": "u1"},
    ],
    ids=["plain", "upper case", "charges", "charges by the other name", "udf1"],
)
def test_known_answers(fields: dict[str, str]) -> None:
    assert isinstance(verdict(fields), Verified)


def test_json_is_read_alike() -> None:
    body = b'{"status":"success","email":"pat@example.com","firstname":"Pat","productinfo":"Thing","amount":"10.50",'
    assert isinstance(verdict(body + b'"txnid":"txn_1","hash":"' + PLAIN.encode() + b'"}'), Verified)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (FIELDS, RefusalReason.MALFORMED_SIGNATURE),
        ({**FIELDS, "hash": PLAIN[:-2]}, RefusalReason.MALFORMED_SIGNATURE),
        (b"hash=1&hash=2", RefusalReason.MALFORMED_SIGNATURE),
        ({**FIELDS, "hash": PLAIN, "status": "failure"}, RefusalReason.SIGNATURE_MISMATCH),
        ({**FIELDS, "hash": PLAIN, "amount": "10.5"}, RefusalReason.SIGNATURE_MISMATCH),
        ({**FIELDS, "hash": PLAIN, "additionalCharges": "1.25"}, RefusalReason.SIGNATURE_MISMATCH),
        ({**FIELDS, "hash": CHARGED}, RefusalReason.SIGNATURE_MISMATCH),
        (
            {**FIELDS, "hash": PLAIN, "productinfo": "", "amount": "Thing", "txnid": "10.50|txn_1"},
            RefusalReason.MALFORMED_SIGNATURE,
        ),
    ],
    ids=["none", "short", "twice", "status", "amount's text", "charges put in", "charges taken out", "words moved"],
)
def test_why_it_is_refused(fields: dict[str, str] | bytes, reason: RefusalReason) -> None:
    refused = verdict(fields)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_key_under_the_hash_is_the_sources_own() -> None:
    fields = {**FIELDS, "hash": PLAIN, "key": "another"}
    assert isinstance(verdict(fields), Verified)
    assert isinstance(verdict({**fields, "key": "key1"}, {"merchantKey": "key2"}), Refused)


def test_the_dedupe_key_is_of_the_hashed_fields_alone() -> None:
    one, two = verdict({**FIELDS, "hash": PLAIN}), verdict({**FIELDS, "hash": PLAIN, "mihpayid": "2", "mode": "CC"})
    assert one == two


@pytest.mark.parametrize(
    ("options", "message"), [({}, "'merchantKey'.*required"), ({**OPTIONS, "capture": "late"}, "automatic, manual")]
)
def test_a_source_that_cannot_work_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        gateway("payu_india").check(source("payu_india", options=options))


@pytest.mark.parametrize(
    ("status", "kind"), [("success", Kind.CAPTURED), ("failure", Kind.FAILED), ("pending", Kind.PROCESSING)]
)
def test_a_status_under_the_merchants_id(status: str, kind: Kind) -> None:
    parsed = parse("payu_india", urlencode({**FIELDS, "status": status, "unmappedstatus": "auth"}).encode())
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    created, fact = parsed.facts
    assert (fact.aggregate, fact.ref, fact.at_ms) == ("txn_1", "txn_1", NOW_MS + 5)
    assert (created.amount_minor, created.currency) == (1050, "INR")
    assert created.detail == {"order_id": "txn_1", "customer_email": "pat@example.com", "customer_name": "Pat"}


def test_success_is_an_authorisation_where_the_merchant_captures_later() -> None:
    parsed = parse("payu_india", urlencode(FIELDS).encode(), {**OPTIONS, "capture": "manual"})
    assert only(parsed, Kind.AUTHORIZED).amount_minor == 1050


def test_an_unknown_status_and_noise_behind_the_point() -> None:
    assert "unknown" in parse("payu_india", b"status=odd&txnid=1&amount=1").reason
    with pytest.raises(AmountError):
        parse("payu_india", urlencode({**FIELDS, "amount": "2337.2960000000003"}).encode())
