"""Every gateway keeps to the port. A new gateway passes this suite by its entry in the registry and its pretender."""

import json
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import GATEWAYS, gateway
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request, Verdict, Verified
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from paybell.testing.gateways import SignedRequest
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, TOKEN, notification, request, source, with_header

NAMES = tuple(GATEWAYS)
SIGNING = tuple(name for name in NAMES if not GATEWAYS[name].has_token)
SIGNATURE_HEADERS = {
    "stripe": "stripe-signature",
    "razorpay": "x-razorpay-signature",
    "generic": "x-paybell-signature",
}
SENT = [(name, event) for name in NAMES for event in PRETENDERS[name].events]


def sent(name: str, event: str = "", secret: str = "") -> SignedRequest:
    own = TOKEN if GATEWAYS[name].has_token else SECRET
    return pretender(name).signed(event or pretender(name).events[0], secret=secret or own, at_s=NOW_S)


def verdict(name: str, made: Request, secrets: tuple[str, ...] = (SECRET,)) -> Verdict:
    return gateway(name).verify(made, source(name, secrets=secrets), NOW_MS)


def signature(name: str) -> bytes:
    value = request(sent(name)).header(SIGNATURE_HEADERS[name].encode())
    assert value is not None
    return value


def test_the_registry_names_what_it_knows() -> None:
    assert {name: each.name for name, each in GATEWAYS.items()} == {name: name for name in NAMES}
    with pytest.raises(ConfigurationError, match="stripe, razorpay, ippopay, generic"):
        gateway("nobody")
    with pytest.raises(ConfigurationError, match="known: stripe, razorpay, ippopay, generic"):
        pretender("nobody")


@pytest.mark.parametrize("name", NAMES)
def test_its_secret_options_are_options_and_its_titles_are_there(name: str) -> None:
    each = gateway(name)
    assert each.title
    assert each.docs_url.startswith("https://")
    assert each.answer.status_code == 200
    for option in each.secret_options:
        with pytest.raises(ConfigurationError, match=f"'{option}'"):
            each.check(source(name, options={option: 1}))


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused_by_name(name: str) -> None:
    each = gateway(name)
    each.check(source(name))
    with pytest.raises(ConfigurationError, match=f"'{name}' has no option 'surprise'"):
        each.check(source(name, options={**source(name).options, "surprise": 1}))
    with pytest.raises(ConfigurationError, match="secret"):
        each.check(source(name, secrets=(" whsec_padded",)))


@pytest.mark.parametrize(("name", "event"), SENT)
def test_every_pretended_event_is_believed_and_read(name: str, event: str) -> None:
    made = sent(name, event)
    answer = verdict(name, request(made))
    assert isinstance(answer, Hint if GATEWAYS[name].has_token else Verified)
    assert 0 < len(answer.dedupe_key) <= 255
    parsed = gateway(name).parse(notification(made.body), source(name))
    assert parsed.reason if GATEWAYS[name].has_token else parsed.facts
    assert made == sent(name, event)


@pytest.mark.parametrize("name", NAMES)
def test_a_pretender_names_its_events_when_asked_for_another(name: str) -> None:
    with pytest.raises(ConfigurationError, match=pretender(name).events[-1]):
        sent(name, "no.such.event")


@pytest.mark.parametrize("name", SIGNING)
def test_every_live_secret_verifies_and_none_means_refused(name: str) -> None:
    made = request(sent(name))
    assert isinstance(verdict(name, made, secrets=("newer", SECRET)), Verified)
    assert isinstance(verdict(name, made, secrets=(SECRET, "older")), Verified)
    for secrets in ((), ("",)):
        refused = verdict(name, made, secrets=secrets)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.NO_SECRET


@pytest.mark.parametrize("name", SIGNING)
def test_another_secret_or_body_is_a_mismatch(name: str) -> None:
    made = request(sent(name))
    for wrong in (request(sent(name, secret="other")), Request(made.body + b" ", made.headers)):
        refused = verdict(name, wrong)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


def _hostile(good: bytes) -> Iterator[bytes]:
    yield from (b"", b" ", b",", b"=", b"t=", b"v1=", b"t=,v1=", b"bad_header", b"\xff\xfe\x00", b"\xc3\xa9" * 40)
    yield from (good[:-1], good[:-2], good[1:], good + b"0", good + b"00", good.replace(b"=", b""), good[::-1])
    yield from (b"a" * 64, b"0" * 64, b"g" * 64, b"sha256=" + good, good * 100, b"t=9" * 5000)
    yield good.replace(b"t=", b"t=-")
    yield good.replace(b"t=", b"t= 1")
    yield good.replace(b"v1=", b"v0=")


@pytest.mark.parametrize("name", SIGNING)
def test_a_hostile_signature_header_is_refused(name: str) -> None:
    made = request(sent(name))
    header, good = SIGNATURE_HEADERS[name], signature(name)
    refused = verdict(name, with_header(made, header, None))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.HEADER_MISSING
    for value in _hostile(good):
        if value != good:
            assert isinstance(verdict(name, with_header(made, header, value)), Refused), value[:80]


@pytest.mark.parametrize("name", SIGNING)
def test_a_compressed_body_is_refused_and_an_identity_one_is_not(name: str) -> None:
    made = request(sent(name))
    refused = verdict(name, with_header(made, "content-encoding", b"gzip"))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.CONTENT_ENCODING
    assert isinstance(verdict(name, with_header(made, "content-encoding", b"Identity")), Verified)


def _mutated(good: bytes, chance: random.Random) -> bytes:
    value = bytearray(good)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(value))
        match chance.randrange(3):
            case 0:
                value[place] = chance.randrange(256)
            case 1:
                del value[place]
            case _:
                value.insert(place, chance.choice(b"0123456789abcdef,=tv1"))
    return bytes(value)


def _means_the_same(name: str, value: bytes, good: bytes) -> bool:
    """Whether a mutation left the signature itself as it was (another case, or another scheme's word beside it)."""
    if name != "stripe":
        return value.lower() == good.lower()
    items = dict(item.strip().split(b"=", 1) for item in value.split(b",") if b"=" in item)
    theirs = dict(item.split(b"=", 1) for item in good.split(b","))
    return items.get(b"t", b"").strip() == theirs[b"t"] and items.get(b"v1", b"").strip().lower() == theirs[b"v1"]


@pytest.mark.parametrize("name", SIGNING)
def test_none_of_20_000_mutated_signatures_is_accepted(name: str) -> None:
    chance = random.Random(20_000)
    made, header, good = request(sent(name)), SIGNATURE_HEADERS[name], signature(name)
    tried = 0
    while tried < 20_000:
        value = _mutated(good, chance)
        if not _means_the_same(name, value, good):
            tried += 1
            assert isinstance(verdict(name, with_header(made, header, value)), Refused), value


def test_none_of_20_000_mutated_tokens_is_accepted() -> None:
    chance = random.Random(20_001)
    made = request(sent("ippopay"))
    for _ in range(20_000):
        token = _mutated(TOKEN.encode(), chance).decode("latin-1")
        if token != TOKEN:
            assert isinstance(verdict("ippopay", Request(made.body, made.headers, token)), Refused), token


def _check_parsed(parsed: Parsed) -> None:
    assert isinstance(parsed, Parsed)
    assert parsed.facts or parsed.reason
    for fact in parsed.facts:
        _check_fact(fact)


def _check_fact(fact: Fact) -> None:
    texts = (fact.aggregate, fact.ref, fact.currency, *fact.detail.values())
    assert fact.aggregate
    assert "\x00" not in "".join(texts)
    "".join(texts).encode()
    assert all(fact.detail.values())
    assert 0 <= fact.at_ms < 2**53
    assert (fact.amount_minor is None) == (fact.currency == "")
    fact.digest()


def _parse_all(name: str, body: bytes) -> None:
    for origin, headers in ((Origin.WEBHOOK, ()), (Origin.POLL, (("paybell-subject", "order_1"),))):
        made = notification(body, origin=origin, headers=headers)
        try:
            _check_parsed(gateway(name).parse(made, source(name)))
        except (MalformedPayload, AmountError):
            continue


@given(st.sampled_from(NAMES), st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=20))
def test_verify_judges_any_bytes_and_never_raises(name: str, body: bytes, header: bytes, token: str) -> None:
    names = (b"stripe-signature", b"x-razorpay-signature", b"x-paybell-signature")
    made = Request(body, tuple((each, header) for each in names), token)
    assert isinstance(verdict(name, made), Refused)


@given(st.sampled_from(NAMES), st.binary(max_size=400))
def test_parse_of_any_bytes_gives_facts_or_our_errors(name: str, body: bytes) -> None:
    _parse_all(name, body)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["", "\u0000", "a\u0000b", "usd", "USD", "succeeded", "captured", "success", "x" * 300]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def _places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


def _replaced(value: object, path: tuple[object, ...], new: object) -> object:
    if not path:
        return new
    if isinstance(value, dict):
        return {key: _replaced(inner, path[1:], new) if key == path[0] else inner for key, inner in value.items()}
    assert isinstance(value, list)
    return [_replaced(inner, path[1:], new) if place == path[0] else inner for place, inner in enumerate(value)]


@pytest.mark.parametrize(("name", "event"), SENT)
def test_each_value_of_an_event_may_be_anything(name: str, event: str) -> None:
    body = json.loads(sent(name, event).body)
    for path in _places(body):
        for value in ([], {}, [{}], None, "", "a\u0000b", "x" * 300, True, 0, -1, 1.5, 10**30):
            _parse_all(name, json.dumps(_replaced(body, path, value)).encode())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SENT), st.data())
def test_parse_of_a_mutated_event_gives_facts_or_our_errors(which: tuple[str, str], data: st.DataObject) -> None:
    name, event = which
    body = json.loads(sent(name, event).body)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(_places(body))))
        body = _replaced(body, path, data.draw(JSON))
        if not isinstance(body, dict) or not body:
            break
    _parse_all(name, json.dumps(body).encode())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e99999999999999999999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
    ids=range(15),
)
def test_hostile_json_is_malformed_or_says_nothing(name: str, body: bytes) -> None:
    _parse_all(name, body)
