import pytest

from paybell.errors import MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from tests.unit.gateways.sources import NOW_MS, NOW_S, only, parse, source

# Made by the `openssl` command: SHA-512 of {"payout_id":1} and IRIS-merchant-research.
KNOWN = (
    "5c3eabff1038e417e8b78cd78ab83b53ea4d6981604f89f1f264a95dc2135e94"
    "7447609e0d6ab24d9ff888abbd66e7b8da0f063a2e41a2d95d5e5ec9c3f0d32d"
)


def verdict(signature: bytes, body: bytes = b'{"payout_id":1}', secret: str = "IRIS-merchant-research") -> object:
    made = Request(body, ((b"iris-signature", signature),))
    return gateway("midtrans_iris").verify(made, source("midtrans_iris", secrets=(secret,)), NOW_MS)


def test_a_known_answer() -> None:
    assert isinstance(verdict(KNOWN.encode()), Verified)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (KNOWN[:-2].encode(), RefusalReason.MALFORMED_SIGNATURE),
        (b"0" * 128, RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_a_request_is_refused(signature: bytes, reason: RefusalReason) -> None:
    refused = verdict(signature)
    assert isinstance(refused, Refused)
    assert refused.reason is reason
    assert isinstance(verdict(KNOWN.encode(), b'{"payout_id": 1}'), Refused)
    assert isinstance(verdict(KNOWN.encode(), secret="another"), Refused)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("queued", Kind.PAYOUT_CREATED),
        ("approved", Kind.PAYOUT_CREATED),
        ("processed", Kind.PAYOUT_CREATED),
        ("completed", Kind.PAYOUT_PAID),
        ("rejected", Kind.PAYOUT_CANCELED),
        ("failed", Kind.PAYOUT_FAILED),
    ],
)
def test_a_payouts_status(status: str, kind: Kind) -> None:
    body = {"reference_no": "po-1", "amount": "150000.0", "status": status, "updated_at": "2025-06-15T15:06:40Z"}
    fact = only(parse("midtrans_iris", {**body, "error_code": "012", "error_message": "No account"}), kind)
    assert (fact.aggregate, fact.at_ms) == ("po-1", NOW_S * 1000)
    assert (fact.amount_minor, fact.currency) == (15_000_000, "IDR")
    assert fact.detail == {"failure_code": "012", "failure_message": "No account"}


def test_a_topup_and_what_is_unknown_have_no_fact() -> None:
    topup = {"transaction_id": "t1", "order_id": "o1", "gross_amount": "1000", "status": "topup"}
    for body in (topup, {"reference_no": "po-1", "status": "brand_new"}, {"status": "completed"}):
        parsed = parse("midtrans_iris", body)
        assert parsed.facts == ()
        assert "top-up" in parsed.reason
    for body in (b"no json", b'{"status":"completed","reference_no":"a b"}'):
        with pytest.raises(MalformedPayload):
            parse("midtrans_iris", body)
