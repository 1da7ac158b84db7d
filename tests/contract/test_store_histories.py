"""Random histories through the real stores end as they do in memory, and the database adds up."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Final

import msgspec

from paybell.model.ledger import Posting
from paybell.store import ledger_rows
from paybell.testing.builders import appending, endpoint, reading
from tests.contract.archives import verified
from tests.contract.ledger_world import plain, rows_of, told
from tests.contract.stores import Place, SqlitePlace, World, run
from tests.unit.books import Standing, standing
from tests.unit.desk import Ledger
from tests.unit.histories import Told, batches_of, log_of

_POSTINGS: Final = (
    "SELECT id, organisation_id, source_id, payment_id, kind, ref, no, line_no, reversal, debit, credit, amount_minor, "
    "currency, at_ms, posted_at_ms FROM postings"
)
_TOLD: Final = frozenset({"payment.completed", "refund.completed", "dispute.lost"})


class Both:
    """A store, and beside it the rule alone with a few dictionaries."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done = 0
        self.models: list[Ledger] = []

    async def take(self, seed: int) -> None:
        """One history, of payments that no other has."""
        self.models.append(Ledger(endpoint(event_types=_TOLD)))
        for batch in batches_of(seed, [_named(seed, facts) for facts in log_of(seed)]):
            await self._batch(batch)

    async def _batch(self, batch: Sequence[Told]) -> None:
        """Receive and record it, now and then twice; the same in memory."""
        numbered = list(enumerate(batch, self.done + 1))
        self.done += len(batch)
        new = [appending(plain(self.world, number)) for number, _ in numbered]
        await asyncio.gather(*map(self.world.store.notification_append, new))
        readings = [told(self.world, number, *facts) for number, facts in numbered]
        await self.world.record(readings)
        if self.done % 3 == 0:
            await self.world.record(readings)
        self.models[-1].take_all([reading(*facts, number=number) for number, facts in numbered])


def _named(seed: int, facts: Told) -> Told:
    return tuple(msgspec.structs.replace(it, aggregate=f"{seed}_{it.aggregate}") for it in facts)


def test_the_same_seeds_end_as_they_do_in_memory(place: Place) -> None:
    events = 10_000 if isinstance(place, SqlitePlace) else 2_000
    models: list[Ledger] = []

    async def scenario(world: World) -> None:
        await world.store.endpoint_update(world.an_endpoint("ep_1", event_types=_TOLD))
        both = Both(world)
        for seed in count():
            await both.take(seed)
            if both.done >= events:
                break
        models.extend(both.models)

    run(place, scenario)
    known = {it.payment.id: it for model in models for it in model.known.values()}
    statuses = rows_of(place, "SELECT id, status, version FROM payments")
    assert {row[0]: row[1:] for row in statuses} == {
        payment_id: (str(it.payment.state.status), it.payment.state.version) for payment_id, it in known.items()
    }
    assert booked(place) == {payment_id: standing(it.postings) for payment_id, it in known.items() if it.postings}
    assert {row[0] for row in rows_of(place, "SELECT event_id FROM messages")} == {
        it.event_id for model in models for it in model.messages
    }
    assert verified(place).examples == ()


def booked(place: Place) -> dict[str, Standing]:
    """What stands in the books of each payment."""
    of_payment: dict[str, list[Posting]] = {}
    for it in map(ledger_rows.posting, rows_of(place, _POSTINGS)):
        of_payment.setdefault(it.payment_id, []).append(it)
    return {payment_id: standing(them) for payment_id, them in of_payment.items()}
