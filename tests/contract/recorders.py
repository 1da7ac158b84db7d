"""Two processes that record the same payments' notifications at the same moment, over one PostgreSQL."""

import asyncio
import multiprocessing
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Final

from msgspec import Struct

from paybell.clock import SystemClock
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification
from paybell.model.source import Source
from paybell.ports import Book, Changes, Reading
from paybell.record.rules import decide
from paybell.route.rules import Mint, route_change
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.testing.builders import fact, notification
from tests.contract.stores import KEY

TOLD: Final = 4
"""Notifications of each payment: all say that it was captured, and each tells of one refund more."""
_ROUND: Final = 2
"""Payments recorded together: then locks of two are held at once."""
_FORKS = multiprocessing.get_context("forkserver")
_END_S: Final = 1800


class Job(Struct, frozen=True, kw_only=True):
    """What both processes are given."""

    url: str
    source: Source
    payment_count: int
    linked: bool = False
    """Each payment is told of under three ids, and only one notification says that they are one."""


def notified(job: Job, payment_no: int, told_no: int) -> Notification:
    """The notification of that payment with that number."""
    number = payment_no * TOLD + told_no + 1
    return notification(number, organisation_id=job.source.organisation_id)


def record_together(job: Job) -> None:
    """Let two processes record all of it, both all, each in another order; an error in either fails the test."""
    barrier = _FORKS.Barrier(2)
    processes = [_FORKS.Process(target=_record, args=(job, turn, barrier)) for turn in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_END_S)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == 0


def _record(job: Job, turn: int, barrier: Barrier) -> None:
    try:
        asyncio.run(_record_all(job, turn, barrier))
    except BaseException:
        barrier.abort()  # the other one must not wait for this one
        raise


async def _record_all(job: Job, turn: int, barrier: Barrier) -> None:
    clock = SystemClock()
    store = PostgresStore(job.url, Seal(KEY, clock), clock, serve=False)
    await store.open()
    for first in range(0, job.payment_count, _ROUND):
        payments = range(first, min(first + _ROUND, job.payment_count))
        order = payments if turn == 0 else payments[::-1]
        batches = [[_reading(job, payment_no, told_no) for payment_no in order] for told_no in range(TOLD)]
        barrier.wait(_END_S)
        await asyncio.gather(*(store.notification_record(it, _decided) for it in _turned(batches, turn)))
    await store.close()


def _turned(batches: Sequence[list[Reading]], turn: int) -> Sequence[list[Reading]]:
    return batches if turn == 0 else batches[::-1]


def _reading(job: Job, payment_no: int, told_no: int) -> Reading:
    facts = (_linked if job.linked else _refunded)(payment_no, told_no)
    return Reading(notification=notified(job, payment_no, told_no), source=job.source, parsed=Parsed(facts=facts))


def _refunded(payment_no: int, told_no: int) -> tuple[Fact, ...]:
    aggregate = f"pi_{payment_no}"
    return (
        fact(Kind.CAPTURED, "ch_1", 100, aggregate=aggregate),
        fact(Kind.REFUND_SUCCEEDED, f"re_{told_no}", 1, at_s=told_no, aggregate=aggregate),
    )


def _linked(payment_no: int, told_no: int) -> tuple[Fact, ...]:
    intent, charge, session = (f"{it}_{payment_no}" for it in ("pi", "ch", "cs"))
    told = (
        fact(Kind.PAYMENT_CREATED, "", 100, aggregate=intent),
        fact(Kind.CAPTURED, "ch_1", 100, aggregate=charge),
        fact(Kind.REFUND_SUCCEEDED, "re_1", 40, at_s=2, aggregate=session),
    )
    links = (
        fact(Kind.LINK, charge, aggregate=intent, detail={"type": "charge"}),
        fact(Kind.LINK, intent, aggregate=session, detail={"type": "intent"}),
    )
    return links if told_no == TOLD - 1 else told[told_no : told_no + 1]


def _decided(book: Book) -> Changes:
    clock = SystemClock()
    now_ms = clock.now_ms()
    mint = Mint(new_id=clock.new_id, has_room=lambda _: False, now_ms=now_ms, lease_ends_at_ms=0)
    return decide(book, route=lambda change, endpoints: route_change(change, endpoints, mint), now_ms=now_ms)
