"""Dead letters: every way in which a delivery dies leaves its word, and lists and counts go by it."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from paybell.clock import id_at
from paybell.model.delivery import DeadReason, DeliveryState
from paybell.model.message import PAYLOAD_GONE
from paybell.ports import AFTER_ALL, AttemptNew, PageQuery, Store
from paybell.store.named import schema
from paybell.testing.builders import attempt
from paybell.testing.fake_clock import START_MS
from tests.contract.migrating import GROUNDS, on, raised_to, store_on
from tests.contract.stores import Place, World, claim_due, run

DEAD = DeliveryState.DEAD
EXHAUSTED, GONE, DISABLED, DELETED, EXPUNGED = DeadReason


async def end(world: World, number: int, reason: DeadReason | None, endpoint_id: str = "ep_1", **said: str) -> str:
    """A message whose delivery ends for that reason, None for delivered; its id."""
    endpoint = world.endpoint if endpoint_id == "ep_1" else world.an_endpoint(endpoint_id)
    posted = await world.post(number, endpoint, **said)
    now_ms = world.clock.now_ms()
    (job,) = await claim_due(world.store, now_ms, now_ms + 60_000)
    if reason is DISABLED:
        await world.store.delivery_abandon(job, reason=reason, error="disabled: by hand", now_ms=now_ms)
    else:
        made = attempt(job, delivered=reason is None, status_code=503 if reason else 200)
        state = DEAD if reason else DeliveryState.DELIVERED
        new = AttemptNew(attempt=made, lease_no=job.lease_no, state=state, due_at_ms=None, dead_reason=reason)
        assert await world.store.attempt_append(new)
    world.clock.advance(1)
    return posted.message.id


def asked(world: World, *, after: str = "", before: str = AFTER_ALL, limit: int = 50, **filters: str) -> PageQuery:
    return PageQuery(
        organisation_id=world.organisation.id,
        limit=limit,
        after=after,
        before=before,
        filters={"application_id": world.application.id, **filters},
    )


async def reasons(world: World, query: PageQuery) -> list[DeadReason | None]:
    return [it.dead_reason for it in (await world.store.dead_letter_page(query)).data]


async def counts(world: World, query: PageQuery, count_max: int = 100) -> tuple[int, dict[str, int], bool]:
    found = await world.store.dead_letter_count(query, count_max=count_max)
    return found.total, {str(it): count for it, count in found.by_reason.items() if count}, found.complete


def test_a_delivery_that_is_tried_to_its_end_or_given_up_says_why_it_is_dead(place: Place) -> None:
    async def scenario(world: World) -> None:
        for number, reason in enumerate((EXHAUSTED, None, GONE, DISABLED), 1):
            await end(world, number, reason)
        assert await reasons(world, asked(world)) == [DISABLED, GONE, EXHAUSTED]
        listed = (await world.store.delivery_page(asked(world))).data
        assert [it.dead_reason for it in listed] == [DISABLED, GONE, None, EXHAUSTED]

    run(place, scenario)


def test_what_waits_for_an_endpoint_that_is_deleted_or_for_a_payload_that_is_taken_away_says_so(place: Place) -> None:
    async def scenario(world: World) -> None:
        told = (await world.post(1)).message
        await world.post(2)
        await world.store.message_expunge(told, reason=PAYLOAD_GONE, now_ms=START_MS)
        await world.store.endpoint_delete(world.organisation.id, world.endpoint.id)
        assert await reasons(world, asked(world)) == [DELETED, EXPUNGED]
        assert await reasons(world, asked(world, endpoint_id=world.endpoint.id)) == [DELETED, EXPUNGED]

    run(place, scenario)


def test_what_is_sent_once_more_is_no_dead_letter_any_more(place: Place) -> None:
    async def scenario(world: World) -> None:
        ids = [await end(world, number, GONE) for number in (1, 2)]
        org = world.organisation.id
        await world.store.delivery_resend(org, ids[0], world.endpoint.id, now_ms=world.clock.now_ms())
        assert await counts(world, asked(world)) == (1, {"gone": 1}, True)
        (due,) = (await world.store.delivery_page(asked(world, message_id=ids[0]))).data
        assert (due.state, due.dead_reason) == (DeliveryState.DUE, None)
        (job,) = await claim_due(world.store, world.clock.now_ms(), world.clock.now_ms() + 60_000)
        delivered = AttemptNew(
            attempt=attempt(job, delivered=True), lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None
        )
        assert await world.store.attempt_append(delivered)
        found = (await world.store.delivery_page(asked(world, message_id=ids[0]))).data
        assert [(it.state, it.dead_reason) for it in found] == [(DeliveryState.DELIVERED, None)]

    run(place, scenario)


def test_lists_and_counts_go_by_reason_endpoint_event_type_and_time(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.endpoint_create(world.an_endpoint("ep_2"))
        await end(world, 1, EXHAUSTED, event_type="order.paid")
        await end(world, 2, GONE, "ep_2", event_type="order.paid")
        middle = id_at("dlv", world.clock.now_ms())
        await end(world, 3, EXHAUSTED, "ep_2", event_type="order.sent")
        for narrowed, found in (
            (asked(world), [EXHAUSTED, GONE, EXHAUSTED]),
            (asked(world, reason="gone"), [GONE]),
            (asked(world, endpoint_id="ep_2"), [EXHAUSTED, GONE]),
            (asked(world, endpoint_id="ep_2", reason="gone"), [GONE]),
            (asked(world, event_types="order.paid,other"), [GONE, EXHAUSTED]),
            (asked(world, before=middle), [GONE, EXHAUSTED]),
            (asked(world, after=middle), [EXHAUSTED]),
            (asked(world, endpoint_id="ep_2", before=middle), [GONE]),
            (asked(world, endpoint_id="ep_3"), []),
            (asked(world, endpoint_id="ep_2", application_id="app_other"), []),
        ):
            assert await reasons(world, narrowed) == found
            assert await counts(world, narrowed) == (len(found), Counter(map(str, found)), True)
        assert await counts(world, asked(world), count_max=2) == (2, {"exhausted": 1, "gone": 1}, False)
        (first,) = (page := await world.store.dead_letter_page(asked(world, limit=1))).data
        assert (first.dead_reason, page.done) == (EXHAUSTED, False)
        stranger = PageQuery(organisation_id="org_other", filters={"application_id": world.application.id})
        assert await reasons(world, stranger) == []
        assert await counts(world, stranger) == (0, {}, True)

    run(place, scenario)


@pytest.mark.parametrize("name", GROUNDS)
def test_dead_letters_of_an_earlier_release_get_the_reason_that_their_last_error_says(
    name: str, tmp_path: Path
) -> None:
    ground = GROUNDS[name](tmp_path)
    (number,) = [it.number for it in schema(name) if "dead_letters" in it.name]
    raised_to(ground, number - 1)
    table = "deliveries" if name == "sqlite" else "delivery_ends"
    errors = ("answered 503", "answered 410", "disabled: by hand", "the endpoint was deleted", PAYLOAD_GONE)
    plain = {"endpoint_id": "ep", "application_id": "app", "event_type": "e", "attempt_count": 1, "lease_no": 1}
    kept = {"created_at_ms": 1, "finished_at_ms": 2, **plain}

    async def look(store: Store) -> None:
        found = (await store.delivery_page(PageQuery(organisation_id="org"))).data
        assert [it.dead_reason for it in found] == [None, EXPUNGED, DELETED, DISABLED, GONE, EXHAUSTED]

    rows = [{"state": "dead", "last_error": it} for it in errors] + [{"state": "delivered", "last_error": ""}]
    ground.insert(
        {
            table: [
                {"id": f"dlv_{place}", "message_id": f"msg_{place}", "organisation_id": "org", **kept, **row}
                for place, row in enumerate(rows)
            ]
        }
    )
    asyncio.run(store_on(ground.url).schema_migrate())
    on(store_on(ground.url), look)
