import json

import msgspec
import pytest

from paybell.errors import ConfigurationError
from paybell.ports import Fault, Transformed, Webhook
from paybell.transform.rules import given, read

WEBHOOK = Webhook(
    id="msg_1",
    event_type="order.paid",
    payload=b'{"amount": 1.10, "big": 12345678901234567890123}',
    channels=("eu",),
    url="https://example.com/hook",
    at_ms=1_700_000_000_000,
)


def answer(*, same: bool = False, most: int = 100, **changed: object) -> Transformed | Fault:
    return told(json.dumps(json.loads(msgspec.json.encode(given(WEBHOOK))) | changed), same=same, most=most)


def told(text: str, *, same: bool = False, most: int = 100) -> Transformed | Fault:
    return read(text, WEBHOOK, same=same, payload_bytes_max=most, check_headers=no_host)


def no_host(headers: tuple[tuple[str, str], ...]) -> None:
    for name, _ in headers:
        if name == "host":
            raise ConfigurationError("header host is not yours")


def test_the_handler_gets_what_the_endpoint_would_get() -> None:
    assert json.loads(msgspec.json.encode(given(WEBHOOK))) == {
        "id": "msg_1",
        "eventType": "order.paid",
        "payload": {"amount": 1.1, "big": 12345678901234567890123},
        "channels": ["eu"],
        "url": "https://example.com/hook",
        "method": "POST",
        "headers": {},
        "cancel": False,
    }


def test_a_payload_that_stays_the_same_keeps_its_bytes() -> None:
    assert answer(same=True) == Transformed(payload=WEBHOOK.payload)


def test_what_it_makes_of_the_payload_is_sent_as_it_wrote_it() -> None:
    made = told('{"payload":{"n":1e2,"big":12345678901234567890123}}')
    assert made == Transformed(payload=b'{"n":1e2,"big":12345678901234567890123}')


def test_it_may_add_headers() -> None:
    made = answer(same=True, headers={"x-shop": "7", "x-note": "na\u00efve"})
    assert made == Transformed(payload=WEBHOOK.payload, headers=(("x-shop", "7"), ("x-note", "na\u00efve")))


def test_it_may_cancel() -> None:
    assert answer(cancel=True) == Transformed(payload=WEBHOOK.payload, canceled=True)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"url": "https://evil.example/"}, "it changed url"),
        ({"eventType": "x"}, "it changed eventType"),
        ({"id": "msg_2"}, "it changed id"),
        ({"method": "PUT"}, "it changed method"),
        ({"channels": []}, "it changed channels"),
        ({"cancle": True}, "a webhook has no 'cancle'"),
        ({"cancel": 1}, "cancel must be True or False"),
        ({"cancel": "no"}, "cancel must be True or False"),
        ({"payload": [1]}, "payload must be a dictionary"),
        ({"payload": None}, "payload must be a dictionary"),
        ({"payload": "{"}, "payload must be a dictionary"),
        ({"payload": {"a": "b" * 100}}, "its payload has 109 bytes; at most 100"),
        ({"headers": None}, "headers must be a dictionary of texts"),
        ({"headers": {"a": 1}}, "headers must be a dictionary of texts"),
        ({"headers": {"host": "x"}}, "header host is not yours"),
        ({"headers": {"a": "x\r\ny: z"}}, "Latin-1"),
        ({"headers": {"a": "\u20ac"}}, "Latin-1"),
        ({"headers": {"a": "1", "A": "2"}}, "two of its headers"),
        ({"headers": {f"a{n}": "1" for n in range(33)}}, "it may add 32 headers"),
        ({"headers": {f"a{n}": "1" * 4096 for n in range(4)}}, "16384 characters altogether"),
    ],
)
def test_what_it_may_not_change_is_a_fault_that_says_so(changed: dict[str, object], reason: str) -> None:
    made = answer(**changed)
    assert isinstance(made, Fault)
    assert reason in made.reason


@pytest.mark.parametrize(
    "text",
    ["null", "[]", "1", '"x"', "", "{", '{"payload":{"a":NaN}}', '{"payload":{"a":Infinity}}', "[" * 100_000],
)
def test_whatever_comes_back_is_read_or_refused(text: str) -> None:
    made = told(text)
    assert isinstance(made, Fault)
    assert "handler must return the webhook" in made.reason


def test_a_fault_names_its_line() -> None:
    assert Fault(reason="KeyError: x", line=3).text() == "KeyError: x (line 3)"
    assert Fault(reason="KeyError: x").text() == "KeyError: x"
