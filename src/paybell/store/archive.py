"""A whole database as its logical tables: what both stores keep, whatever tables of their own they keep it in.

A logical row is equal on both: who leases what is left out (what was leased is due), and what is sealed enters opened.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.clock import time_of
from paybell.errors import ConfigurationError, Conflict
from paybell.model.text import is_storable, readable
from paybell.ports import ArchiveReader, ArchiveRow, ArchiveSpan
from paybell.store import rows

_WIDE: Final = 64
"""Rows at once where each may hold a body of a megabyte."""
_NARROW: Final = 1000
WEEK_MS: Final = 7 * 86_400_000
"""What retention drops at once where history is divided: a week, counted from 1970."""
_ENCODER: Final = msgspec.msgpack.Encoder()


class Table(Struct, frozen=True, kw_only=True):
    """One logical table. ``query`` gives its columns in the order of its key; ``sealed`` is the column of its boxes."""

    name: str
    query: str
    columns: tuple[str, ...]
    key_columns: int = 1
    """The first so many columns are its key."""
    rows_max: int = _NARROW
    """Rows read and written at once."""
    sealed: int | None = None
    foreign: tuple[int, ...] = ()
    """Columns with text that others wrote: where an older Paybell kept what PostgreSQL cannot hold, U+FFFD stands."""

    def key_of(self, row: ArchiveRow) -> str:
        """A row's key, for people."""
        return "/".join(it.hex() if isinstance(it, bytes) else str(it) for it in row[: self.key_columns])


def _table(
    name: str,
    query: str,
    columns: str,
    *,
    key_columns: int = 1,
    rows_max: int = _NARROW,
    sealed: int | None = None,
    foreign: str = "",
) -> Table:
    listed = tuple(columns.split())
    return Table(
        name=name,
        query=query,
        columns=listed,
        key_columns=key_columns,
        rows_max=rows_max,
        sealed=sealed,
        foreign=tuple(listed.index(it) for it in foreign.split()),
    )


TABLES: Final = (
    _table("organisations", "archive_organisations", "id name created_at_ms"),
    _table(
        "api_keys",
        "archive_api_keys",
        "id organisation_id name key_hash created_at_ms expires_at_ms revoked_at_ms scopes used_at_ms application_id "
        "session_id limits",
    ),
    _table(
        "sources",
        "archive_sources",
        "id organisation_id uid gateway livemode sealed enabled created_at_ms",
        sealed=5,
    ),
    _table(
        "notifications",
        "archive_notifications",
        "id source_id organisation_id dedupe_key origin hint received_at_ms headers body",
        rows_max=_WIDE,
    ),
    _table("notification_keys", "archive_notification_keys", "source_id dedupe_key notification_id", key_columns=2),
    _table(
        "notification_states",
        "archive_notification_states",
        "notification_id organisation_id source_id state reason event attempt_count wanted_no due_at_ms finished_at_ms",
        foreign="reason event",
    ),
    _table(
        "refusals",
        "archive_refusals",
        "id source_id organisation_id refused_at_ms reason detail headers body",
        rows_max=_WIDE,
    ),
    _table("facts", "archive_facts", "payment_id digest fact notification_id recorded_at_ms", key_columns=2),
    _table(
        "payments",
        "archive_payments",
        "id organisation_id source_id gateway gateway_payment_id livemode status order_id version state created_at_ms "
        "updated_at_ms",
    ),
    _table(
        "account_items",
        "archive_account_items",
        "id subject organisation_id source_id gateway gateway_id livemode status version state created_at_ms "
        "updated_at_ms",
    ),
    _table(
        "products",
        "archive_products",
        "organisation_id uid name plans duration_days grace_days suspended_days on_refund created_at_ms updated_at_ms",
        key_columns=2,
    ),
    _table("grants", "archive_grants", "subject_id organisation_id source_id customer says"),
    _table(
        "entitlements",
        "archive_entitlements",
        "id organisation_id source_id gateway livemode customer email user_id product state reason until_ms "
        "due_at_ms version who created_at_ms updated_at_ms",
    ),
    _table(
        "silences",
        "archive_silences",
        "subject_id version organisation_id event_types reason at_ms",
        key_columns=2,
    ),
    _table("mentions", "archive_mentions", "subject_id notification_id at_ms", key_columns=2),
    _table(
        "erasures",
        "archive_erasures",
        "id organisation_id customers payment_count notification_count message_count erased_at_ms",
    ),
    _table("expectations", "archive_expectations", "id organisation_id order_id amount_minor currency created_at_ms"),
    _table("merged_payments", "archive_merged_payments", "id organisation_id source_id merged_into merged_at_ms"),
    _table("aliases", "archive_aliases", "source_id alias payment_id", key_columns=2),
    _table(
        "postings",
        "archive_postings",
        "id organisation_id source_id payment_id kind ref no line_no reversal debit credit amount_minor currency at_ms "
        "posted_at_ms",
    ),
    _table(
        "audit",
        "archive_audit",
        "id organisation_id at_ms actor operation objects fields address",
    ),
    _table("applications", "archive_applications", "id organisation_id uid name created_at_ms updated_at_ms options"),
    _table(
        "endpoints",
        "archive_endpoints",
        "id organisation_id application_id uid url description event_types sealed disabled disabled_reason "
        "created_at_ms updated_at_ms options",
        sealed=7,
    ),
    _table(
        "event_types",
        "archive_event_types",
        "organisation_id name description created_at_ms options updated_at_ms",
        key_columns=2,
    ),
    _table(
        "messages",
        "archive_messages",
        "id organisation_id application_id event_type event_id payload payment_id created_at_ms channels trace",
        rows_max=_WIDE,
    ),
    _table("message_keys", "archive_message_keys", "application_id event_id message_id", key_columns=2),
    _table(
        "message_extras",
        "archive_message_extras",
        "message_id organisation_id application_id tags deliver_at_ms payload_ends_at_ms",
    ),
    _table(
        "deliveries",
        "archive_deliveries",
        "id message_id endpoint_id application_id organisation_id event_type state attempt_count lease_no due_at_ms "
        "created_at_ms finished_at_ms last_error resent_at_count dead_reason",
        foreign="last_error",
    ),
    _table("delivery_lines", "archive_delivery_lines", "delivery_id endpoint_id order_key place"),
    _table(
        "attempts",
        "archive_attempts",
        "id delivery_id message_id endpoint_id application_id organisation_id attempt_no delivered status_code "
        "response error url started_at_ms duration_ms manual",
        foreign="response error",
    ),
    _table(
        "tasks",
        "archive_tasks",
        "id organisation_id application_id endpoint_id kind asked state reason cursor found done skipped lease_no "
        "due_at_ms created_at_ms updated_at_ms finished_at_ms result",
        rows_max=_WIDE,
    ),
    _table("poll_heads", "archive_poll_heads", "application_id last_no last_id wide_at_ms"),
    _table("poll_numbers", "archive_poll_numbers", "application_id no message_id", key_columns=2),
    _table(
        "poll_consumers",
        "archive_poll_consumers",
        "endpoint_id name position_no after_id updated_at_ms",
        key_columns=2,
    ),
)
"""In the order in which they can be written: what is referred to comes first."""
BY_NAME: Final[Mapping[str, Table]] = {table.name: table for table in TABLES}


class TableDigest(Struct, frozen=True, kw_only=True):
    """How many rows a table has, and a SHA-256 over them (hex)."""

    table: str
    row_count: int
    sha256: str


async def span_of(reader: ArchiveReader) -> ArchiveSpan | None:
    """The time of what a database holds; None where it holds nothing."""
    ids = [
        it
        for batch in [batch async for batch in reader.batches("archive_span", _NARROW)]
        for row in batch
        for it in row
    ]
    times = [time for it in ids if it is not None and (time := time_of(rows.text(it))) is not None]
    return ArchiveSpan(min(times), max(times)) if times else None


def check_empty(occupied: Sequence[str]) -> None:
    """Refuse a target that holds anything, with ``Conflict``."""
    if occupied:
        raise Conflict(
            f"the target holds rows already ({', '.join(occupied)}): give --to a database that is new or empty; "
            "nothing was written"
        )


class Digest:
    """A SHA-256 over logical rows in the order of their key: each row as a MessagePack array, which ends by itself."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._hash = sha256()
        self._row_count = 0

    def add(self, batch: Sequence[ArchiveRow]) -> None:
        """Take the next rows, however many at once."""
        self._hash.update(b"".join(map(_ENCODER.encode, batch)))
        self._row_count += len(batch)

    def result(self) -> TableDigest:
        """What was taken so far."""
        return TableDigest(table=self._table, row_count=self._row_count, sha256=self._hash.hexdigest())


def digest_of_all(tables: Iterable[TableDigest]) -> str:
    """One SHA-256 (hex) over the digests of all tables."""
    return sha256(b"".join(map(_ENCODER.encode, tables))).hexdigest()


class Unopened(Struct, frozen=True):
    """A box that no key we have opens."""

    id: str
    what: str


async def logical(reader: ArchiveReader, table: Table) -> AsyncIterator[Sequence[ArchiveRow]]:
    """A table's logical rows in batches; ``ConfigurationError`` when a box does not open."""
    async for batch in reader.batches(table.query, table.rows_max):
        yield [_logical(reader, table, row) for row in batch] if _differs(table) else batch


async def tolerant(
    reader: ArchiveReader, table: Table, unopened: list[Unopened]
) -> AsyncIterator[Sequence[ArchiveRow]]:
    """A table's logical rows in batches; a box that does not open stays shut and is added to ``unopened``."""
    async for batch in reader.batches(table.query, table.rows_max):
        yield [_tolerated(reader, table, row, unopened) for row in batch] if _differs(table) else batch


def _differs(table: Table) -> bool:
    return table.sealed is not None or bool(table.foreign)


def _logical(reader: ArchiveReader, table: Table, row: ArchiveRow) -> ArchiveRow:
    if table.sealed is not None:
        return replaced(row, table.sealed, reader.open_box(rows.blob(row[table.sealed]), rows.text(row[0])))
    for place in table.foreign:
        text = rows.text(row[place])
        if not is_storable(text):
            row = replaced(row, place, readable(text))
    return row


def _tolerated(reader: ArchiveReader, table: Table, row: ArchiveRow, unopened: list[Unopened]) -> ArchiveRow:
    try:
        return _logical(reader, table, row)
    except ConfigurationError as error:
        unopened.append(Unopened(rows.text(row[0]), str(error)))
        return row


def replaced(row: ArchiveRow, place: int, value: str | bytes) -> ArchiveRow:
    """The row with another value in one column."""
    return (*row[:place], value, *row[place + 1 :])
