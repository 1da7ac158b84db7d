"""A log of notifications, and a process that records it: ``python -m tests.acceptance.replaying DATABASE 100``."""

import asyncio
import sys
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from paybell import log
from paybell.clock import SystemClock
from paybell.gateways import GATEWAYS
from paybell.model.fact import Parsed
from paybell.model.notification import Batch, Notification, Request, Verified
from paybell.model.source import Source
from paybell.ports import Gateway, Store
from paybell.record.service import RecordConfig, RecordService
from paybell.route.rules import Mint, route_change
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import appending, notification, source
from paybell.testing.fake_clock import START_MS, FakeClock
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from tests.contract.stores import KEY, World
from tests.unit.histories import log_of

Arrived = tuple[Source, Request, bytes]
"""For whom, the request, and the bytes of it that are the notification."""

_AT_S: Final = START_MS // 1000
_TOKEN: Final = "tok_of_the_log"
_HISTORIES: Final = 12
_DUE_MS: Final = START_MS - 3_600_000
"""One after the other: so they are claimed in the order of the log."""
_LATER_MS: Final = START_MS + 3_600_000


class Plain:
    """A gateway that says its facts as they are."""

    def parse(self, kept: Notification, _: Source) -> Parsed:
        return msgspec.json.decode(kept.body, type=Parsed)


async def fill(world: World) -> int:
    """Receive the log; how many notifications."""
    mine = world.organisation.id
    for each in {of.id: of for of, _, _ in arrivals()}.values():
        await world.store.source_create(replace(each, organisation_id=mine))
    new = [appending(_kept(number, mine, it), due_at_ms=_DUE_MS + number) for number, it in enumerate(arrivals(), 1)]
    await asyncio.gather(*map(world.store.notification_append, new))
    return len(arrivals())


def _kept(number: int, organisation_id: str, arrived: Arrived) -> Notification:
    of, request, body = arrived
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers)
    return notification(number, organisation_id=organisation_id, source_id=of.id, headers=headers, body=body)


@cache
def arrivals() -> tuple[Arrived, ...]:
    """What every pretend gateway can say and sign, and random histories, mixed; the same for all that record it."""
    told = [*_of_gateways(), *_histories()]
    Random(20_261_125).shuffle(told)
    return tuple(told)


def _of_gateways() -> Iterator[Arrived]:
    for name, pretender in PRETENDERS.items():
        own = GATEWAYS[name]
        of = source(
            id=f"src_{name}",
            uid=name,
            gateway=name,
            livemode=False,
            secrets=(pretender.source_secret(pretender.secret),) if own.about.credential else (),
            token=_TOKEN if own.about.has_token else "",
            options=pretender.options,
        )
        for event in pretender.events:
            signed = pretender.signed(event, token=_TOKEN, at_s=_AT_S)
            headers = tuple((key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in signed.headers)
            request = Request(signed.body, headers, signed.token, signed.query)
            match own.verify(request, of, _AT_S * 1000):
                case Verified():
                    yield of, request, request.body
                case Batch(items=items):
                    yield from ((of, request, item.body) for item in items if not item.hint)
                case _:
                    """A hint says nothing by itself."""


def _histories() -> Iterator[Arrived]:
    for seed in range(_HISTORIES):
        of = source(id=f"src_plain_{seed}", uid=f"plain-{seed}", gateway="plain")
        for facts in log_of(seed):
            yield of, Request(b""), msgspec.json.encode(Parsed(facts=facts))


async def record(store: Store, clock: FakeClock, batch_max: int) -> None:
    """Record what waits, as the record step does."""
    await store.open()
    mint = Mint(new_id=SystemClock().new_id, has_room=lambda _: False, now_ms=clock.now_ms(), lease_ends_at_ms=0)
    service = RecordService(
        store,
        cast("Mapping[str, Gateway]", ChainMap(cast("dict[str, Any]", {"plain": Plain()}), cast("Any", GATEWAYS))),
        clock,
        RecordConfig(batch_max=batch_max),
        route=lambda change, endpoints, _: route_change(change, endpoints, mint),
        hand_on=lambda _: None,
    )
    service.wake()
    while await service.run_once():
        service.wake()
    await store.close()


def main(database: str, batch_max: str) -> None:
    """Record from that PostgreSQL, or that SQLite file."""
    log.configure("error")
    clock = FakeClock(_LATER_MS, seed=int(batch_max))
    seal = Seal(KEY, clock)
    is_file = Path(database).is_file()
    store = SqliteStore(database, seal, clock) if is_file else PostgresStore(database, seal, clock, serve=False)
    asyncio.run(record(store, clock, int(batch_max)))


if __name__ == "__main__":
    main(*sys.argv[1:])
