"""Every gateway keeps to the port. A new one is here by its file in ``gateways`` and its pretender in ``samples``."""

import json
import random
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import GATEWAYS, gateway
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import (
    Batch,
    Hint,
    Item,
    Origin,
    RefusalReason,
    Refused,
    Request,
    Verdict,
    Verified,
)
from paybell.ports import Claims
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from paybell.testing.gateways import SignedRequest
from paybell.testing.gateways import gateway as pretender
from tests.contract.signature_places import signature, with_signature
from tests.tier import LONG
from tests.unit.gateways.sources import NOW_MS, NOW_S, TOKEN, notification, request, source, with_header

NAMES = tuple(GATEWAYS)
SIGNING = tuple(name for name in NAMES if GATEWAYS[name].about.credential)
SENT = [(name, event) for name in NAMES for event in PRETENDERS[name].events]
FIRST = [(name, PRETENDERS[name].events[0]) for name in NAMES]
MUTATIONS = 100_000 if LONG else 100_000 // len(NAMES)


def sent(name: str, event: str = "", secret: str = "") -> SignedRequest:
    each = pretender(name)
    return each.signed(event or each.events[0], secret=secret, token=TOKEN, at_s=NOW_S)


def verdict(name: str, made: Request, secrets: tuple[str, ...] | None = None) -> Verdict:
    return gateway(name).verify(made, source(name, secrets=secrets), NOW_MS)


def held(name: str) -> str:
    """The secret that a source of the gateway holds."""
    each = PRETENDERS[name]
    return each.source_secret(each.secret)


def items(answer: Verdict, body: bytes) -> tuple[Item, ...]:
    match answer:
        case Verified(dedupe_key=key):
            return (Item(key, body),)
        case Hint(dedupe_key=key):
            return (Item(key, body, hint=True),)
        case Batch(items=several):
            return several
    raise AssertionError(answer)


def facts(name: str, answer: Verdict, body: bytes) -> tuple[object, ...]:
    """What would be recorded at once; a hint records nothing."""
    return tuple((item.dedupe_key, _parsed_or_error(name, item.body)) for item in items(answer, body) if not item.hint)


def _parsed_or_error(name: str, body: bytes) -> tuple[Fact, ...] | str:
    try:
        return gateway(name).parse(notification(body), source(name)).facts
    except (MalformedPayload, AmountError) as error:
        return type(error).__name__


def test_the_registry_names_what_it_knows() -> None:
    assert {name: each.about.name for name, each in GATEWAYS.items()} == {name: name for name in NAMES}
    assert {name: each.name for name, each in PRETENDERS.items()} == {name: name for name in NAMES}
    for find in (gateway, pretender):
        with pytest.raises(ConfigurationError, match=f"known: {', '.join(NAMES)}"):
            find("nobody")


@pytest.mark.parametrize("name", NAMES)
def test_it_says_who_it_is_and_what_it_holds_secret(name: str) -> None:
    each, about = gateway(name), gateway(name).about
    for text in (about.title, about.signed, about.dedupe, about.order, about.retries, about.believed):
        assert text.strip() == text != ""
    assert about.docs_url.startswith("https://")
    assert 200 <= about.answer.status_code < 300
    assert all(each == each.lower() for each in about.secret_headers)
    assert bool(about.credential) or about.has_token
    for option in about.secret_options:
        with pytest.raises(ConfigurationError, match=f"'{option}'"):
            each.check(source(name, options={option: 1}))


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused_by_name(name: str) -> None:
    each = gateway(name)
    each.check(source(name))
    with pytest.raises(ConfigurationError, match=f"'{name}' has no option 'surprise'"):
        each.check(source(name, options={**source(name).options, "surprise": 1}))
    with pytest.raises(ConfigurationError, match="secret"):
        each.check(source(name, secrets=(f" {held(name)}",)))


@pytest.mark.parametrize(("name", "event"), SENT)
def test_every_pretended_event_is_believed_and_read(name: str, event: str) -> None:
    made = sent(name, event)
    found = items(verdict(name, request(made)), made.body)
    assert found
    for item in found:
        assert 0 < len(item.dedupe_key) <= 255
        parsed = gateway(name).parse(notification(item.body), source(name))
        assert parsed.reason or (parsed.facts and not item.hint)
    assert made == sent(name, event)


@pytest.mark.parametrize("name", NAMES)
def test_a_pretender_has_events_that_give_facts_or_hints(name: str) -> None:
    def says(event: str) -> bool:
        made = sent(name, event)
        found = items(verdict(name, request(made)), made.body)
        return any(it.hint or gateway(name).parse(notification(it.body), source(name)).facts for it in found)

    assert any(says(event) for event in PRETENDERS[name].events)
    with pytest.raises(ConfigurationError, match=pretender(name).events[-1]):
        sent(name, "no.such.event")


@pytest.mark.parametrize("name", SIGNING)
def test_every_live_secret_verifies_and_none_means_refused(name: str) -> None:
    made = request(sent(name))
    for secrets in (("newer", held(name)), (held(name), "older")):
        assert not isinstance(verdict(name, made, secrets=secrets), Refused)
    for secrets in ((), ("",)):
        refused = verdict(name, made, secrets=secrets)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.NO_SECRET


@pytest.mark.parametrize("name", SIGNING)
def test_another_secret_is_a_mismatch(name: str) -> None:
    refused = verdict(name, request(sent(name)), secrets=("another",))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize("name", NAMES)
def test_a_token_is_asked_for_where_the_url_has_one(name: str) -> None:
    if GATEWAYS[name].about.has_token:
        made = request(sent(name))
        assert not isinstance(verdict(name, made), Refused)
        for token in ("", "other", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "\u0661"):
            refused = verdict(name, replace(made, token=token))
            assert isinstance(refused, Refused)
            assert refused.reason is RefusalReason.TOKEN_MISMATCH


def _hostile(good: bytes) -> Iterator[bytes]:
    yield from (b"", b" ", b",", b"=", b"t=", b"v1=", b"t=,v1=", b"bad_header", b"\xff\xfe\x00", b"\xc3\xa9" * 40)
    yield from (good[:-1], good[:-2], good[1:], good + b"0", good + b"00", good.replace(b"=", b""), good[::-1])
    yield from (b"a" * 64, b"0" * 64, b"g" * 64, b"sha256=" + good, good * 100, b"t=9" * 5000)
    yield good.replace(b"t=", b"t=-")
    yield good.replace(b"t=", b"t= 1")
    yield good.replace(b"v1=", b"v0=")


def _claims(name: str, made: Request) -> Claims:
    found = gateway(name).claims(made, source(name))
    return () if isinstance(found, Refused) else found


def _means_the_same(name: str, made: Request, changed: Request) -> bool:
    """Whether the change left a right signature over the same bytes and time (another case, a word beside it …)."""
    before, after = _claims(name, made), _claims(name, changed)
    return len(before) == len(after) and all(
        one.signed == other.signed and one.timestamp == other.timestamp and set(one.given) & set(other.given)
        for one, other in zip(before, after, strict=True)
    )


@pytest.mark.parametrize("name", SIGNING)
def test_a_hostile_signature_is_refused(name: str) -> None:
    made, place = request(sent(name)), PRETENDERS[name].signature_at
    refused = verdict(name, with_signature(made, place, None))
    assert isinstance(refused, Refused)
    assert refused.reason in {RefusalReason.HEADER_MISSING, RefusalReason.MALFORMED_SIGNATURE}
    for value in _hostile(signature(made, place)):
        changed = with_signature(made, place, value)
        if not _means_the_same(name, made, changed):
            assert isinstance(verdict(name, changed), Refused), value[:80]


@pytest.mark.parametrize("name", NAMES)
def test_a_request_of_another_gateway_is_refused_under_the_same_secret(name: str) -> None:
    for other in NAMES:
        mine = source(name, secrets=(held(name), held(other), PRETENDERS[other].secret))
        made = replace(request(sent(other)), token="")
        if other != name and not isinstance(gateway(name).verify(made, mine, NOW_MS), Refused):
            assert (name, other) in SAME_SCHEME


SAME_SCHEME: set[tuple[str, str]] = set()
"""Pairs whose requests differ in nothing that is signed or asked for."""


@pytest.mark.parametrize(("name", "event"), FIRST)
def test_captured_and_sent_again_it_is_known_whatever_its_unsigned_headers_say(name: str, event: str) -> None:
    made = request(sent(name, event))
    keys = [item.dedupe_key for item in items(verdict(name, made), made.body)]
    variants = [with_header(made, field.decode(), value) for field, _ in made.headers for value in (None, b"changed")]
    fresh = [with_header(made, field, b"fresh") for field in ("x-request-id", "x-event-id", "webhook-id", "date")]
    for changed in (*variants, *fresh):
        for later_ms in (1_000, 360_000, 31_536_000_000):
            answer = gateway(name).verify(changed, source(name), NOW_MS + later_ms)
            if not isinstance(answer, Refused):
                assert [item.dedupe_key for item in items(answer, made.body)] == keys


@pytest.mark.parametrize("name", SIGNING)
def test_a_compressed_body_is_refused_and_an_identity_one_is_not(name: str) -> None:
    made = request(sent(name))
    refused = verdict(name, with_header(made, "content-encoding", b"gzip"))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.CONTENT_ENCODING
    assert not isinstance(verdict(name, with_header(made, "content-encoding", b"Identity")), Refused)


@pytest.mark.parametrize("name", SIGNING)
def test_a_signed_time_is_refused_when_it_is_far_either_way(name: str) -> None:
    made = request(sent(name))
    claims = [claim for claim in _claims(name, made) if claim.timestamp is not None]
    assert bool(claims) == bool(GATEWAYS[name].about.time_signed)
    for claim in claims:
        edge_ms = claim.tolerance_s * 1000
        for off_ms, reason in (
            (edge_ms, None),
            (-edge_ms, None),
            (edge_ms + 1000, RefusalReason.TIMESTAMP_TOO_OLD),
            (-edge_ms - 1000, RefusalReason.TIMESTAMP_IN_FUTURE),
        ):
            answer = gateway(name).verify(made, source(name), NOW_MS + off_ms)
            assert (answer.reason if isinstance(answer, Refused) else None) is reason


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
        if not value:
            value = bytearray(b"0")
    return bytes(value)


@pytest.mark.parametrize("name", NAMES)
def test_no_mutated_signature_is_accepted(name: str) -> None:
    chance = random.Random(name)
    made, place = request(sent(name)), PRETENDERS[name].signature_at
    good = signature(made, place)
    tried = 0
    while tried < MUTATIONS:
        value = _mutated(good, chance)
        changed = with_signature(made, place, value)
        if place == "token" and value == good:
            continue
        if not isinstance(verdict(name, changed), Refused):
            assert place != "token", value
            assert _means_the_same(name, made, changed), value
        else:
            tried += 1


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


def _read_all(name: str, body: bytes) -> None:
    """Everything that reads a body gives a value or our one error."""
    for origin, headers in ((Origin.WEBHOOK, ()), (Origin.POLL, (("paybell-subject", "order_1"),))):
        made = notification(body, origin=origin, headers=headers)
        try:
            _check_parsed(gateway(name).parse(made, source(name)))
        except (MalformedPayload, AmountError):
            continue
    each = gateway(name)
    if hasattr(each, "plan_fetch"):
        for ask in (
            lambda: each.plan_fetch(notification(body), source(name)),
            lambda: each.fetched_key("order_1", body),
        ):
            try:
                ask()
            except (MalformedPayload, AmountError):
                continue


@given(st.sampled_from(NAMES), st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=20))
def test_verify_judges_any_bytes_and_never_raises(name: str, body: bytes, header: bytes, token: str) -> None:
    places = [PRETENDERS[each].signature_at for each in NAMES]
    names = [place.removeprefix("header:").encode() for place in places if place.startswith("header:")]
    made = Request(body, tuple((each, header) for each in names), token)
    assert isinstance(verdict(name, made), Refused)


@given(st.sampled_from(NAMES), st.binary(max_size=400))
def test_parse_of_any_bytes_gives_facts_or_our_errors(name: str, body: bytes) -> None:
    _read_all(name, body)


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
ODD = ([], {}, [{}], None, "", "a\u0000b", "x" * 300, True, 0, -1, 1.5, 10**30, "1e9999", "-0.001", "2024-13-41")


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


def _decoded(body: bytes) -> tuple[object, bool]:
    """A body as nested values, and whether it was JSON (else a form; a body that is neither is a form of one field)."""
    try:
        return json.loads(body), True
    except ValueError:
        return dict(parse_qsl(body.decode(), keep_blank_values=True)), False


def _encoded(value: object, *, is_json: bool) -> bytes:
    if is_json or not isinstance(value, Mapping):
        return json.dumps(value).encode()
    return urlencode(
        {name: each if isinstance(each, str) else json.dumps(each) for name, each in value.items()}
    ).encode()


@pytest.mark.parametrize(("name", "event"), SENT)
def test_each_value_of_an_event_may_be_anything(name: str, event: str) -> None:
    body, is_json = _decoded(sent(name, event).body)
    for path in _places(body):
        for value in ODD:
            _read_all(name, _encoded(_replaced(body, path, value), is_json=is_json))


@pytest.mark.parametrize(("name", "event"), SENT)
def test_what_is_not_signed_changes_nothing_that_is_believed(name: str, event: str) -> None:
    made = request(sent(name, event))
    before = facts(name, verdict(name, made), made.body)
    body, is_json = _decoded(made.body)
    for path in _places(body):
        for value in ("1", "success", 1, None):
            changed = replace(made, body=_encoded(_replaced(body, path, value), is_json=is_json))
            answer = verdict(name, changed)
            if not isinstance(answer, Refused):
                assert facts(name, answer, changed.body) == before, path


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SENT), st.data())
def test_parse_of_a_mutated_event_gives_facts_or_our_errors(which: tuple[str, str], data: st.DataObject) -> None:
    name, event = which
    body, is_json = _decoded(sent(name, event).body)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(_places(body))))
        body = _replaced(body, path, data.draw(JSON))
        if not isinstance(body, dict) or not body:
            break
    _read_all(name, _encoded(body, is_json=is_json))


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
        b"a=1&a=2",
        b"a=%ff",
        b"=&=&=",
        b"<a><b/></a>",
    ],
    ids=range(19),
)
def test_a_hostile_body_is_malformed_or_says_nothing(name: str, body: bytes) -> None:
    _read_all(name, body)
