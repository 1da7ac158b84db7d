"""What a database server counts of itself, and what its processes have cost."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, structs

COUNTERS: Final = r"""
SELECT (SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE dbid = d.oid)::bigint,
       (SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
         WHERE dbid = d.oid AND query ~* '^\s*(begin|commit|rollback)\M')::bigint,
       (SELECT xact_commit FROM pg_stat_database WHERE datid = d.oid),
       (pg_current_wal_lsn() - '0/0')::bigint,
       (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal')::bigint,
       pg_database_size(d.oid)
  FROM pg_database AS d WHERE d.datname = $1
"""
"""One row as :class:`Counters` has it; asked from another database of the server, so that asking does not count."""


class Counters(Struct, frozen=True):
    """``frames`` are those of the ``statements`` that only begin or end a transaction."""

    statements: int
    frames: int
    commits: int
    wal_bytes: int
    wal_syncs: int
    database_bytes: int

    def __sub__(self, before: "Counters") -> "Counters":
        """What came between."""
        pairs = zip(structs.astuple(self), structs.astuple(before), strict=True)
        return Counters(*(after - earlier for after, earlier in pairs))


def figures(spent: Counters, messages: int) -> dict[str, str]:
    """Per message, for people; a notification that is recorded is one message here."""
    each = max(1, messages)
    return {
        "database bytes per notification": f"{spent.database_bytes / each:.0f}",
        "WAL bytes per notification": f"{spent.wal_bytes / each:.0f}",
        "statements per message": f"{spent.statements / each:.2f}",
        "of these BEGIN and COMMIT": f"{spent.frames / each:.2f}",
        "commits per message": f"{spent.commits / each:.2f}",
        "WAL syncs per message": f"{spent.wal_syncs / each:.2f}",
    }


def family_ticks(stats: Iterable[str], root: int) -> int:
    """Ticks of CPU that process ``root``, its children and those of its children that have ended have spent.

    ``stats``: what ``/proc/PID/stat`` says of any processes.
    """
    return sum(sum(spent) for pid, parent, *spent in map(_parsed, stats) if root in (pid, parent))


def _parsed(line: str) -> tuple[int, ...]:
    """Its number, its parent's, then ``utime stime cutime cstime``; a name may hold any character."""
    name, _, rest = line.rpartition(")")
    fields = rest.split()
    return int(name.split(maxsplit=1)[0]), int(fields[1]), *map(int, fields[11:15])
