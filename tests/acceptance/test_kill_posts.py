"""SIGKILL before and after commits and at random, while messages are posted, delivered and polled: nothing is lost."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

import pytest
from msgspec.structs import replace

from paybell.testing.receiver import Receiver
from tests.acceptance.cli_world import Shell
from tests.acceptance.commit_gate import Gate
from tests.acceptance.load import drained
from tests.acceptance.mortal import Moment, MortalServer
from tests.acceptance.posting import Clients, Ends, compare, furnish
from tests.acceptance.world import eventually
from tests.databases import DATABASES, Database, environment

FEW, MANY = 3, 200
QUERIES: Final = {
    "sqlite": (
        "message_insert_once",
        "attempt_insert",
        "delivery_lease",
        "line_leave",
        "turn_take",
        "endpoint_state_put",
        "poll_number",
        "poll_consumer_advance",
        "lease_release_deliveries",
        "node_beat",
    ),
    "postgres": (
        "message_post",
        "attempt_append",
        "delivery_claim",
        "line_join",
        "line_leave",
        "turn_take",
        "endpoint_state_put",
        "poll_number",
        "poll_consumer_advance",
        "node_beat",
        "node_bury",
        "leader_take",
    ),
}
"""Who commits between a post and its last attempt, and at a start."""
_ONCE: Final = {"lease_release_deliveries", "node_bury", "leader_take"}
"""Of these a server commits one, soon after its start or when it takes over."""
_REACHED_S: Final = 9.0
_DRAINED_S: Final = 30.0
_DRAINED_MORE_S: Final = 0.2
"""How long it takes until nothing waits any more; more for each life, since each leaves a little."""
_TAKEOVER_S: Final = 8.0
"""One that lives so long takes over from those that died before it."""
_ROUND: Final = 4
_LONG_LIFE: Final = 12
_REACHED_SHARE: Final = 0.8


class Deaths:
    """Starts a server so often and ends it: every fourth time at random, else before and after commits, in turns."""

    def __init__(self, server: MortalServer, name: str, chance: Random) -> None:
        self._server = server
        self._moments = cycle([Moment(query, after) for query in QUERIES[name] for after in (False, True)])
        self._takes_over = name == "postgres"
        self._chance = chance
        self.reached: Counter[str] = Counter()
        self.times_s: list[float] = []

    async def run(self, count: int) -> None:
        """The server runs at the end as at the beginning."""
        for place in range(count):
            if place % _ROUND == _ROUND - 1:
                await self._at_random(place)
            else:
                await self._at(self._next())
        await asyncio.to_thread(self._server.start)

    def _next(self) -> Moment:
        moment = next(self._moments)
        return moment if moment.query in _ONCE else replace(moment, nth=self._chance.randint(1, 4))

    async def _at_random(self, place: int) -> None:
        is_long = self._takes_over and place % _LONG_LIFE == _LONG_LIFE - 1
        await asyncio.to_thread(self._server.start)
        await asyncio.sleep(_TAKEOVER_S if is_long else self._chance.uniform(0.02, 0.8))
        await asyncio.to_thread(self._server.kill)
        self._died("at random")

    async def _at(self, moment: Moment) -> None:
        await asyncio.to_thread(self._server.start, moment)
        is_reached = await asyncio.to_thread(self._server.dies_within, _REACHED_S)
        self._died(moment.name if is_reached else "not reached")

    def _died(self, where: str) -> None:
        self.reached[where] += 1
        self.times_s.append(self._server.forked.died_s())


@asynccontextmanager
async def serving(database: Database) -> AsyncIterator[MortalServer]:
    """A server that runs; whatever waits for it does so on a thread, since the gate is served by this loop."""
    gated = Gate(database.url) if database.url.startswith("postgresql") else nullcontext()
    async with gated as gate:
        server = MortalServer(database, gate)
        try:
            await asyncio.to_thread(server.start)
            yield server
        finally:
            await asyncio.to_thread(server.__exit__)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "kills"),
    [
        ("sqlite", FEW),
        pytest.param("sqlite", MANY, marks=pytest.mark.long),
        pytest.param("postgres", MANY, marks=pytest.mark.long),
    ],
)
def test_what_is_posted_is_delivered_once_in_order_whenever_the_server_is_killed(
    tmp_path: Path, name: str, kills: int
) -> None:
    database, ends = DATABASES[name](tmp_path), Ends()
    drained_s = _DRAINED_S + _DRAINED_MORE_S * kills

    async def scenario() -> None:
        async with Receiver(answer=ends.answer, keep=False) as receiver, serving(database) as server:
            await asyncio.to_thread(furnish, server, ends, receiver.url)
            clients, deaths = Clients(server.url, ends), Deaths(server, name, Random(20_261_126))
            running = asyncio.create_task(clients.run())
            await asyncio.to_thread(server.kill)
            await deaths.run(kills)
            clients.end()
            await asyncio.wait_for(running, drained_s)
            await eventually(lambda: asyncio.to_thread(drained, database), drained_s + database.takeover_s)
            assert await asyncio.to_thread(server.stop) == 0
        again = compare(database, clients, ends, deaths.times_s)
        sys.stdout.write(f"{len(clients.posted)} messages, {again} deliveries twice; killed {dict(deaths.reached)}\n")
        assert deaths.reached["not reached"] <= kills * (1 - _REACHED_SHARE)

    asyncio.run(scenario())
    assert Shell(tmp_path, **environment(database)).right("db", "verify").endswith("everything adds up\n")
