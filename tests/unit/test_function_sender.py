"""Deliveries to Python functions."""

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from paybell.model.delivery import Answered, Failed, Outcome
from paybell.ports import Sending
from paybell.transports import FunctionSender
from paybell.transports.function import Function


def call(function: Function, *, url: str = "function:f", body: bytes = b'{"a": 1}', timeout_s: float = 5) -> Outcome:
    sending = Sending(pool="ep_1", url=url, headers=(), body=body, timeout_s=timeout_s)
    return asyncio.run(FunctionSender({"f": function}).send(sending))


def test_sync_and_async_functions_get_the_decoded_body() -> None:
    seen: list[Any] = []

    async def later(seen: list[Any], body: dict[str, Any]) -> None:
        seen.append(body)

    async def plain(body: dict[str, Any]) -> None:
        seen.append(body)

    for function in (seen.append, plain, partial(later, seen), lambda body: later(seen, body)):
        assert call(function) == Answered(status_code=200)
    assert seen == [{"a": 1}] * 4


def test_a_sync_function_does_not_hold_up_the_loop() -> None:
    threads: list[int] = []
    call(lambda body: threads.append(threading.get_ident()))
    assert threads != [threading.get_ident()]


@pytest.mark.parametrize("error", [KeyError("x"), TimeoutError("own"), SystemExit(3), ValueError("y" * 1_000)])
def test_what_it_raises_is_a_failure_in_words(error: BaseException) -> None:
    def sync(body: dict[str, Any]) -> None:
        raise error

    async def plain(body: dict[str, Any]) -> None:
        raise error

    for function in (sync, plain):
        assert call(function) == Failed(phase="call", reason=f"{type(error).__name__}: {error}"[:500])


def test_its_time_is_limited() -> None:
    release = threading.Event()

    async def never(body: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    async def main(function: Function) -> Outcome:
        sending = Sending(pool="ep_1", url="function:f", headers=(), body=b"{}", timeout_s=0.05)
        outcome = await FunctionSender({"f": function}).send(sending)
        release.set()
        return outcome

    for function in (never, lambda body: release.wait(5)):
        outcome = asyncio.run(main(function))
        assert isinstance(outcome, Failed)
        assert outcome.phase == "deadline"
        release.clear()


@pytest.mark.parametrize("url", ["function:g", "function:", "f", "http://f"])
def test_an_unknown_name_is_a_failure(url: str) -> None:
    assert isinstance(call(print, url=url), Failed)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_a_failure(body: bytes) -> None:
    assert call(print, body=body) == Failed(phase="call", reason="the body is not a JSON object")
