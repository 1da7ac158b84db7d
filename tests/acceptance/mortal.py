"""Servers that a SIGKILL ends at a commit: just before it counts, or just after, before anybody hears of it."""

import contextlib
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any, Final, Protocol

import apsw
from msgspec import Struct

from paybell.cli.main import run
from paybell.store.named import queries
from tests.acceptance.world import Server
from tests.databases import Database

_BEFORE_REST: Final = 3
"""Words of a command before what `paybell` itself is told."""
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "tests.acceptance.cli_world", "paybell.cli.server", __name__])


class Moment(Struct, frozen=True):
    """A commit: the ``nth`` since the start that has ``query`` in its transaction; whether the end comes after it."""

    query: str
    after: bool
    nth: int = 1

    @property
    def name(self) -> str:
        """What it is called in figures."""
        return f"{'after' if self.after else 'before'} {self.query}"


class Count:
    """Looks out for a moment, told of each transaction what was asked in it: just before its commit, and after it."""

    def __init__(self, moment: Moment | None, dialect: str) -> None:
        self._moment = moment
        self._names = {sql: name for name, sql in queries(dialect).items()}
        self._seen = 0

    def name(self, sql: str) -> str:
        """What a query is called; '' for none of ours."""
        return self._names.get(sql, "")

    def begin(self, asked: set[str]) -> tuple[bool, bool]:
        """Of a transaction that is about to be committed: whether the end comes now, or once it is."""
        if self._moment is None or self._moment.query not in asked:
            return False, False
        self._seen += 1
        is_it = self._seen == self._moment.nth
        return is_it and not self._moment.after, is_it and self._moment.after


class Armed(Protocol):
    """What can end a process from without."""

    url: str
    """Where the database is reached through it."""

    def arm(self, moment: Moment | None, kill: Callable[[], None]) -> None:
        """Look out for that moment from now on."""
        ...


class Forked:
    """`paybell` in a process of its own, forked from one that has imported it already: it is to start often."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], moment: Moment | None) -> None:
        self._process = _FORKS.Process(target=_run, args=(arguments, dict(environment), moment))
        self._process.start()
        self._watching = Thread(target=self._watch, daemon=True)
        self._watching.start()

    def _watch(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            descriptor = os.pidfd_open(self.pid)
            waiting = select.poll()
            waiting.register(descriptor, select.POLLIN)
            waiting.poll()
            os.close(descriptor)
        self._died_s = time.monotonic()

    def died_s(self) -> float:
        """When it ended, by the monotonic clock; whoever waits for it may hear of that much later."""
        self._watching.join()
        return self._died_s

    @property
    def pid(self) -> int:
        """Its number."""
        found = self._process.pid
        assert found is not None
        return found

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The same, awaited; ``subprocess.TimeoutExpired`` when it goes on."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("paybell", timeout or 0)
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def send_signal(self, number: int) -> None:
        """Any other."""
        os.kill(self.pid, number)


class MortalServer(Server):
    """`paybell up` that can be told when to die; on PostgreSQL it reaches the database through a ``gate``."""

    def __init__(self, database: Database, gate: Armed | None) -> None:
        self._gate = gate
        super().__init__(database, **({"PAYBELL_DATABASE": gate.url} if gate else {}))

    def start(self, moment: Moment | None = None) -> None:
        """Start, and return once it answers; or it died first, as it was told to."""
        if self._gate is not None:
            self._gate.arm(moment, self._end)
        within = None if self._gate is not None else moment
        self.process = self.forked = Forked(self._command[_BEFORE_REST:], self._environment, within)
        self._await_health(may_die=moment is not None)

    def _end(self) -> None:
        """Kill it without waiting for its end."""
        self.process.kill()

    def dies_within(self, timeout_s: float) -> bool:
        """Whether it was ended by the moment; else it is killed now."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        assert status == -signal.SIGKILL, f"the server ended by itself, with {status}"
        return True


# ---- SQLite: within the process


class Watch:
    """A connection of the process: which queries its transaction has run."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._asked: set[str] = set()
        self._is_last = False

    def attach(self, connection: apsw.Connection) -> None:
        """Look at all that it runs, before and after."""
        connection.trace_v2(apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_PROFILE, self._ran)

    def _ran(self, event: Mapping[str, Any]) -> None:
        is_over = event["code"] == apsw.SQLITE_TRACE_PROFILE
        if event["sql"] != "COMMIT":
            self._asked.add(self._count.name(event["sql"]))
        elif is_over:
            _end(now=self._is_last)
            self._asked.clear()
        else:
            now, self._is_last = self._count.begin(self._asked)
            _end(now=now)


def _end(*, now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def _run(arguments: Sequence[str], environment: Mapping[str, str], moment: Moment | None) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if moment is not None:
        count = Count(moment, "sqlite")
        apsw.connection_hooks.append(lambda connection: Watch(count).attach(connection))
    sys.argv = ["paybell", *arguments]
    run()
