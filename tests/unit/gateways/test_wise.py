from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import Hint, RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.wise import wise_transfer
from tests.unit.gateways.asking import answered, plan, planned
from tests.unit.gateways.sources import NOW_MS, NOW_S, notification, only, parse, request, source

# The public key of Wise's sandbox, the body and the signature are those of its digital-signatures-examples.
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwpb91cEYuyJNQepZAVfP
ZIlPZfNUefH+n6w9SW3fykqKu938cR7WadQv87oF2VuT+fDt7kqeRziTmPSUhqPU
ys/V2Q1rlfJuXbE+Gga37t7zwd0egQ+KyOEHQOpcTwKmtZ81ieGHynAQzsn1We3j
wt760MsCPJ7GMT141ByQM+yW1Bx+4SG3IGjXWyqOWrcXsxAvIXkpUD/jK/L958Cg
nZEgz0BSEh0QxYLITnW1lLokSx/dTianWPFEhMC9BgijempgNXHNfcVirg1lPSyg
z7KqoKUN0oHqWLr2U1A+7kqrl6O2nx3CKs1bj1hToT1+p4kcMoHXA7kA+VBLUpEs
VwIDAQAB
-----END PUBLIC KEY-----"""
BODY = (
    b'{"data":{"resource":{"id":49983981,"profile_id":16055450,"account_id":14124090,"type":"transfer"},'
    b'"current_state":"incoming_payment_waiting","previous_state":null,"occurred_at":"2021-08-23T10:12:50Z"},'
    b'"subscription_id":"90aa8e14-4ef1-4a56-861c-f3c9cde097ea","event_type":"transfers#state-change",'
    b'"schema_version":"2.0.0","sent_at":"2021-08-23T10:12:50Z"}'
)
SIGNATURE = (
    b"wKcKCYXAzxNgiu7xmoDm943NUni7Rz33QN8JkEA9dWSGebgndonabgSj18Y4C08OrwVmueGsED2s00M7DtJVcYKOS1i3G4TMVx+mgM3aL9djMBkQ"
    b"tiYNBFUd6wrPI7ZUNHv/TrlKSjTMc+6JFvUvJ7owY3z85e3I4jLRLJowMFvO8kvCJ60+1pY9wDwZvtZ//WS93LrwGjk9Dvwzpmu0w+P4J75tETT5"
    b"qC3Uv0y5G2yO8SEoO3yNP/tg/BOli02niHb53vEOUWUb9bly6thnfMoXoiV/osoGxgF20R58RlvkAmezyyl1Sv542TfS2DpiwVnmjjjkCyXeSUcK"
    b"ookYLQ=="
)


def verdict(signature: bytes, body: bytes = BODY) -> object:
    made = Request(body, ((b"x-signature-sha256", signature),))
    return gateway("wise").verify(made, source("wise", secrets=(PUBLIC_KEY,), options={}), NOW_MS)


def test_the_published_signature_is_right() -> None:
    assert isinstance(verdict(SIGNATURE), Verified)


@pytest.mark.parametrize(
    ("signature", "body", "reason"),
    [
        (b"", BODY, RefusalReason.HEADER_MISSING),
        (b"no base64!", BODY, RefusalReason.MALFORMED_SIGNATURE),
        (SIGNATURE, BODY.replace(b"49983981", b"49983982"), RefusalReason.SIGNATURE_MISMATCH),
        (b64encode(b64decode(SIGNATURE)[:-1]), BODY, RefusalReason.SIGNATURE_MISMATCH),
        (b64encode(bytes(256)), BODY, RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_a_request_is_refused(signature: bytes, body: bytes, reason: RefusalReason) -> None:
    refused = verdict(signature, body)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_unsigned_delivery_id_makes_no_other_notification() -> None:
    one, other = (
        gateway("wise").verify(
            request(pretender("wise").signed("balances#credit", at_s=NOW_S, event_id=event_id)), source("wise"), NOW_MS
        )
        for event_id in ("one", "two")
    )
    assert one == other
    assert isinstance(one, Verified)


def test_an_events_transfer_is_asked_for_where_that_can_be() -> None:
    parsed = parse("wise", BODY)
    assert (parsed.event, parsed.facts) == ("transfers#state-change", ())
    assert parsed.reason.startswith("a transfer (incoming_payment_waiting): its amount is asked")
    made = plan("wise", BODY, {"apiToken": "token-1"})
    assert (made.url, made.subject) == ("https://api.wise.com/v1/transfers/49983981", "49983981")
    assert ("authorization", "Bearer token-1") in made.headers
    assert planned("wise", BODY, {}) is None
    for body in (b"{}", b"no json", b'{"event_type":"transfers#x","data":{"resource":{"id":"../1"}}}'):
        with pytest.raises(MalformedPayload):
            planned("wise", body, {"apiToken": "token-1"})


def test_a_transfer_is_a_hint_whatever_unsigned_headers_say_and_a_balance_is_none() -> None:
    def verdict_of(name: str, options: Mapping[str, object] | None, *more: tuple[bytes, bytes]) -> object:
        made = request(pretender("wise").signed(name, at_s=NOW_S))
        sent = replace(made, headers=(*made.headers, *more))
        return gateway("wise").verify(sent, source("wise", options=options), NOW_MS)

    assert isinstance(verdict_of("transfers#state-change", None), Hint)
    assert isinstance(verdict_of("transfers#state-change", None, (b"x-test-notification", b"true")), Hint)
    assert isinstance(verdict_of("transfers#state-change", {}), Verified)
    assert isinstance(verdict_of("balances#credit", None), Verified)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("incoming_payment_waiting", Kind.PAYOUT_CREATED),
        ("funds_converted", Kind.PAYOUT_CREATED),
        ("bounced_back", Kind.PAYOUT_CREATED),
        ("outgoing_payment_sent", Kind.PAYOUT_PAID),
        ("cancelled", Kind.PAYOUT_CANCELED),
        ("funds_refunded", Kind.PAYOUT_FAILED),
        ("charged_back", Kind.PAYOUT_FAILED),
    ],
)
def test_a_transfers_status(status: str, kind: Kind) -> None:
    fact = only(answered("wise", "7", wise_transfer(7, status, "150.50")), kind)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("7", NOW_MS + 5, 15_050, "EUR")


@pytest.mark.parametrize(
    ("subject", "body", "final"),
    [
        ("7", wise_transfer(7, "unknown", "1"), True),
        ("7", wise_transfer(7, "processing", "0"), False),
        ("8", wise_transfer(7, "processing", "1"), False),
    ],
)
def test_an_answer_that_says_nothing_has_a_reason(subject: str, body: bytes, final: bool) -> None:  # noqa: FBT001
    parsed = answered("wise", subject, body)
    assert (parsed.facts, parsed.final) == ((), final)
    assert parsed.reason


def test_equal_answers_have_equal_keys() -> None:
    wise: Any = gateway("wise")
    keys = [
        wise.fetched_key("7", wise_transfer(7, status, "1")) for status in ("processing", "cancelled", "processing")
    ]
    assert keys[0] == keys[2] != keys[1]


def test_a_balance_and_a_test_are_said_to_be_such() -> None:
    assert "balances" in parse("wise", {"event_type": "balances#credit"}).reason
    made = notification(BODY, headers=(("x-test-notification", "true"),))
    assert gateway("wise").parse(made, source("wise")).reason == "a test notification of Wise"


def test_the_secret_is_a_public_key() -> None:
    gateway("wise").check(source("wise", secrets=(PUBLIC_KEY,)))
    with pytest.raises(ConfigurationError, match="BEGIN PUBLIC KEY"):
        gateway("wise").check(source("wise", secrets=("whsec_1",)))
