"""The audit log: a line is kept with what it is about, or not at all."""

import asyncio

import pytest
from msgspec.structs import replace

from paybell.errors import Conflict, NotFound, PaybellError
from paybell.model.audit import AuditLine
from paybell.ports import PageQuery, Retention, changing
from paybell.testing.builders import application
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run

DAY_MS = 86_400_000


def a_line(world: World, number: int = 1, **changes: object) -> AuditLine:
    plain = AuditLine(
        id=f"aud_{START_MS + number:012x}{number:020x}",
        organisation_id=world.organisation.id,
        at_ms=START_MS + number,
        actor="key_1",
        operation="application_patch",
        objects=("app_1", 'a "name", with \\ 🔔'),
        fields=("name", "uid"),
        address="192.0.2.1",
    )
    return replace(plain, **changes)


async def log(world: World, organisation_id: str = "", **filters: str) -> list[AuditLine]:
    query = PageQuery(organisation_id=organisation_id or world.organisation.id, limit=250, filters=filters)
    return list((await world.store.audit_page(query)).data)


def test_lines_come_back_newest_first_by_actor_operation_and_object(place: Place) -> None:
    async def scenario(world: World) -> None:
        first, second = a_line(world), a_line(world, 2, actor="cli", operation="x", objects=("app_12",), fields=())
        other = a_line(world, 3, organisation_id="org_z")
        for it in (first, second, other, first):
            await world.store.audit_append(it)
        assert await log(world) == [second, first]
        assert await log(world, "org_z") == [other]
        wanted = {
            "actor": {"cli": [second], "key_1": [first], "key": []},
            "operation": {"x": [second], "application_patch": [first], "y": []},
            "object": {
                "app_1": [first],
                "app_12": [second],
                first.objects[1]: [first],
                "app": [],
                "APP_1": [],
                "%": [],
            },
        }
        for name, found in wanted.items():
            assert {it: await log(world, **{name: it}) for it in found} == found
        page = await world.store.audit_page(PageQuery(organisation_id=world.organisation.id, limit=1))
        assert (list(page.data), page.done) == ([second], False)
        query = PageQuery(organisation_id=world.organisation.id, limit=1, iterator=page.iterator)
        assert (await world.store.audit_page(query)).data == (first,)

    run(place, scenario)


def test_a_line_rides_with_the_first_thing_that_its_task_writes(place: Place) -> None:
    async def scenario(world: World) -> None:
        named = application(id="app_2", uid="kiosk", organisation_id=world.organisation.id)
        with changing(a_line(world)) as change:
            change.about("app_2")
            await world.store.application_lookup(world.organisation.id, "app_1")
            assert (await log(world), change.is_written) == ([], False)
            await world.store.application_create(named)
            assert change.is_written
            await world.store.application_delete(world.organisation.id, "app_2")
        (line,) = await log(world)
        assert line == replace(a_line(world), objects=(*a_line(world).objects, "app_2"))
        await world.store.application_create(named)
        assert await log(world) == [line]

    run(place, scenario)


def test_what_is_refused_leaves_no_line(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine = world.organisation.id
        await world.store.application_create(application(id="app_2", uid="kiosk", organisation_id=mine))
        taken = application(id="app_3", uid="kiosk", organisation_id=mine)
        refused = (
            (Conflict, world.store.application_create(taken)),
            (NotFound, world.store.application_delete(mine, "app_none")),
            (NotFound, world.store.api_key_revoke(mine, "key_none", at_ms=1)),
            (NotFound, world.store.delivery_resend(mine, "msg_none", "ep_1", now_ms=1)),
            (NotFound, world.store.notification_replay(mine, "ntf_none", now_ms=1)),
        )
        for error, call in refused:
            with changing(a_line(world)) as change, pytest.raises(error):
                await call
            assert (await log(world), change.is_open) == ([], False)

    run(place, scenario)


def test_a_line_does_not_ride_with_what_others_write_at_the_same_time(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine = world.organisation.id
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def change() -> None:
            with changing(a_line(world)):
                begun.set()
                await go_on.wait()

        async def linger() -> None:
            await go_on.wait()
            await world.store.application_create(application(id="app_3", uid="c", organisation_id=mine))

        waiting = asyncio.create_task(change())
        await begun.wait()
        await world.store.application_create(application(id="app_2", uid="b", organisation_id=mine))
        with changing(a_line(world, 2)):
            lingering = asyncio.create_task(linger())  # begun within, it goes on when the change is over
        go_on.set()
        await asyncio.gather(waiting, lingering)
        assert await log(world) == []

    run(place, scenario)


def test_many_changes_at_once_keep_their_own_lines_and_a_refused_one_takes_none_along(place: Place) -> None:
    async def scenario(world: World) -> None:
        async def change(number: int) -> None:
            with changing(a_line(world, number, objects=(f"app_{number % 7}x",))):
                uid = f"u{number % 7}"  # one of each is kept
                made = application(id=f"app_{number}x", uid=uid, organisation_id=world.organisation.id)
                await world.store.application_create(made)

        done = await asyncio.gather(*(change(number) for number in range(28)), return_exceptions=True)
        refused = [it for it in done if isinstance(it, PaybellError)]
        assert (len(refused), len(await log(world))) == (21, 7)
        assert {it.objects[0] for it in await log(world)} == {f"app_{number}x" for number in range(7)}

    run(place, scenario)


def test_old_lines_are_dropped_where_they_are_not_kept_for_ever(place: Place) -> None:
    async def scenario(world: World) -> None:
        old, new = a_line(world), a_line(world, DAY_MS)
        for it in (old, new):
            await world.store.audit_append(it)
        now_ms = START_MS + 2 * DAY_MS
        await world.store.tend(Retention(), now_ms=now_ms)
        assert await log(world) == [new, old]
        await world.store.tend(Retention(audit_ms=DAY_MS + 1000), now_ms=now_ms)
        assert await log(world) == [new]

    run(place, scenario)
