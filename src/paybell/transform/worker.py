"""The program of a worker process: questions on its standard input, answers on its standard output, until it is closed.

It imports nothing of Paybell, is started with an empty environment, and holds no secret. A frame is four bytes of
length (big-endian) and a msgpack map. What is asked: ``owner``, ``code``, ``webhook`` (JSON text; None only checks
the code), ``at_ms`` (where the code's clock stands), ``seed``, ``time_s`` and ``memory_bytes``. What is answered:
``text`` (JSON of what the handler returned; '' when only checked) and ``same`` (whether the payload is as it was), or
``reason`` and ``line``.
"""

import contextlib
import resource
import sys
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from pydantic_monty import (
    CollectString,
    Monty,
    MontyCrashedError,
    MontyError,
    MontyRuntimeError,
    MontySession,
    MontySyntaxError,
)

SCRIPT: Final = "transformation.py"
_ADDRESS_SPACE_BYTES: Final = 1 << 30
_OPEN_FILES_MAX: Final = 64
_RECURSION_MAX: Final = 200
_INTERPRETERS_MAX: Final = 4
"""How many owners' interpreters are kept, of some 20 MB each: a new one takes about 5 ms."""
_PRINTED_BYTES_MAX: Final = 65_536
_REASON_CHARS_MAX: Final = 300
_GRACE_S: Final = 0.5
"""How long the interpreter may take to notice that its time is over, until its process is killed."""
_CHECK: Final = "type(handler).__name__"
_CALL: Final = """\
import json as _json
_webhook = _json.loads(_given)
_payload = _json.dumps(_webhook["payload"])
_webhook = handler(_webhook)
_same = isinstance(_webhook, dict) and _json.dumps(_webhook.get("payload")) == _payload
[_json.dumps(_webhook, ensure_ascii=False, separators=(",", ":")), _same]
"""


class Workshop:
    """A few interpreter processes: never one for two owners, nor again after a fault."""

    def __init__(self) -> None:
        self._interpreters: dict[str, contextlib.ExitStack] = {}
        self._pools: dict[str, Monty] = {}

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run the code from its beginning, then its handler."""
        try:
            with self._session(asked) as session:
                return _run(session, asked)
        except MontyError as error:
            self._end(asked["owner"])
            return _fault(error, asked)

    def _end(self, owner: str) -> None:
        del self._pools[owner]
        self._interpreters.pop(owner).close()

    def _pool(self, asked: dict[str, Any]) -> Monty:
        """The owner's own, which then is the last to go when others need room."""
        owner = asked["owner"]
        if owner in self._pools:
            pool = self._pools[owner] = self._pools.pop(owner)
            return pool
        if len(self._pools) == _INTERPRETERS_MAX:
            self._end(next(iter(self._pools)))
        life = self._interpreters[owner] = contextlib.ExitStack()
        pool = self._pools[owner] = life.enter_context(
            Monty(max_processes=1, request_timeout=asked["time_s"] + _GRACE_S, feed_duration_limit_grace=_GRACE_S)
        )
        return pool

    def _session(self, asked: dict[str, Any]) -> MontySession:
        return self._pool(asked).checkout(
            script_name=SCRIPT,
            limits={
                "max_feed_duration_secs": asked["time_s"],
                "max_memory": asked["memory_bytes"],
                "max_recursion_depth": _RECURSION_MAX,
                "max_suspensions": 1,
            },
            os_policy={
                "datetime": datetime.fromtimestamp(asked["at_ms"] / 1000, UTC),
                "sleep": "zero",
                "random_start": {"seed": asked["seed"]},
            },
        )


def _run(session: MontySession, asked: dict[str, Any]) -> dict[str, Any]:
    printed = CollectString(max_bytes=_PRINTED_BYTES_MAX)
    session.feed_run(asked["code"], print_callback=printed)
    try:
        defined = session.feed_run(_CHECK) == "function"
    except MontyRuntimeError:  # a NameError
        defined = False
    if not defined:
        return {"reason": "it defines no function handler(webhook)", "line": None}
    if asked["webhook"] is None:
        return {"text": "", "same": True}
    text, same = session.feed_run(_CALL, inputs={"_given": asked["webhook"]}, print_callback=printed)
    return {"text": text, "same": same}


def _fault(error: MontyError, asked: dict[str, Any]) -> dict[str, Any]:
    if isinstance(error, MontySyntaxError | MontyRuntimeError):
        return {"reason": _reason(error, asked), "line": _line(error, asked)}
    if isinstance(error, MontyCrashedError) and error.timed_out:
        return {"reason": _too_long(asked), "line": None}
    return {"reason": "it ended its interpreter: ask less of it at once", "line": None}


def _reason(error: MontySyntaxError | MontyRuntimeError, asked: dict[str, Any]) -> str:
    text = error.display("type-msg")
    if text.startswith("TimeoutError: feed time limit"):
        return _too_long(asked)
    if text.startswith("MemoryError: "):
        return f"it needs more than {asked['memory_bytes'] >> 20} MiB of memory, or prints too much"
    return text[:_REASON_CHARS_MAX]


def _too_long(asked: dict[str, Any]) -> str:
    return f"it ran longer than {asked['time_s']:g} s"


def _line(error: MontySyntaxError | MontyRuntimeError, asked: dict[str, Any]) -> int | None:
    """The innermost line of the author's own code; the call that follows it has lines of its own."""
    own = asked["code"].splitlines()
    for frame in reversed(error.traceback()):
        if isinstance(error, MontySyntaxError) or own[frame.line - 1 : frame.line] == [frame.source_line]:
            return frame.line
    return None


def _limit() -> None:
    """For this process and the interpreter's, which it starts: a ceiling above the interpreter's own limits."""
    for what, most in (
        (resource.RLIMIT_AS, _ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main() -> None:
    """Answer until the standard input ends."""
    _limit()
    questions, answers, workshop = sys.stdin.buffer, sys.stdout.buffer, Workshop()
    while head := questions.read(4):
        asked = msgspec.msgpack.decode(questions.read(int.from_bytes(head, "big")))
        answer = msgspec.msgpack.encode(workshop.answer(asked))
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    main()
