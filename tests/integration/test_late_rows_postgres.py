"""What falls due late, by another's slow commit or clock, is found although looks begin where the last one ended."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from paybell.ports import DeliveryClaim
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.testing.fake_clock import FakeClock
from tests.postgres import server

NOTIFICATION = """
WITH made AS (
    INSERT INTO notifications VALUES ('ntf_1', 'src_1', 'org_1', 'k', 'webhook', 0, 1, '[]', '') RETURNING id
)
INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, leased, due_at_ms)
SELECT id, 'org_1', 'src_1', 'pending', {leased}, {due_at_ms} FROM made;
"""
DELIVERY = """
WITH made AS (
    INSERT INTO messages VALUES ('msg_1', 'org_1', 'app_1', 'payment.completed', '', '', '', 1) RETURNING id
)
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state,
                            attempt_count, lease_no, due_at_ms, created_at_ms)
SELECT 'dlv_1', id, 'ep_1', 'app_1', 'org_1', 'payment.completed', CASE WHEN {leased} THEN 'leased' ELSE 'due' END,
       0, 0, {due_at_ms}, 1
  FROM made;
"""
Claim = Callable[[PostgresStore, int], Awaitable[int]]


async def notifications(store: PostgresStore, now_ms: int) -> int:
    return len(await store.notification_claim(limit=10, now_ms=now_ms, lease_ends_at_ms=now_ms + 30_000))


async def deliveries(store: PostgresStore, now_ms: int) -> int:
    wanted = DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=now_ms + 60_000, limit=10, rooms={"ep_1": 10})
    return len(await store.delivery_claim(wanted))


@pytest.mark.parametrize("leased", [False, True], ids=["due", "lease ran out"])
@pytest.mark.parametrize(("insert", "claim"), [(NOTIFICATION, notifications), (DELIVERY, deliveries)])
@pytest.mark.parametrize(("late_s", "within_s"), [(0.5, 0.1), (45, 10), (3600, 600)])
def test_what_comes_late_is_found_in_time(
    insert: str, claim: Claim, late_s: float, within_s: float, *, leased: bool
) -> None:
    async def main() -> None:
        clock = FakeClock()
        store = PostgresStore(server().new_database(), Seal(bytes(32), clock), clock, serve=False)
        await store.open()
        try:
            for _ in range(20):
                clock.advance(10)
                assert await claim(store, clock.now_ms()) == 0
            due_at_ms = clock.now_ms() - round(late_s * 1000)
            async with store.database.session() as session:
                await session.run(insert.format(due_at_ms=due_at_ms, leased=leased))
            clock.advance(within_s)
            assert await claim(store, clock.now_ms()) == 1
        finally:
            await store.close()

    asyncio.run(main())
