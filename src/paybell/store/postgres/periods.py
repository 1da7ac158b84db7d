"""Partitions of PostgreSQL: one a week for each table that is appended to, made ahead, dropped whole."""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from paybell.clock import id_at
from paybell.ports import Retention, Tended
from paybell.store.archive import WEEK_MS
from paybell.store.postgres.base import Part
from paybell.store.postgres.database import Session

AHEAD_MS: Final = 2 * WEEK_MS
"""How far ahead of the present periods are made."""
_SUFFIX: Final = "%Y%m%d"
_ANSWERS_AT_ONCE: Final = 10_000
_RESTS_AT_ONCE: Final = 10_000


class Group(Struct, frozen=True, kw_only=True):
    """Tables whose periods are dropped together, and the queue of what still needs them."""

    tables: tuple[tuple[str, str, str], ...]
    """(table, column of the id, prefix of the id)"""
    queue: str
    key: str
    prefix: str


NOTIFICATIONS: Final = Group(
    tables=(("notifications", "id", "ntf"), ("notification_ends", "notification_id", "ntf")),
    queue="notification_queue",
    key="notification_id",
    prefix="ntf",
)
MESSAGES: Final = Group(
    tables=(("messages", "id", "msg"), ("delivery_ends", "id", "dlv"), ("attempts", "id", "atmpt")),
    queue="delivery_queue",
    key="message_id",
    prefix="msg",
)


class PeriodPart(Part):
    """Makes partitions ahead and drops old ones."""

    async def tend(self, retention: Retention, *, now_ms: int) -> Tended:
        """See the port."""
        made = await self.periods_make(now_ms, now_ms + AHEAD_MS)
        dropped: list[str] = []
        await self.database.rows("answer_drop", now_ms, _ANSWERS_AT_ONCE)
        await self.database.rows("api_key_drop", now_ms, _ANSWERS_AT_ONCE)
        if retention.audit_ms:
            await self.database.rows("audit_drop", id_at("aud", now_ms - retention.audit_ms), _ANSWERS_AT_ONCE)
        for group, kept_ms in ((NOTIFICATIONS, retention.notifications_ms), (MESSAGES, retention.messages_ms)):
            if kept_ms:
                dropped += await self._drop(group, now_ms - kept_ms)
        await self._drop_rests()
        return Tended(made=made, dropped=tuple(dropped))

    async def _drop_rests(self) -> None:
        """Numbers and extras of messages whose periods are gone."""
        kept = [row[1] for row in await self.database.rows("period_list") if row[0] == "messages"]
        if kept:
            values = (id_at("msg", _start_of(min(kept))), _RESTS_AT_ONCE)
            for name in ("poll_drop", "message_extra_drop"):
                while await self._count(name, *values) == _RESTS_AT_ONCE:
                    pass

    async def _count(self, name: str, *values: object) -> int:
        async with self.database.session() as session:
            return await session.count(name, *values)

    async def periods_make(self, from_ms: int, until_ms: int) -> tuple[str, ...]:
        """Make the partitions of a span of time; the names of those that were not there."""
        there = {(row[0], row[1]) for row in await self.database.rows("period_list")}
        made: list[str] = []
        for table, key, prefix in (*NOTIFICATIONS.tables, *MESSAGES.tables):
            for start_ms in _starts(from_ms, until_ms):
                if (table, _suffix_of(start_ms)) in there:
                    continue
                async with self.database.transaction() as session:
                    await self._begin(session)
                    values = (table, key, prefix, start_ms, start_ms + WEEK_MS)
                    ((name,),) = await session.rows("period_make", *values)
                made += [name] if name else []
        return tuple(made)

    async def _drop(self, group: Group, before_ms: int) -> list[str]:
        mine = {table for table, _, _ in group.tables}
        there = sorted({row[1] for row in await self.database.rows("period_list") if row[0] in mine})
        dropped: list[str] = []
        for suffix in there:
            start_ms = _start_of(suffix)
            if start_ms + WEEK_MS > before_ms:
                break
            low, high = id_at(group.prefix, start_ms), id_at(group.prefix, start_ms + WEEK_MS)
            async with self.database.transaction() as session:
                await self._begin(session)
                values = (sorted(mine), suffix, group.queue, group.key, low, high)
                ((gone,),) = await session.rows("period_drop", *values)
            dropped += [f"{table}_{suffix}" for table in sorted(mine)] if gone else []
        return dropped

    async def _begin(self, session: Session) -> None:
        await session.rows("period_lock")
        await session.rows("period_patience")


def _starts(from_ms: int, until_ms: int) -> Iterable[int]:
    return range(from_ms - from_ms % WEEK_MS, until_ms + 1, WEEK_MS)


def _suffix_of(start_ms: int) -> str:
    return dt.datetime.fromtimestamp(start_ms / 1000, dt.UTC).strftime(_SUFFIX)


def _start_of(suffix: str) -> int:
    return int(dt.datetime.strptime(suffix, _SUFFIX).replace(tzinfo=dt.UTC).timestamp()) * 1000
