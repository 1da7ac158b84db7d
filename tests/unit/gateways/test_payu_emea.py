import pytest

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

BODY = b'{"a":1}'
# By `openssl dgst -md5` and `-sha256` of {"a":1}key2.
MD5 = b"1cc4a18a26780d8f9d179c8ad1ac2bd1"
SHA256 = b"47a22dcd249d6226e3c156053df8baea3333f0d385c518be6e0c0f0b0e0bc7f7"


def verdict(header: bytes | None, *, name: bytes = b"openpayu-signature", algorithm: str = "md5") -> Verdict:
    options = {"algorithm": algorithm}
    made = Request(BODY, () if header is None else ((name, header),))
    return gateway("payu_emea").verify(made, source("payu_emea", secrets=("key2",), options=options), NOW_MS)


def order(status: str, **more: object) -> dict[str, object]:
    own = {"orderId": "PAYU1", "extOrderId": "order_1", "status": status, "totalAmount": "2100", "currencyCode": "PLN"}
    buyer = {"email": "pat@example.com", "firstName": "Pat", "lastName": "Example"}
    created = {"orderCreateDate": "2025-06-15T17:06:00.000+02:00"}
    return {"order": {**own, **created, "buyer": buyer}, "properties": [], **more}


def refund(status: str) -> dict[str, object]:
    own = {"refundId": "R1", "amount": "700", "currencyCode": "PLN", "status": status}
    return {"orderId": "PAYU1", "refund": {**own, "statusDateTime": "2025-06-15T17:06:40.000+02:00"}}


def test_known_answers() -> None:
    assert isinstance(verdict(b"sender=1;signature=" + MD5 + b";algorithm=MD5;content=DOCUMENT"), Verified)
    assert isinstance(verdict(b"signature=" + SHA256 + b";algorithm=SHA-256", algorithm="sha256"), Verified)
    assert isinstance(verdict(b"signature=" + MD5, name=b"x-openpayu-signature"), Verified)


def test_the_source_chooses_the_algorithm_and_never_the_header() -> None:
    strong = b"signature=" + SHA256 + b";algorithm="
    weak = b"signature=" + MD5 + b";algorithm="
    assert isinstance(verdict(strong + b"MD5", algorithm="sha256"), Verified)
    for header, algorithm in ((strong + b"SHA-256", "md5"), (weak + b"MD5", "sha256")):
        refused = verdict(header, algorithm=algorithm)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.MALFORMED_SIGNATURE
        assert "option 'algorithm'" in refused.detail


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, RefusalReason.HEADER_MISSING),
        (b"sender=1;algorithm=MD5", RefusalReason.MALFORMED_SIGNATURE),
        (b"signature=" + MD5 + b";signature=" + MD5, RefusalReason.MALFORMED_SIGNATURE),
        (b"signature=" + MD5[::-1], RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_it_is_refused(header: bytes | None, reason: RefusalReason) -> None:
    refused = verdict(header)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_md5_is_what_a_source_that_says_nothing_expects() -> None:
    made = Request(BODY, ((b"openpayu-signature", b"signature=" + MD5),))
    assert isinstance(gateway("payu_emea").verify(made, source("payu_emea", secrets=("key2",)), NOW_MS), Verified)


def test_an_algorithm_that_payu_has_not() -> None:
    with pytest.raises(ConfigurationError, match="md5, sha1, sha256"):
        gateway("payu_emea").check(source("payu_emea", options={"algorithm": "none"}))


@pytest.mark.parametrize(
    ("status", "kind", "ref", "amount"),
    [
        ("PENDING", Kind.PROCESSING, "PAYU1", None),
        ("WAITING_FOR_CONFIRMATION", Kind.AUTHORIZED, "PAYU1", 2100),
        ("COMPLETED", Kind.CAPTURED, "PAYU1", 2100),
        ("CANCELED", Kind.CANCELED, "", None),
    ],
)
def test_an_orders_status(status: str, kind: Kind, ref: str, amount: int | None) -> None:
    parsed = parse("payu_emea", order(status, localReceiptDateTime="2025-06-15T17:06:40.500+02:00"))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    created, fact = parsed.facts
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("PAYU1", ref, amount, NOW_MS + 500)
    assert (created.amount_minor, created.at_ms) == (2100, NOW_MS - 40_000)
    assert created.detail == {
        "order_id": "order_1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [("FINALIZED", Kind.REFUND_SUCCEEDED), ("PENDING", Kind.REFUND_PENDING), ("CANCELED", Kind.REFUND_FAILED)],
)
def test_a_refund_reaches_its_order(status: str, kind: Kind) -> None:
    fact = only(parse("payu_emea", refund(status)), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("PAYU1", "R1", 700, NOW_MS)


def test_what_is_unknown_says_nothing_and_what_is_no_amount_is_malformed() -> None:
    assert "unknown" in parse("payu_emea", order("ODD")).reason
    assert "unknown" in parse("payu_emea", refund("ODD")).reason
    assert parse("payu_emea", {"payout": {}}).reason == "it tells of no order and no refund"
    for amount in ("21.00", "", "\u0661", "1" * 17):
        wrong = order("COMPLETED")
        wrong["order"] = {"orderId": "1", "status": "COMPLETED", "totalAmount": amount, "currencyCode": "PLN"}
        with pytest.raises(MalformedPayload):
            parse("payu_emea", wrong)
