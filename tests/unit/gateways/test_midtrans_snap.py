from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from paybell.errors import ConfigurationError
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.private_keys import base64_rsa_sha256, private_pem
from tests.unit.gateways.asking import money
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, notification, only, request, source, with_header

NAME = "midtrans_snap"
PATH = {"path": "/in/midtrans-snap"}


def signed(event: str = "payment.success", **more: Any) -> Request:
    return request(pretender(NAME).signed(event, at_s=NOW_S, **more))


def verdict(made: Request, **options: object) -> object:
    return gateway(NAME).verify(made, source(NAME, options={**PATH, **options}), NOW_MS)


def refusal(made: Request, **options: object) -> RefusalReason:
    refused = verdict(made, **options)
    assert isinstance(refused, Refused)
    return refused.reason


def read(event: str, **more: Any) -> Parsed:
    return gateway(NAME).parse(notification(signed(event, **more).body), source(NAME))


def test_what_is_signed_is_written_out() -> None:
    body = b'{"amount":{"value":"1.00"},"x":"a b"}'
    digest = sha256(body).hexdigest()
    text = f"POST:/in/midtrans-snap:{digest}:2025-06-15T22:06:40+07:00"
    headers = (
        (b"x-timestamp", b"2025-06-15T22:06:40+07:00"),
        (b"x-signature", base64_rsa_sha256(private_pem(), text.encode()).encode()),
    )
    for sent in (body, b'{ "amount" : {"value": "1.00"},\n "x":"a b" }'):
        assert isinstance(verdict(Request(sent, headers)), Verified)
    assert refusal(Request(body.replace(b"a b", b"ab"), headers)) is RefusalReason.SIGNATURE_MISMATCH


def test_only_the_sources_own_path_counts() -> None:
    assert isinstance(verdict(signed()), Verified)
    assert refusal(signed(), path="/in/other") is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("x-signature", None, RefusalReason.HEADER_MISSING),
        ("x-signature", b"no base64!", RefusalReason.MALFORMED_SIGNATURE),
        ("x-timestamp", None, RefusalReason.HEADER_MISSING),
        ("x-timestamp", b"yesterday", RefusalReason.TIMESTAMP_MALFORMED),
        ("x-timestamp", b"\xff", RefusalReason.TIMESTAMP_MALFORMED),
        ("x-timestamp", b"2025-06-15T15:06:41+00:00", RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_a_request_is_refused(name: str, value: bytes | None, reason: RefusalReason) -> None:
    assert refusal(with_header(signed(), name, value)) is reason


def test_space_in_the_body_makes_no_other_notification() -> None:
    made = signed()
    assert verdict(made) == verdict(replace(made, body=made.body.replace(b":", b": ")))


@pytest.mark.parametrize(
    ("event", "kind", "ref"),
    [
        ("payment.success", Kind.CAPTURED, "A1"),
        ("payment.pending", Kind.PROCESSING, "A1"),
        ("payment.failed", Kind.FAILED, "A1"),
        ("payment.cancelled", Kind.CANCELED, ""),
    ],
)
def test_a_status_is_one_fact_of_the_transaction(event: str, kind: Kind, ref: str) -> None:
    parsed = read(event, payment_id="A1", order_id="order_7", amount="12500.00")
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    assert money(only(parsed, kind)) == ("A1", ref, 1_250_000, "IDR")
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "order_7"}


def test_a_refund_needs_its_amount() -> None:
    refund = only(read("payment.refunded", payment_id="A1", refund_id="R1", refund_minor=700), Kind.REFUND_SUCCEEDED)
    assert money(refund) == ("A1", "R1", 700, "IDR")
    bare = b'{"originalReferenceNo":"A1","latestTransactionStatus":"04","amount":{"value":"1.00","currency":"IDR"}}'
    parsed = gateway(NAME).parse(notification(bare), source(NAME))
    assert parsed.facts == ()
    assert "how much" in parsed.reason


def test_the_time_is_that_of_the_signature_else_of_receipt() -> None:
    body = signed().body
    late = notification(body, headers=(("x-timestamp", "2025-06-15T22:06:39+07:00"),))
    assert only(gateway(NAME).parse(late, source(NAME)), Kind.CAPTURED).at_ms == NOW_MS - 1000
    assert only(gateway(NAME).parse(notification(body), source(NAME)), Kind.CAPTURED).at_ms == NOW_MS + 5


def test_a_virtual_account_that_was_paid() -> None:
    body = b'{"trxId":"order_7","paymentRequestId":"P1","paidAmount":{"value":"5.00","currency":"IDR"}}'
    parsed = gateway(NAME).parse(notification(body), source(NAME))
    assert money(only(parsed, Kind.CAPTURED)) == ("order_7", "P1", 500, "IDR")


@pytest.mark.parametrize("body", [b"{}", b'{"latestTransactionStatus":"07","amount":{"value":"1"}}'])
def test_what_is_unknown_is_unmapped(body: bytes) -> None:
    parsed = gateway(NAME).parse(notification(body), source(NAME))
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    ("options", "words"), [({}, "'path'"), ({"path": "in/snap"}, "'path'"), ({"path": 1}, "'path'")]
)
def test_the_path_is_needed(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        gateway(NAME).check(source(NAME, options=options))


def test_the_secret_is_a_public_key() -> None:
    with pytest.raises(ConfigurationError, match="public key in PEM"):
        gateway(NAME).check(source(NAME, secrets=("no key",)))
