"""The companies' own SDKs: what we sign they take, what they sign we take, what is altered nobody takes."""

import time
from random import Random

import pytest

from paybell.gateways import gateway
from paybell.model.notification import Refused, Request
from paybell.model.source import Source
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from paybell.testing.pretender import Asked
from tests.contract.judges import JUDGES, Judge, random_body, random_event
from tests.contract.signature_places import signature, with_signature
from tests.unit.gateways.sources import TOKEN, request, source

ROUNDS = 60
EVERY = [(name, sdk) for name, judges in JUDGES.items() for sdk in judges]
SIGNING = [(name, sdk) for name, sdk in EVERY if JUDGES[name][sdk].signs is not None]

pytestmark = pytest.mark.filterwarnings("ignore")  # what other people's code is warned of


def takes(judge: Judge, made: Request, own: Source) -> bool:
    try:
        return judge.accepts(made, own) not in {False, None}
    except Exception:  # noqa: BLE001 - every SDK has errors of its own
        return False


def we_take(name: str, made: Request, own: Source) -> bool:
    return not isinstance(gateway(name).verify(made, own, int(time.time() * 1000)), Refused)


def ours(name: str, judge: Judge, chance: Random, own: Source) -> Request:
    at_s = int(time.time())
    if not judge.any_body:
        return random_event(name, chance, own, at_s)
    each = PRETENDERS[name]
    asked = Asked(
        event=each.events[0],
        payment_id="pay_1",
        order_id="order_1",
        amount_minor=1000,
        currency=each.currency,
        secret=each.secret,
        token=TOKEN,
        options=own.options,
        at_s=at_s,
        livemode=False,
        event_id="",
        refund_id="",
        refund_minor=1000,
        started_at_s=at_s,
    )
    return request(each.sign(asked, random_body(chance)))


def altered(made: Request, chance: Random) -> Request:
    """Another body, by one byte that stays a character."""
    body = bytearray(made.body)
    place = chance.choice([index for index, byte in enumerate(body) if chr(byte).isalnum()])
    body[place] = ord("x") if body[place] != ord("x") else ord("y")
    return Request(bytes(body), made.headers, made.token, made.query)


@pytest.mark.parametrize(("name", "sdk"), EVERY)
def test_what_we_sign_they_take_and_altered_nobody_does(name: str, sdk: str) -> None:
    chance, judge, own = Random(name), JUDGES[name][sdk], source(name)
    place = PRETENDERS[name].signature_at
    for _ in range(ROUNDS):
        made = ours(name, judge, chance, own)
        assert we_take(name, made, own)
        assert takes(judge, made, own), made.body
        good = signature(made, place)
        wrong = with_signature(made, place, good[:-6] + bytes(reversed(good[-6:])) + b"0")
        changed = [wrong, altered(made, chance)] if judge.any_body else [wrong]
        for each in changed:
            assert not we_take(name, each, own)
            assert not takes(judge, each, own), each


@pytest.mark.parametrize(("name", "sdk"), SIGNING)
def test_what_they_sign_we_take_and_altered_nobody_does(name: str, sdk: str) -> None:
    chance, judge, own = Random(name), JUDGES[name][sdk], source(name)
    sign = judge.signs
    assert sign is not None
    for _ in range(ROUNDS):
        made = sign(ours(name, judge, chance, own).body, own, int(time.time()))
        assert takes(judge, made, own)
        assert we_take(name, made, own), made
        if judge.any_body:
            other = altered(made, chance)
            assert not we_take(name, other, own)
            assert not takes(judge, other, own)
