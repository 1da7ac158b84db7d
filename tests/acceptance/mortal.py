"""Servers that a SIGKILL ends at a commit: just before it counts, or just after, before anybody hears of it."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import apsw
from msgspec import Struct

from paybell.store.named import queries
from tests.acceptance.forked import Forked
from tests.acceptance.world import Server
from tests.databases import Database


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


class MortalServer(Server):
    """`paybell up` that can be told when to die; on PostgreSQL it reaches the database through a ``gate``."""

    def __init__(self, database: Database, gate: Armed | None) -> None:
        self._gate = gate
        super().__init__(database, **({"PAYBELL_DATABASE": gate.url} if gate else {}))

    def start(self, moment: Moment | None = None) -> None:
        """Start, and return once it answers; or it died first, as it was told to."""
        if self._gate is not None:
            self._gate.arm(moment, self._end)
        within = None if self._gate is not None or moment is None else partial(_look_out, moment)
        self.process = self.forked = Forked(self.arguments, self._environment, within)
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


def _look_out(moment: Moment) -> None:
    count = Count(moment, "sqlite")
    apsw.connection_hooks.append(lambda connection: Watch(count).attach(connection))
