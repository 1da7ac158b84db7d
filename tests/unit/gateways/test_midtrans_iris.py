import pytest

from paybell.errors import MalformedPayload
from paybell.gateways import gateway
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.sources import NOW_MS, NOW_S, parse, source

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


def test_a_payout_is_no_payment() -> None:
    parsed = parse("midtrans_iris", pretender("midtrans_iris").signed("payout.completed", at_s=NOW_S).body)
    assert (parsed.event, parsed.facts) == ("completed", ())
    assert "not a payment" in parsed.reason
    with pytest.raises(MalformedPayload):
        parse("midtrans_iris", b"no json")
