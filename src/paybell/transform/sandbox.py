"""The sandbox: a bounded number of worker processes, who may use them next, and what becomes of their answers."""

import asyncio
from typing import Any, Final

import msgspec
from msgspec import Struct

from paybell.ports import Fault, Transformed, Webhook
from paybell.transform.config import SandboxConfig
from paybell.transform.process import Worker
from paybell.transform.rules import CheckHeaders, given, read
from paybell.transform.turns import Turns

_ESCAPED: Final = 6
"""Bytes that one may become in JSON, at most."""
_ANSWER_BYTES_MORE: Final = 65_536
_DIED: Final = Fault(reason="it took too long or ended its process: ask less of it at once")
_STOPPING: Final = Fault(reason="Paybell is stopping", busy=True)


class _Answer(Struct, frozen=True, kw_only=True):
    text: str = ""
    same: bool = False
    reason: str = ""
    line: int | None = None


class Sandbox:
    """A :class:`~paybell.ports.Transformer`: processes start when first needed, and are replaced when they die."""

    def __init__(self, config: SandboxConfig, *, check_headers: CheckHeaders) -> None:
        self._config = config
        self._check_headers = check_headers
        self._turns: Turns[asyncio.Future[None]] = Turns(active_max=config.processes_max)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._closed = False

    async def check(self, code: str, *, owner: str) -> Fault | None:
        """Compile it, run what stands outside functions, and look for its handler."""
        answer = await self._ask(owner, {"code": code, "webhook": None, "at_ms": 0, "seed": ""})
        return answer if isinstance(answer, Fault) else None

    async def transform(self, code: str, webhook: Webhook, *, owner: str) -> Transformed | Fault:
        """Run the handler on the webhook, in a fresh interpreter."""
        try:
            text = msgspec.json.encode(given(webhook)).decode()
        except UnicodeDecodeError:
            return Fault(reason="the payload is not UTF-8")
        asked = {"code": code, "webhook": text, "at_ms": webhook.at_ms, "seed": webhook.id}
        answer = await self._ask(owner, asked)
        if isinstance(answer, Fault):
            return answer
        return read(
            answer.text,
            webhook,
            same=answer.same,
            payload_bytes_max=self._config.payload_bytes_max,
            check_headers=self._check_headers,
        )

    async def close(self) -> None:
        """Kill every process, and start none any more."""
        self._closed = True
        self._idle.clear()
        for worker in list(self._all):
            await worker.end()

    @property
    def waiting_count(self) -> int:
        """Transformations that wait for their turn."""
        return self._turns.waiting_count

    async def _ask(self, owner: str, asked: dict[str, Any]) -> _Answer | Fault:
        if not await self._turn(owner):
            waited = f"other transformations ran for {self._config.wait_s:g} s: this one had no turn"
            return Fault(reason=waited, busy=True)
        try:
            limits = {"owner": owner, "time_s": self._config.time_s, "memory_bytes": self._config.memory_bytes}
            said = await self._exchange(owner, msgspec.msgpack.encode(asked | limits))
        except OSError as error:
            return Fault(reason=f"no process could be started for it: {error.strerror}", busy=True)
        finally:
            self._end(owner)
        return said

    async def _turn(self, owner: str) -> bool:
        """Whether its turn came in time."""
        place = asyncio.get_running_loop().create_future()
        self._turns.put(owner, place)
        self._begin()
        try:
            await asyncio.wait((place,), timeout=self._config.wait_s)
        except asyncio.CancelledError:
            if place.done():
                self._end(owner)
            else:
                self._turns.drop(owner, place)
            raise
        if not place.done():
            self._turns.drop(owner, place)
        return place.done()

    def _end(self, owner: str) -> None:
        self._turns.done(owner)
        self._begin()

    def _begin(self) -> None:
        while (place := self._turns.take()) is not None:
            place.set_result(None)

    async def _exchange(self, owner: str, question: bytes) -> _Answer | Fault:
        if self._closed:
            return _STOPPING
        worker = await self._worker(owner)
        said = await worker.ask(question, deadline_s=self._config.deadline_s)
        if said is None:
            return _DIED
        self._idle.append(worker)
        try:
            answer = msgspec.msgpack.decode(said, type=_Answer)
        except msgspec.DecodeError:
            return _DIED
        return Fault(reason=answer.reason, line=answer.line) if answer.reason else answer

    async def _worker(self, owner: str) -> Worker:
        """The one that served the owner last, else any that rests, else a new one."""
        self._all = {it for it in self._all if not it.ended}
        self._idle = sorted((it for it in self._idle if not it.ended), key=lambda it: it.owner == owner)
        if self._idle:
            worker = self._idle.pop()
        else:
            most = _ESCAPED * self._config.payload_bytes_max + _ANSWER_BYTES_MORE
            worker = await Worker.start(answer_bytes_max=most)
            self._all.add(worker)
            if self._closed:
                await worker.end()
        worker.owner = owner
        return worker
