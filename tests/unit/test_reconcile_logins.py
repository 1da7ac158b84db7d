"""Access tokens: asked for once, used until they end, forgotten when they are refused, never shown."""

import asyncio
import json

import msgspec
import pytest

from paybell.model.delivery import Answered, Failed, Outcome
from paybell.ports import FetchPlan, Login
from paybell.reconcile.logins import Logins
from paybell.reconcile.rules import TOKEN_SPARE_MS, Token, read_token
from paybell.testing.builders import source
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.unit.steps import Wire

LOGIN = Login(url="https://api.example.com/token", headers=(("authorization", "Basic c2VjcmV0"),), body=b"grant")
PLAN = FetchPlan(
    url="https://api.example.com/payment/1", headers=(("accept", "application/json"),), subject="1", login=LOGIN
)
SOURCE = source()


def token(text: str, **more: object) -> Answered:
    return Answered(status_code=200, body=json.dumps({"access_token": text, **more}).encode())


class Desk:
    def __init__(self, *outcomes: Outcome) -> None:
        self.wire = Wire(*outcomes)
        self.clock = FakeClock()
        self.logins = Logins(self.wire, self.clock, timeout_s=1.0)

    def headers(self, plan: FetchPlan = PLAN) -> tuple[tuple[str, str], ...] | str:
        return asyncio.run(self.logins.headers(SOURCE, plan))


def bearer(text: str, scheme: str = "Bearer") -> tuple[tuple[str, str], ...]:
    return (*PLAN.headers, ("authorization", f"{scheme} {text}"))


def test_without_a_login_the_plans_own_headers_serve() -> None:
    desk = Desk()
    assert desk.headers(msgspec.structs.replace(PLAN, login=None)) == PLAN.headers
    assert desk.wire.sent == []


def test_a_token_serves_until_a_minute_before_its_end() -> None:
    desk = Desk(token("one", expires_in=3600), token("two", expires_in="3600"))
    assert [desk.headers(), desk.headers()] == [bearer("one")] * 2
    (sent,) = desk.wire.sent
    assert (sent.method, sent.url, sent.headers, sent.body) == ("POST", LOGIN.url, LOGIN.headers, LOGIN.body)
    desk.clock.advance(3600 - TOKEN_SPARE_MS / 1000 - 0.001)
    assert desk.headers() == bearer("one")
    desk.clock.advance(0.001)
    assert desk.headers() == bearer("two")


def test_a_token_without_a_lifetime_serves_once() -> None:
    desk = Desk(token("one"), token("two"))
    assert [desk.headers(), desk.headers()] == [bearer("one"), bearer("two")]


def test_changed_credentials_log_in_anew_and_a_forgotten_token_too() -> None:
    desk = Desk(token("one", expires_in=3600), token("two", expires_in=3600), token("three", expires_in=3600))
    assert desk.headers() == bearer("one")
    other = msgspec.structs.replace(LOGIN, body=b"other", scheme="O-Bearer")
    assert desk.headers(msgspec.structs.replace(PLAN, login=other)) == bearer("two", "O-Bearer")
    desk.logins.forget(SOURCE)
    assert desk.headers(msgspec.structs.replace(PLAN, login=other)) == bearer("three", "O-Bearer")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Answered(status_code=401), "login: the gateway's API refused the credentials (401)"),
        (Failed(phase="connect", reason="refused"), "login: the gateway's API could not be asked"),
        (Answered(status_code=200, body=b"{}"), "no access token"),
        (Answered(status_code=200, body=b'{"access_token": ""}'), "no access token"),
        (Answered(status_code=200, body=b'{"access_token": "a\\r\\nx: y"}'), "no access token"),
        (Answered(status_code=200, body=b"<html>"), "no access token"),
    ],
)
def test_a_login_that_fails_says_why(outcome: Outcome, said: str) -> None:
    found = Desk(outcome).headers()
    assert isinstance(found, str)
    assert said in found


def test_an_end_given_as_a_time_counts_too() -> None:
    ends_s = START_MS // 1000 + 600
    found = read_token(json.dumps({"access_token": "t", "expires_at": ends_s}).encode(), START_MS)
    assert found == Token("t", ends_s * 1000 - TOKEN_SPARE_MS)


def test_nothing_secret_is_shown() -> None:
    shown = f"{LOGIN!r} {PLAN!r} {Token('hush', 1)!r}"
    assert "c2VjcmV0" not in shown
    assert "grant" not in shown
    assert "hush" not in shown
