from urllib.parse import urlencode

import pytest

from paybell.errors import AmountError
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, kinds, parse, source

FIELDS = {
    "status": "Credit",
    "payment_request_id": "req_1",
    "payment_id": "MOJO1",
    "purpose": "A thing",
    "amount": "100.00",
    "currency": "INR",
    "buyer": "pat@example.com",
}
# By `openssl dgst -sha1 -hmac salt1` of 100.00|pat@example.com|INR|MOJO1|req_1|A thing|Credit.
MAC = "2d23f8487557a473ded4ceac57609714b68966a8"


def verdict(fields: dict[str, str] | bytes) -> Verdict:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    return gateway("instamojo").verify(Request(body), source("instamojo", secrets=("salt1",)), NOW_MS)


def test_a_known_answer_in_whatever_order_the_fields_come() -> None:
    assert isinstance(verdict({**FIELDS, "mac": MAC}), Verified)
    assert isinstance(verdict({"mac": MAC.upper(), **dict(reversed(FIELDS.items()))}), Verified)


def test_names_are_ordered_without_their_case() -> None:
    renamed = {("Buyer" if name == "buyer" else name): value for name, value in FIELDS.items()}
    assert isinstance(verdict({**renamed, "mac": MAC}), Verified)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (FIELDS, RefusalReason.MALFORMED_SIGNATURE),
        ({**FIELDS, "mac": MAC[:-2]}, RefusalReason.MALFORMED_SIGNATURE),
        (b"mac=1&mac=2", RefusalReason.MALFORMED_SIGNATURE),
        ({**FIELDS, "mac": MAC, "status": "Failed"}, RefusalReason.SIGNATURE_MISMATCH),
        ({**FIELDS, "mac": MAC, "zzz_new": ""}, RefusalReason.SIGNATURE_MISMATCH),
    ],
    ids=["none", "short", "twice", "status", "a new field"],
)
def test_why_it_is_refused(fields: dict[str, str] | bytes, reason: RefusalReason) -> None:
    refused = verdict(fields)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@pytest.mark.parametrize(("status", "kind"), [("Credit", Kind.CAPTURED), ("Failed", Kind.FAILED)])
def test_a_payment(status: str, kind: Kind) -> None:
    parsed = parse("instamojo", urlencode({**FIELDS, "status": status}).encode())
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    created, fact = parsed.facts
    assert (fact.aggregate, fact.ref, fact.at_ms) == ("MOJO1", "MOJO1", NOW_MS + 5)
    assert fact.amount_minor == (10_000 if kind is Kind.CAPTURED else None)
    assert created.detail == {"order_id": "req_1", "customer_email": "pat@example.com"}


def test_an_unknown_status_and_a_wrong_amount() -> None:
    assert "unknown" in parse("instamojo", urlencode({**FIELDS, "status": "Odd"}).encode()).reason
    with pytest.raises(AmountError):
        parse("instamojo", urlencode({**FIELDS, "amount": "1.001"}).encode())
