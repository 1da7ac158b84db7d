"""What does not add up in a database is found and named, each kind by a check of its own."""

import asyncio
from typing import Any

import pytest

from paybell.app.archives import FOLDS
from paybell.store.checking import EXAMPLES_MAX, Defect, verify
from paybell.testing.builders import appending, message, notification
from tests.contract.archives import OTHER_KEY, alter, filled, opened, verified
from tests.contract.stores import Place, SqlitePlace, World, run

FIRST = notification(1).id
SECOND = notification(2).id
ENDED = "(SELECT id FROM deliveries WHERE state = 'delivered')"
UNMAPPED = "(SELECT notification_id FROM notification_states WHERE state = 'unmapped')"


def physical(place: Place, statement: str) -> str:
    """PostgreSQL keeps what waits and what ended in tables of their own behind one view."""
    one = isinstance(place, SqlitePlace)
    return statement.format(
        states="notification_states" if one else "notification_queue",
        state_ends="notification_states" if one else "notification_ends",
        ends="deliveries" if one else "delivery_ends",
        first=FIRST,
        second=SECOND,
        message=message(50).id,
        ended=ENDED,
        unmapped=UNMAPPED,
    )


SHARED = {
    "a notification's state is gone": (
        "DELETE FROM {state_ends} WHERE notification_id = '{first}'",
        {
            ("notifications", "it has 0 states, not one"),
            ("sources", "12 notifications were accepted, and 11 have a state"),
        },
    ),
    "a notification is gone": (
        "DELETE FROM notifications WHERE id IN {unmapped}",
        {
            ("notification_states", "its notification is not there"),
            ("sources", "11 notifications were accepted, and 12 have a state"),
        },
    ),
    "the notification of a fact is gone": (
        "DELETE FROM notifications WHERE id = '{second}'; DELETE FROM {state_ends} WHERE notification_id = '{second}'",
        {("facts", f"a fact of it comes from notification {SECOND}, which is not there")},
    ),
    "somebody waits behind nobody": (
        "DELETE FROM delivery_lines WHERE place = 1; DELETE FROM delivery_lines WHERE place = 2",
        {("deliveries", "it waits for earlier ones, and there are none")},
    ),
    "a state is of another source": (
        "UPDATE {state_ends} SET source_id = 'src_2' WHERE notification_id = '{first}'",
        {
            ("notification_states", "its notification is of source src_1"),
            ("sources", "12 notifications were accepted, and 11 have a state"),
            ("sources", "0 notifications were accepted, and 1 have a state (1 recorded)"),
        },
    ),
    "a payment's state is another": (
        "UPDATE payments SET version = 9 WHERE gateway_payment_id = 'pi_1'",
        {("payments", "its column version is 9, not 2 as in its state")},
    ),
    "a payment's status is another": (
        "UPDATE payments SET status = 'failed' WHERE gateway_payment_id = 'pi_1'",
        {("payments", "its column status is failed, not partially_refunded as in its state")},
    ),
    "a payment is gone": (
        "DELETE FROM payments WHERE gateway_payment_id = 'pi_2'",
        {("payments", "it is not there, and has 1 facts"), ("messages", "it is about payment pay_")},
    ),
    "a payment before another is gone": (
        "DELETE FROM payments WHERE gateway_payment_id = 'pi_1'",
        {
            ("payments", "it is not there, and has 2 facts"),
            ("messages", "it is about payment pay_"),
            ("postings", "its payment pay_"),
        },
    ),
    "a fact is gone": (
        "DELETE FROM facts WHERE notification_id = '{first}'",
        {
            ("payments", "its status, amount_minor"),
            ("postings", "its entry captured ch_1 is not what its facts ask for"),
            ("postings", "its entry captured ch_3 is not what its facts ask for"),
        },
    ),
    "all facts of a payment are gone": (
        "DELETE FROM facts WHERE payment_id IN (SELECT id FROM payments WHERE gateway_payment_id = 'pi_2')",
        {("payments", "it has no facts")},
    ),
    "a fact belongs to another payment": (
        "UPDATE facts SET payment_id = (SELECT id FROM payments WHERE gateway_payment_id = 'pi_1')",
        {
            ("account_items", "it has no facts"),
            ("payments", "it has no facts"),
            ("payments", "a fact of it is of another payment"),
            ("postings", "its entry captured ch_3 is not what its facts ask for"),
        },
    ),
    "a fact comes from nowhere": (
        "UPDATE facts SET notification_id = '' WHERE notification_id = '{second}'",
        {("payments", "a fact of it comes from no notification, and is not what the merchant said")},
    ),
    "what was said of an order is not expected of its payment": (
        """INSERT INTO expectations SELECT 'exp_1', organisation_id, order_id, 90, 'USD', 1 FROM payments
           WHERE gateway_payment_id = 'pi_1'""",
        {("payments", "it does not expect 90 USD, as was said of its order")},
    ),
    "an alias is gone": (
        "DELETE FROM aliases",
        {("payments", "its alias ch_3 does not lead to it")},
    ),
    "an alias leads nowhere": (
        "UPDATE aliases SET payment_id = 'pay_x'",
        {("aliases", "its payment pay_x is not there"), ("payments", "its alias ch_3 does not lead to it")},
    ),
    "an alias leads to another payment": (
        "UPDATE aliases SET payment_id = (SELECT id FROM payments WHERE gateway_payment_id = 'pi_1')",
        {
            ("payments", "the alias ch_3 leads to it, and no fact of it says so"),
            ("payments", "its alias ch_3 does not lead to it"),
        },
    ),
    "an alias is what another payment is called": (
        "INSERT INTO aliases SELECT source_id, 'pi_2', id FROM payments WHERE gateway_payment_id = 'pi_1'",
        {
            ("aliases", "it leads to payment pay_"),
            ("payments", "the alias pi_2 leads to it, and no fact of it says so"),
        },
    ),
    "a payment is called by its alias": (
        "UPDATE payments SET gateway_payment_id = 'ch_3' WHERE gateway_payment_id = 'pi_3'",
        {("payments", "it is called ch_3, and pi_3 by its facts")},
    ),
    "what a merged payment became is not there": (
        "UPDATE merged_payments SET merged_into = 'pay_x'",
        {("merged_payments", "the payment pay_x that it became is not there")},
    ),
    "a merged payment still stands": (
        "UPDATE merged_payments SET id = (SELECT id FROM payments WHERE gateway_payment_id = 'pi_2')",
        {
            ("merged_payments", "it still stands beside the payment that it became"),
            ("messages", "it is about payment pay_"),
            ("postings", "its payment pay_"),
        },
    ),
    "what was posted of a merged payment still stands": (
        """INSERT INTO postings SELECT 'pst_x', organisation_id, source_id, payment_id, kind, ref, 2, 1, 0, debit,
           credit, amount_minor, currency, at_ms, posted_at_ms FROM postings
           WHERE reversal = 0 AND payment_id IN (SELECT id FROM merged_payments)""",
        {("postings", "it stands, though its payment pay_")},
    ),
    "a message is gone": (
        "DELETE FROM messages WHERE id IN (SELECT message_id FROM deliveries WHERE id IN {ended})",
        {("deliveries", "its message msg_")},
    ),
    "an attempt is gone": (
        "DELETE FROM attempts WHERE error <> ''",
        {("deliveries", "it counts 1 attempts; there are 0, numbered from 0 to 0")},
    ),
    "an attempt has a number of another": (
        "UPDATE attempts SET attempt_no = 3 WHERE attempt_no = 2 AND delivery_id IN {ended}",
        {("deliveries", "it counts 2 attempts; there are 2, numbered from 1 to 3")},
    ),
    "an attempt is there twice": (
        "UPDATE attempts SET attempt_no = 1 WHERE attempt_no = 2 AND delivery_id IN {ended}",
        {("deliveries", "it counts 2 attempts; there are 2, numbered from 1 to 1")},
    ),
    "a delivery is gone": (
        "DELETE FROM {ends} WHERE state = 'dead'",
        {("attempts", "its delivery dlv_")},
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_what_does_not_add_up_is_named(place: Place, name: str) -> None:
    statement, expected = SHARED[name]
    assert found(place, physical(place, statement)) == expected


def found(place: Place, statement: str) -> set[tuple[str, str]]:
    """The defects that a change makes, but for those of keys, each cut as short as it is in the expectation."""
    filled(place)
    assert verified(place).defect_count == 0
    alter(place, statement)
    expected = [it for _, them in SHARED.values() for it in them] + KEYS
    report = verified(place)
    assert report.defect_count == len(report.examples)
    return {shortened(it, expected) for it in report.examples} - set(KEYS)


def shortened(defect: Defect, expected: list[tuple[str, str]]) -> tuple[str, str]:
    for table, what in expected:
        if table == defect.table and defect.what.startswith(what):
            return table, what
    return defect.table, defect.what


KEYS = [
    ("notifications", "the dedupe key key-"),
    ("messages", "the event id event-"),
]
"""Where a notification or message is gone, PostgreSQL's key of it points nowhere."""

SQLITE = {
    "UPDATE notification_states SET due_at_ms = NULL WHERE state = 'pending'": (
        "notification_states",
        "it is pending and due at no time",
    ),
    "UPDATE notification_states SET finished_at_ms = 5 WHERE state = 'needs_fetch'": (
        "notification_states",
        "it is needs_fetch and due at",
    ),
    "UPDATE deliveries SET due_at_ms = NULL WHERE state = 'leased'": ("deliveries", "it is leased and due at no time"),
    "UPDATE deliveries SET due_at_ms = 5 WHERE state = 'dead'": ("deliveries", "it is dead and due at 5"),
}


@pytest.mark.parametrize("statement", SQLITE)
def test_what_waits_for_no_known_time_is_named(place: Place, statement: str) -> None:
    """PostgreSQL has no room for it."""
    if isinstance(place, SqlitePlace):
        filled(place)
        alter(place, statement)
        report = verified(place)
        table, what = SQLITE[statement]
        assert report.defect_count > 0
        assert all(it.table == table and it.what.startswith(what) for it in report.examples)


POSTGRES = {
    "INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, "
    "attempt_count, lease_no, due_at_ms, created_at_ms) SELECT id || 'x', message_id, endpoint_id, application_id, "
    "organisation_id, event_type, 'due', 0, 0, 1, created_at_ms FROM delivery_ends WHERE state = 'delivered'": (
        "deliveries",
        "it has 2 deliveries for ep_1",
    ),
    "DELETE FROM notification_keys WHERE notification_id = '{first}'": (
        "notifications",
        "no dedupe key points at it",
    ),
    "UPDATE notification_keys SET dedupe_key = 'other' WHERE notification_id = '{first}'": (
        "notifications",
        "its dedupe key is another",
    ),
    "INSERT INTO notification_keys VALUES ('src_1', 'lost', '{first}f')": (
        "notifications",
        "the dedupe key lost points at it, and it is not there",
    ),
    "DELETE FROM message_keys WHERE event_id = 'event-1'": ("messages", "no key points at it"),
    "UPDATE message_keys SET event_id = 'other' WHERE event_id = 'event-1'": ("messages", "its event id is another"),
    "INSERT INTO message_keys VALUES ('app_1', 'lost', '{message}')": (
        "messages",
        "the event id lost points at it, and it is not there",
    ),
}


@pytest.mark.parametrize("statement", POSTGRES)
def test_what_only_postgresql_can_get_wrong_is_named(place: Place, statement: str) -> None:
    if not isinstance(place, SqlitePlace):
        filled(place)
        alter(place, physical(place, statement))
        report = verified(place)
        assert [(it.table, it.what) for it in report.examples] == [POSTGRES[statement]]


def test_a_notification_that_waits_and_has_ended_has_two_states(place: Place) -> None:
    """As two tables could have it."""
    if not isinstance(place, SqlitePlace):
        filled(place)
        statement = (
            "INSERT INTO {states} (notification_id, organisation_id, source_id, state, leased, due_at_ms) "
            "SELECT notification_id, organisation_id, source_id, 'pending', false, 1 FROM {state_ends} "
            "WHERE notification_id = '{first}'"
        )
        alter(place, physical(place, statement))
        report = verified(place)
        assert ("notifications", "it has 2 states, not one") in {(it.table, it.what) for it in report.examples}


def test_boxes_that_do_not_open_are_named_and_all_else_is_looked_at(place: Place) -> None:
    filled(place)
    right = verified(place)
    report = verified(place, OTHER_KEY)
    assert {(it.table, it.id) for it in report.examples} == {
        ("sources", "src_1"),
        ("sources", "src_2"),
        ("endpoints", "ep_1"),
        ("endpoints", "ep_f"),
        ("endpoints", "ep_off"),
    }
    assert all("were sealed under another key" in it.what for it in report.examples)
    differ = {it.table for it, other in zip(right.tables, report.tables, strict=True) if it != other}
    assert differ == {"sources", "endpoints"}


def test_what_is_no_box_is_named(place: Place) -> None:
    filled(place)
    if isinstance(place, SqlitePlace):
        alter(place, "UPDATE sources SET sealed = x'61' WHERE id = 'src_2'")
    else:
        alter(place, "UPDATE sources SET sealed = 'a' WHERE id = 'src_2'")
    assert [(it.table, it.id) for it in verified(place).examples] == [("sources", "src_2")]


def test_of_many_defects_a_few_are_named_and_all_are_counted(place: Place) -> None:
    async def scenario(world: World) -> None:
        for number in range(1, 31):
            await world.store.notification_append(appending(notification(number)))

    run(place, scenario)
    alter(place, physical(place, "DELETE FROM {states}"))
    report = verified(place)
    assert report.defect_count == 31  # and the source's counters
    assert [it.table for it in report.examples] == ["notifications"] * EXAMPLES_MAX + ["sources"]
    assert report.examples[0].id == FIRST


def test_a_database_that_is_served_from_is_checked_in_one_snapshot(place: Place) -> None:
    """Whatever comes in between two tables is in none of them."""

    async def scenario(world: World) -> None:
        async with world.store.archive_read(alone=False) as reader:
            busy: Any = Busy(reader, world)
            report = await verify(busy, FOLDS)
        assert busy.added > 10
        assert (report.defect_count, sum(it.accepted for it in report.sources)) == (0, 0)

    run(place, scenario)


class Busy:
    """A reader beside which a notification and a message come in before each query."""

    def __init__(self, reader: Any, world: World) -> None:
        self._reader = reader
        self._world = world
        self.added = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def batches(self, query: str, rows_max: int) -> Any:
        if self.added or query == "archive_notifications":
            self.added += 1
            await self._world.store.notification_append(appending(notification(self.added)))
            await self._world.post(self.added)
        async for batch in self._reader.batches(query, rows_max):
            yield batch


def test_only_what_a_check_needs_is_in_memory(place: Place) -> None:
    """Batches are as small as was asked."""
    filled(place)

    async def main() -> None:
        async with opened(place) as store, store.archive_read(alone=False) as reader:
            sizes = [len(batch) async for batch in reader.batches("archive_notifications", 5)]
            assert sizes == [5, 5, 2]

    asyncio.run(main())
