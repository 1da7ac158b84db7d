from urllib.parse import urlencode

import pytest

from paybell.errors import ConfigurationError
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.reverse_hashes import CHARGED, FIELDS, PLAIN, WITH_UDF
from tests.unit.gateways.sources import NOW_MS, kinds, parse, source

OPTIONS = {"merchantKey": "key1"}


def verdict(fields: dict[str, str]) -> Verdict:
    kept = source("easebuzz", secrets=("salt1",), options=OPTIONS)
    return gateway("easebuzz").verify(Request(urlencode(fields).encode()), kept, NOW_MS)


def test_known_answers_by_the_formula_that_it_shares_with_payu() -> None:
    assert isinstance(verdict({**FIELDS, "hash": PLAIN, "easepayid": "E1"}), Verified)
    assert isinstance(verdict({**FIELDS, "hash": WITH_UDF, "udf1": "u1"}), Verified)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (FIELDS, RefusalReason.MALFORMED_SIGNATURE),
        ({**FIELDS, "hash": PLAIN, "amount": "1.00"}, RefusalReason.SIGNATURE_MISMATCH),
        ({**FIELDS, "hash": CHARGED, "additionalCharges": "1.25"}, RefusalReason.SIGNATURE_MISMATCH),
    ],
    ids=["none", "amount", "charges, which only PayU has"],
)
def test_why_it_is_refused(fields: dict[str, str], reason: RefusalReason) -> None:
    refused = verdict(fields)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_merchant_key_is_needed() -> None:
    with pytest.raises(ConfigurationError, match=r"'merchantKey'.*required"):
        gateway("easebuzz").check(source("easebuzz", options={}))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("success", Kind.CAPTURED),
        ("failure", Kind.FAILED),
        ("userCancelled", Kind.FAILED),
        ("dropped", Kind.FAILED),
        ("bounced", Kind.FAILED),
        ("pending", Kind.PROCESSING),
    ],
)
def test_a_status_under_the_merchants_id(status: str, kind: Kind) -> None:
    parsed = parse("easebuzz", urlencode({**FIELDS, "status": status, "amount": "2.0"}).encode())
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    created, fact = parsed.facts
    assert (created.aggregate, created.amount_minor, created.currency) == ("txn_1", 200, "INR")
    assert fact.detail == ({"failure_code": status} if kind is Kind.FAILED else {})


def test_an_unknown_status_says_nothing() -> None:
    assert "unknown" in parse("easebuzz", b"status=odd&txnid=1&amount=1").reason
