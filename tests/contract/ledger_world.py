"""What the tests of the ledger in a database share: how notifications get there, and all that came of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import apsw
import asyncpg

from paybell.model.fact import Fact
from paybell.model.notification import Notification
from paybell.ports import Reading
from paybell.testing.builders import appending, notification, reading
from tests.contract.stores import Place, PostgresPlace, SqlitePlace, World

Rows = Sequence[tuple[Any, ...]]
DUMP: Final[Mapping[str, str]] = {
    "payments": "SELECT id, organisation_id, source_id, gateway_payment_id, status, order_id, version, state "
    "FROM payments",
    "facts": "SELECT payment_id, digest, fact, notification_id FROM facts",
    "postings": "SELECT id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, "
    "amount_minor, currency, at_ms FROM postings",
    "account_items": "SELECT id, subject, organisation_id, source_id, gateway_id, status, version, state "
    "FROM account_items",
    "grants": "SELECT subject_id, organisation_id, source_id, customer, says FROM grants",
    "entitlements": "SELECT id, organisation_id, source_id, customer, product, state, reason, until_ms, due_at_ms, "
    "version, who FROM entitlements",
    "mentions": "SELECT subject_id, notification_id FROM mentions",
    "silences": "SELECT subject_id, version, event_types, reason FROM silences",
    "messages": "SELECT application_id, event_type, event_id, payment_id FROM messages",
    "deliveries": "SELECT event_type, endpoint_id, count(*) FROM deliveries GROUP BY event_type, endpoint_id",
    "states": "SELECT notification_id, state FROM notification_states",
}
"""All that recording writes, but for the times of writing and the ids that chance gives."""


def plain(world: World, number: int) -> Notification:
    return notification(number, organisation_id=world.organisation.id)


async def arrive(world: World, *numbers: int) -> None:
    """Append the notifications with those numbers."""
    for number in numbers:
        await world.store.notification_append(appending(plain(world, number)))


def told(world: World, number: int, *facts: Fact) -> Reading:
    """That notification, read as those facts."""
    return Reading(notification=plain(world, number), source=world.source, parsed=reading(*facts, number=number).parsed)


def everything(place: Place) -> Mapping[str, Rows]:
    """All that recording has written, sorted."""
    return {name: sorted(rows_of(place, query)) for name, query in DUMP.items()}


def rows_of(place: Place, query: str) -> Rows:
    """What a query finds, asked past the store."""
    if isinstance(place, SqlitePlace):
        connection = apsw.Connection(str(place.path))
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()
    assert isinstance(place, PostgresPlace)
    return asyncio.run(_fetched(place.url, query))


async def _fetched(url: str, query: str) -> Rows:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
