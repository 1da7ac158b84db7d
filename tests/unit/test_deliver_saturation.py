"""An endpoint that is sent more than it takes gets all of it, and roughly in the order in which it was posted."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from paybell.model.delivery import Answered, Outcome
from paybell.model.endpoint import Endpoint
from paybell.ports import MessageNew, Sending
from paybell.route.rules import Mint, route_message
from paybell.testing.builders import message
from tests.contract.stores import World
from tests.unit.steps import Wire, run, turns_until
from tests.unit.test_deliver_service import Office

OK = Answered(status_code=200)
ACTIVE_MAX, WAITING_MAX = 2, 16


class Counter(Wire):
    """Takes what is sent, one each time it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def send(self, sending: Sending) -> Outcome:
        self.sent.append(sending)
        self.waiting.append(asyncio.get_running_loop().create_future())
        await self.waiting[-1]
        return OK

    def take(self) -> None:
        if self.waiting:
            self.waiting.popleft().set_result(None)

    @property
    def numbers(self) -> list[int]:
        return [int(found[0]) for it in self.sent if (found := re.findall(rb"\d+", it.body))]


async def post(at: World, office: Office, number: int, endpoint: Endpoint | None = None) -> None:
    """As the application does it: what there is room for is handed on, the rest is claimed."""
    now_ms = at.clock.now_ms()
    mint = Mint(
        new_id=at.clock.new_id,
        has_room=office.service.has_room,
        now_ms=now_ms,
        lease_ends_at_ms=now_ms + 60_000,
    )
    told = message(number, organisation_id=at.organisation.id)
    jobs = route_message(told, [endpoint or at.endpoint], mint)
    await at.store.message_post(MessageNew(message=told, deliveries=jobs))
    office.service.put([job for job in jobs if job.lease_no])
    if not all(job.lease_no for job in jobs):
        office.service.wake()


@asynccontextmanager
async def at_work(*offices: Office) -> AsyncIterator[None]:
    """Their loops run, and know all endpoints."""
    for office in offices:
        await office.turn()
    loops = [asyncio.create_task(office.service.run()) for office in offices]
    yield
    for office in offices:
        office.service.drain()
    await asyncio.gather(*loops)


async def breathe() -> None:
    """Let all that was begun get on."""
    for _ in range(20):
        await asyncio.sleep(0)


def lateness(numbers: list[int]) -> int:
    """By how many places one came later than it was posted, at most."""
    return max(place - number for place, number in enumerate(numbers, start=1))


def office_at(at: World, wire: Wire) -> Office:
    return Office(at, wire, endpoint_active_max=ACTIVE_MAX, endpoint_waiting_max=WAITING_MAX)


def test_what_overflowed_into_the_store_is_not_passed_by_what_is_newer() -> None:
    async def scenario(at: World) -> None:
        wire = Counter()
        office = office_at(at, wire)
        async with at_work(office):
            for number in range(1, 201):
                at.clock.advance(0.001)
                await post(at, office, number)
                if number % 3:
                    wire.take()
                await breathe()
            while len(wire.sent) < 200:
                wire.take()
                await breathe()
            assert office.service.waiting_count == 0
            assert lateness(wire.numbers) <= 2
            await turns_until(lambda: office.service.has_room("ep_1"))
            while wire.waiting:
                wire.take()
                await breathe()
        assert sorted(wire.numbers) == list(range(1, 201))

    run(scenario)


def test_of_two_processes_neither_sends_what_is_newer_past_what_overflowed_at_the_other() -> None:
    async def scenario(at: World) -> None:
        wire = Counter()
        one, other = office_at(at, wire), office_at(at, wire)
        async with at_work(one, other):
            for number in range(1, 301):
                at.clock.advance(0.001)
                office = other if number % 4 == 0 else one
                await post(at, office, number)
                (one if office is other else other).service.wake()  # as a hint does
                if number % 3:
                    wire.take()
                await breathe()
            while len(wire.sent) < 300:
                wire.take()
                await breathe()
            while wire.waiting:
                wire.take()
                await breathe()
        assert lateness(wire.numbers) <= ACTIVE_MAX + WAITING_MAX
        assert sorted(wire.numbers) == list(range(1, 301))

    run(scenario)
