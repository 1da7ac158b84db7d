"""Deliveries to Python functions of this process."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from paybell.model.delivery import Answered, Failed, Outcome
from paybell.ports import Sending

Function = Callable[[dict[str, Any]], object]
"""Takes the message's decoded JSON body; sync or async. Whatever it returns is success, whatever it raises failure."""
PREFIX: Final = "function:"
REASON_CHARS_MAX: Final = 500


class FunctionSender:
    """A :class:`~paybell.ports.Sender` for ``function:NAME`` URLs; names added to ``functions`` later count too."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        """``functions`` by name; looked up at each sending."""
        self._functions = functions

    async def send(self, sending: Sending) -> Outcome:
        """Call the function: ``Answered(200)`` when it returns within ``timeout_s``, else ``Failed(phase="call")``.

        A sync function runs in a thread. Python cannot stop a thread, so one that overruns its time counts as failed
        but runs on: functions should be short, and safe to call again with the same message id.
        """
        name = sending.url.removeprefix(PREFIX)
        function = self._functions.get(name) if self.serves(sending.url) else None
        if function is None:
            return Failed(phase="call", reason=f"no function is registered as {name!r}"[:REASON_CHARS_MAX])
        try:
            body = msgspec.json.decode(sending.body, type=dict[str, Any])
        except msgspec.DecodeError:
            return Failed(phase="call", reason="the body is not a JSON object")
        return await _call(function, body, sending.timeout_s)

    def serves(self, url: str) -> bool:
        """Whether this program has the function."""
        return url.startswith(PREFIX) and url.removeprefix(PREFIX) in self._functions

    async def close(self) -> None:
        """Nothing to let go of."""


async def _call(function: Function, body: dict[str, Any], timeout_s: float) -> Outcome:
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            if inspect.iscoroutinefunction(function):
                await function(body)
            else:
                returned = await asyncio.to_thread(function, body)
                if inspect.isawaitable(returned):  # an object with an async __call__, or a partial of one
                    await returned
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's code may raise anything; that is an outcome
        if limit.expired():
            return Failed(phase="deadline", reason=f"the function did not return within {timeout_s:g} s")
        return Failed(phase="call", reason=f"{type(error).__name__}: {error}"[:REASON_CHARS_MAX])
    return Answered(status_code=200)
