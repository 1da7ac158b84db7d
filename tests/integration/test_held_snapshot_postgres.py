"""While somebody holds a snapshot open, nothing that died goes away; claims must not walk over it again and again."""

import asyncio
from statistics import median

import pytest

from benchmarks.held_snapshot import EXPLAINED, DeliveryFlow, Flow, NotificationFlow, flowing, held_snapshot
from benchmarks.metered import Cost, per_call
from tests.postgres import server

Costs = dict[str, list[Cost]]
STEPS = 100
"""Of a hundred rows each, twice: over a minute of the store's clock, so that some looks go further back."""


def pages(costs: Costs) -> float:
    return per_call(costs, EXPLAINED).buffers


@pytest.mark.long
@pytest.mark.parametrize("kind", [NotificationFlow, DeliveryFlow])
def test_claims_touch_no_more_pages_while_a_snapshot_is_held_open(kind: type[Flow]) -> None:
    async def main() -> tuple[Costs, Costs, Costs]:
        async with flowing(server(), kind) as flow:
            await flow.steps(40)
            before = await flow.costs()
            async with held_snapshot(flow.meter.url):
                await flow.steps(STEPS)
                early = await flow.costs()
                await flow.steps(STEPS)
                return before, early, await flow.costs()

    before, early, late = asyncio.run(main())
    assert pages(late) <= 2 * pages(before)
    assert pages(late) <= 1.15 * pages(early), "it grows with what has died"
    (sweep,) = (costs for name, costs in late.items() if name.endswith("_sweep"))
    assert median(it.buffers for it in sweep) <= 100
