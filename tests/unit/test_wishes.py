"""What `paybell trigger` is asked for becomes a request that a source believes, or one that is spoilt as asked."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec.structs import replace

from paybell.cli.captures import request_of
from paybell.cli.wishes import Made, Wish, fresh_like, make
from paybell.errors import ConfigurationError
from paybell.gateways import GATEWAYS
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused
from paybell.model.source import Source
from paybell.receive.rules import judge
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from paybell.transports.request import check_headers
from tests.unit.gateways.sources import NOW_MS, notification, source

CHANCE = bytes(range(7, 71))
NAMES = tuple(PRETENDERS)
KEYED = tuple(name for name in NAMES if PRETENDERS[name].has_private_key)


def own_key(name: str) -> str:
    """What `--signing-key` is to be given so that the source of the tests believes it."""
    return PRETENDERS[name].secret if name in KEYED else ""


def made(name: str, wish: Wish, at: Source | None = None) -> Made:
    return make(wish, PRETENDERS[name], GATEWAYS[name], at or source(name), now_ms=NOW_MS, chance=CHANCE)


def refusal(name: str, wish: Wish, at: Source | None = None) -> RefusalReason | None:
    answer = judge(request_of(made(name, wish, at).request), at or source(name), GATEWAYS[name], NOW_MS)
    return answer.reason if isinstance(answer, Refused) else None


def signs_time(name: str) -> bool:
    return bool(GATEWAYS[name].about.time_signed)


@pytest.mark.parametrize(("name", "event"), [(name, event) for name in NAMES for event in PRETENDERS[name].events])
def test_every_event_of_every_gateway_is_believed_and_late_ones_too(name: str, event: str) -> None:
    wish = Wish(event=event, signing_key=own_key(name))
    assert refusal(name, wish) is None
    late = replace(wish, late_s=86_400)
    assert refusal(name, late) is None
    for each in (wish, late):
        request = made(name, each).request
        check_headers(pair for pair in request.headers if pair[0] != "user-agent")
        items = judge(request_of(request), source(name), GATEWAYS[name], NOW_MS)
        assert not isinstance(items, Refused)
        for item in items:
            parsed = GATEWAYS[name].parse(notification(item.body), source(name))
            assert item.hint or parsed.facts or parsed.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_signature_is_a_mismatch_and_of_the_same_form(name: str) -> None:
    event = PRETENDERS[name].events[0]
    wish = Wish(event=event, wrong_signature=True)
    if name in KEYED:
        other = PRETENDERS[name].source_secret(new_key())
        at = replace(source(name), secrets=(other,))
        assert refusal(name, wish, at) is RefusalReason.SIGNATURE_MISMATCH
    elif GATEWAYS[name].about.credential:
        assert refusal(name, wish) is RefusalReason.SIGNATURE_MISMATCH
    else:
        assert refusal(name, wish) is RefusalReason.TOKEN_MISMATCH


@pytest.mark.parametrize("name", NAMES)
def test_a_skew_is_seen_where_a_time_is_signed_and_refused_where_none_is(name: str) -> None:
    wish = Wish(event=PRETENDERS[name].events[0], signing_key=own_key(name), skew_s=-90_000)
    if signs_time(name):
        assert refusal(name, wish) is RefusalReason.TIMESTAMP_TOO_OLD
        assert refusal(name, replace(wish, skew_s=90_000)) is RefusalReason.TIMESTAMP_IN_FUTURE
    else:
        with pytest.raises(ConfigurationError, match=f"{name} signs no time, so --skew would change nothing"):
            made(name, wish)


@pytest.mark.parametrize("name", KEYED)
def test_a_key_of_ones_own_is_believed_by_a_source_that_holds_its_public_part(name: str) -> None:
    key = new_key()
    wish = Wish(event=PRETENDERS[name].events[0], signing_key=key)
    assert refusal(name, wish) is RefusalReason.SIGNATURE_MISMATCH
    at = replace(source(name), secrets=(*source(name).secrets, PRETENDERS[name].source_secret(key)))
    assert refusal(name, wish, at) is None
    with pytest.raises(ConfigurationError, match="make a pair of your own"):
        made(name, replace(wish, signing_key=""))
    with pytest.raises(ConfigurationError, match="must be the file of a private key in PEM"):
        made(name, replace(wish, signing_key="nonsense"))


def new_key() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("name", [name for name in NAMES if GATEWAYS[name].about.credential and name not in KEYED])
def test_without_a_secret_the_error_says_what_to_do(name: str) -> None:
    wish = Wish(event=PRETENDERS[name].events[0])
    with pytest.raises(ConfigurationError, match="no secret to sign with: PATCH /api/v1/source/") as raised:
        made(name, wish, replace(source(name), secrets=()))
    assert GATEWAYS[name].about.credential in str(raised.value)
    with pytest.raises(ConfigurationError, match="leave --signing-key away"):
        made(name, replace(wish, signing_key="a key"))


def test_amounts_currency_and_ids_are_those_that_were_asked_for() -> None:
    wish = Wish(
        event="refund.updated", amount="12.5", currency="kwd", payment_id="pi_7", order_id="order_7", refund="2.125"
    )
    asked = made("stripe", wish)
    parsed = GATEWAYS["stripe"].parse(notification(asked.request.body), source("stripe"))
    (refunded,) = [fact for fact in parsed.facts if fact.kind is Kind.REFUND_SUCCEEDED]
    assert (asked.payment_id, refunded.aggregate) == ("pi_7", "pi_7")
    assert (refunded.amount_minor, refunded.currency) == (2125, "KWD")
    whole = made("stripe", replace(wish, refund=""))
    parsed = GATEWAYS["stripe"].parse(notification(whole.request.body), source("stripe"))
    assert [fact.amount_minor for fact in parsed.facts if fact.kind is Kind.REFUND_SUCCEEDED] == [12500]


def test_a_late_event_is_older_than_its_signature() -> None:
    request = made("stripe", Wish(event="charge.succeeded", late_s=100)).request
    assert f"t={NOW_MS // 1000}," in dict(request.headers)["stripe-signature"]
    facts = GATEWAYS["stripe"].parse(notification(request.body), source("stripe")).facts
    assert max(fact.at_ms for fact in facts) == NOW_MS - 100_000


def test_options_of_the_source_say_how_a_generic_sender_signs_and_writes() -> None:
    options = {
        "header": "X-Sig",
        "algorithm": "sha512",
        "encoding": "base64",
        "prefix": "v1=",
        "timestampHeader": "X-Time",
        "signedTemplate": "{timestamp}|{body}|z",
        "amountUnit": "minor",
        "statusMap": {"DONE": "completed"},
        "paymentIdPointer": "/a/b~1c/id",
        "amountPointer": "/n",
        "currencyPointer": "/currency",
        "statusPointer": "/word",
        "idPointer": "/n/id",
    }
    at = source("generic", options=options)
    GATEWAYS["generic"].check(at)
    assert refusal("generic", Wish(event="payment.completed", skew_s=-9000), at) is RefusalReason.TIMESTAMP_TOO_OLD
    asked = made("generic", Wish(event="payment.completed", payment_id="p"), at)
    parsed = GATEWAYS["generic"].parse(notification(asked.request.body), at)
    assert b'"word":"DONE"' in asked.request.body
    captured = [fact for fact in parsed.facts if fact.kind is Kind.CAPTURED]
    assert [(fact.aggregate, fact.amount_minor) for fact in captured] == [("p", 10_000)]


def test_a_verifier_of_the_source_is_served_too() -> None:
    verifier = {"header": "x-sig", "template": "{timestamp}.{body}", "timestampHeader": "x-time"}
    at = replace(source("ippopay", options={"verifier": verifier}), secrets=("a-secret",))
    GATEWAYS["ippopay"].check(at)
    assert refusal("ippopay", Wish(event="order.success"), at) is None
    assert refusal("ippopay", Wish(event="order.success", skew_s=9000), at) is RefusalReason.TIMESTAMP_IN_FUTURE


@pytest.mark.parametrize(
    ("example", "form"),
    [
        ("pi_example1", r"pi_[a-z2-7]{15}"),
        ("order-example-1", r"order-[a-z2-7]{15}"),
        ("1001", r"1[0-9]{8}"),
        ("49000001234", r"1[0-9]{10}"),
        ("QFQTPCQ8HXSKGK82", r"[A-Z]{7}[0-9][A-Z]{6}[0-9]{2}"),
        ("0b8f3b2e-3b1a-4c56-9f0d-5f0b5f3d9c11", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("65f0c2a9b1d3e4f5a6b7c8d9", r"[0-9a-f]{24}"),
        ("krn:eu1:0b8f3b2e-3b1a-4c56-9f0d-5f0b5f3d9c11", r"krn:eu1:[0-9a-f-]{36}"),
        ("EXAMPLE.1", r"[A-Z]{7}\.[0-9]"),
        ("", ""),
    ],
)
def test_a_new_id_has_the_form_of_the_gateways_own(example: str, form: str) -> None:
    assert re.fullmatch(form, fresh_like(example, CHANCE))
    assert not example or fresh_like(example, CHANCE) != fresh_like(example, CHANCE[::-1])


def test_a_wish_does_not_show_its_key() -> None:
    assert "secret key" not in repr(Wish(event="x", signing_key="secret key"))
