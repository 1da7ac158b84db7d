from base64 import b64decode, b64encode

import pytest

from paybell.errors import ConfigurationError
from paybell.gateways import gateway
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.sources import NOW_MS, NOW_S, notification, parse, request, source

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
    return gateway("wise").verify(made, source("wise", secrets=(PUBLIC_KEY,)), NOW_MS)


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


def test_a_transfer_is_money_paid_out() -> None:
    parsed = parse("wise", BODY)
    assert (parsed.event, parsed.facts) == ("transfers#state-change", ())
    assert parsed.reason == "a transfer (incoming_payment_waiting): money paid out, not a payment"


def test_a_balance_and_a_test_are_said_to_be_such() -> None:
    assert "balances" in parse("wise", {"event_type": "balances#credit"}).reason
    made = notification(BODY, headers=(("x-test-notification", "true"),))
    assert gateway("wise").parse(made, source("wise")).reason == "a test notification of Wise"


def test_the_secret_is_a_public_key() -> None:
    gateway("wise").check(source("wise", secrets=(PUBLIC_KEY,)))
    with pytest.raises(ConfigurationError, match="BEGIN PUBLIC KEY"):
        gateway("wise").check(source("wise", secrets=("whsec_1",)))
