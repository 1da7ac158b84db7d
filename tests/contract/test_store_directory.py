"""Sources, applications, endpoints and event types."""

import asyncio

import msgspec
import pytest

from paybell.errors import ConfigurationError, Conflict, NotFound
from paybell.model.endpoint import EndpointOptions, Ordering, PayloadFormat
from paybell.model.message import ApplicationOptions, EventType, EventTypeOptions
from paybell.ports import PageQuery, Store
from paybell.testing.builders import SECRET, application, endpoint, source
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.stores import Place, World, run, world


def test_the_default_organisation_is_made_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        found = await asyncio.gather(*(world.store.organisation_default() for _ in range(10)))
        assert {it.id for it in found} == {world.organisation.id}

    run(place, scenario)


def test_a_source_comes_back_as_it_was_kept(place: Place) -> None:
    async def scenario(world: World) -> None:
        assert await world.store.source_get("src_1") == world.source
        assert await world.store.source_find("shop") == world.source
        assert await world.store.source_find("src_1") == world.source
        assert await world.store.source_find("nothing") is None
        assert await world.store.source_lookup(world.organisation.id, "shop") == world.source
        with pytest.raises(NotFound):
            await world.store.source_lookup("org_other", "shop")

    run(place, scenario)


def test_a_source_is_changed_and_forgotten(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        changed = msgspec.structs.replace(world.source, uid="kiosk", secrets=("new", "old"), enabled=False)
        await world.store.source_update(changed)
        assert await world.store.source_find("kiosk") == changed
        assert await world.store.source_find("shop") is None
        with pytest.raises(NotFound):
            await world.store.source_update(msgspec.structs.replace(changed, organisation_id="org_other"))
        with pytest.raises(NotFound):
            await world.store.source_delete("org_other", "src_1")
        await world.store.source_delete(org, "src_1")
        assert await world.store.source_get("src_1") is None
        with pytest.raises(NotFound):
            await world.store.source_delete(org, "src_1")

    run(place, scenario)


def test_a_uid_is_taken_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        second = source(id="src_2", uid="kiosk", organisation_id=org)
        await world.store.source_create(second)
        with pytest.raises(Conflict):
            await world.store.source_create(source(id="src_3", uid="kiosk", organisation_id=org))
        with pytest.raises(Conflict):
            await world.store.source_update(msgspec.structs.replace(second, uid="shop"))
        await world.store.application_create(application(id="app_2", uid="shop", organisation_id=org))
        with pytest.raises(Conflict):
            await world.store.application_create(application(id="app_3", uid="shop", organisation_id=org))
        await world.store.endpoint_create(world.an_endpoint("ep_2", uid="hook"))
        with pytest.raises(Conflict):
            await world.store.endpoint_create(world.an_endpoint("ep_3", uid="hook"))
        await world.store.endpoint_create(world.an_endpoint("ep_4", uid="hook", application_id="app_2"))
        await world.store.endpoint_create(world.an_endpoint("ep_5"))

    run(place, scenario)


def test_an_endpoint_of_no_application_is_refused(place: Place) -> None:
    async def scenario(world: World) -> None:
        with pytest.raises(Conflict):
            await world.store.endpoint_create(world.an_endpoint("ep_2", application_id="app_none"))

    run(place, scenario)


def test_applications_are_found_changed_and_deleted_with_their_endpoints(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        named = application(id="app_2", uid="kiosk", organisation_id=org)
        await world.store.application_create(named)
        await world.store.endpoint_create(world.an_endpoint("ep_2", application_id="app_2"))
        for name in ("app_2", "kiosk"):
            assert await world.store.application_lookup(org, name) == named
        changed = msgspec.structs.replace(named, name="Kiosk", uid="stand", updated_at_ms=START_MS + 1)
        await world.store.application_update(changed)
        assert await world.store.application_lookup(org, "stand") == changed
        for name in ("", "nothing"):
            with pytest.raises(NotFound):
                await world.store.application_lookup(org, name)
        with pytest.raises(NotFound):
            await world.store.application_lookup("org_other", "app_2")
        with pytest.raises(NotFound):
            await world.store.application_update(
                msgspec.structs.replace(changed, organisation_id="org_other", name="x")
            )
        assert await world.store.application_lookup(org, "app_2") == changed
        with pytest.raises(NotFound):
            await world.store.application_delete("org_other", "app_2")
        await world.store.application_delete(org, "app_2")
        assert await world.store.endpoint_get("ep_2") is None
        assert await world.store.endpoint_get("ep_1") == world.endpoint
        with pytest.raises(NotFound):
            await world.store.application_delete(org, "app_2")

    run(place, scenario)


def test_an_endpoint_is_found_changed_and_deleted(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        rich = world.an_endpoint(
            "ep_2",
            uid="hook",
            event_types=frozenset({"payment.completed", "refund.failed"}),
            headers=(("x-shop", "ä"),),
            secrets=(SECRET, SECRET),
        )
        await world.store.endpoint_create(rich)
        for name in ("ep_2", "hook"):
            assert await world.store.endpoint_lookup(org, "app_1", name) == rich
        assert await world.store.endpoint_list(org) == (world.endpoint, rich)
        assert await world.store.endpoint_list("org_other") == ()
        changed = msgspec.structs.replace(rich, url="https://shop.example/new", event_types=frozenset(), disabled=True)
        await world.store.endpoint_update(changed)
        assert await world.store.endpoint_get("ep_2") == changed
        with pytest.raises(NotFound):
            await world.store.endpoint_update(msgspec.structs.replace(changed, organisation_id="org_other", url="x"))
        assert await world.store.endpoint_get("ep_2") == changed
        for organisation_id, application_id in (("org_other", "app_1"), (org, "app_2")):
            with pytest.raises(NotFound):
                await world.store.endpoint_lookup(organisation_id, application_id, "ep_2")
        with pytest.raises(NotFound):
            await world.store.endpoint_delete("org_other", "ep_2")
        await world.store.endpoint_delete(org, "ep_2")
        with pytest.raises(NotFound):
            await world.store.endpoint_lookup(org, "app_1", "ep_2")

    run(place, scenario)


def test_pages_of_the_directory_walk_each_once_newest_first(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        for number in range(2, 6):
            await world.store.source_create(source(id=f"src_{number}", uid=f"shop-{number}", organisation_id=org))
            await world.store.application_create(application(id=f"app_{number}", organisation_id=org))
            await world.store.endpoint_create(endpoint(id=f"ep_{number}", organisation_id=org))
        filters = {"application_id": "app_1"}
        for name, page_of in (
            ("src", world.store.source_page),
            ("app", world.store.application_page),
            ("ep", world.store.endpoint_page),
        ):
            seen: list[str] = []
            iterator, done = "", False
            while not done:
                page = await page_of(PageQuery(organisation_id=org, limit=2, iterator=iterator, filters=filters))
                seen += [it.id for it in page.data]
                iterator, done = page.iterator, page.done
            assert seen == [f"{name}_{number}" for number in range(5, 0, -1)]
            assert (await page_of(PageQuery(organisation_id="org_other", filters=filters))).data == ()

    run(place, scenario)


def test_what_an_endpoint_and_an_application_ask_for_comes_back_as_it_was_kept(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        asked = EndpointOptions(
            metadata=(("team", "shop"),),
            channels=frozenset({"b", "a"}),
            throttle_rate=5,
            filter='{"a":{"$eq":1}}',
            retry_delays_s=(),
            ordering=Ordering.FIFO_BY_KEY,
            payload_format=PayloadFormat.CLOUDEVENTS,
            svix_headers=True,
            transformation="def handler(webhook): return webhook",
            transformation_enabled=True,
            polled=True,
        )
        made = world.an_endpoint("ep_2", options=asked, client_certificate="-----BEGIN PRIVATE KEY-----")
        await world.store.endpoint_create(made)
        assert await world.store.endpoint_get("ep_2") == made
        assert made in await world.store.endpoint_list_of("app_1")
        assert await world.store.endpoint_list_of("app_none") == ()
        plain = msgspec.structs.replace(made, options=EndpointOptions(), client_certificate="")
        await world.store.endpoint_update(plain)
        assert await world.store.endpoint_get("ep_2") == plain
        limited = application(
            id="app_2", organisation_id=org, options=ApplicationOptions(metadata=(("plan", "gold"),), throttle_rate=9)
        )
        await world.store.application_create(limited)
        assert await world.store.application_lookup(org, "app_2") == limited
        again = msgspec.structs.replace(limited, options=ApplicationOptions())
        await world.store.application_update(again)
        assert await world.store.application_lookup(org, "app_2") == again

    run(place, scenario)


def test_event_types_are_the_organisations_own(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        own = EventType(
            name="order.packed",
            organisation_id=org,
            description="Packed.",
            created_at_ms=START_MS,
            updated_at_ms=START_MS,
            options=EventTypeOptions(schemas='{"1":{"type":"object"}}', feature_flags=("beta",)),
        )
        await world.store.event_type_create(own)
        with pytest.raises(Conflict):
            await world.store.event_type_create(own)
        assert await world.store.event_type_list(org) == (own,)
        assert await world.store.event_type_find(org, "order.packed") == own
        assert await world.store.event_type_find("org_other", "order.packed") is None
        assert await world.store.event_type_list("org_other") == ()
        changed = msgspec.structs.replace(
            own, description="Sent.", updated_at_ms=START_MS + 1, options=EventTypeOptions(is_archived=True)
        )
        await world.store.event_type_update(changed)
        assert await world.store.event_type_list(org) == (changed,)
        with pytest.raises(NotFound):
            await world.store.event_type_update(msgspec.structs.replace(own, organisation_id="org_other"))
        with pytest.raises(NotFound):
            await world.store.event_type_delete("org_other", "order.packed")
        await world.store.event_type_delete(org, "order.packed")
        assert await world.store.event_type_list(org) == ()

    run(place, scenario)


def test_what_another_process_changes_is_seen_at_the_next_look(place: Place) -> None:
    """The CLI opens the same database beside the server."""

    async def scenario(world: World) -> None:
        changed = asyncio.Event()
        assert await world.store.source_find("kiosk") is None
        world.store.on_change("record", changed.set)
        beside = place.store(world.clock, serve=False)
        await beside.open()
        await beside.source_create(source(id="src_2", uid="kiosk", organisation_id=world.organisation.id))
        await beside.close()
        world.clock.advance(1)
        await changed.wait()
        assert await world.store.source_find("kiosk") is not None

    run(place, scenario)


def test_secrets_are_sealed_and_open_under_their_key_only(place: Place) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with world(place, clock) as it:
            org = it.organisation.id
            options = {"api_key": "a-key-for-the-api"}
            secretive = source(
                id="src_2", uid="kiosk", organisation_id=org, token="a-token-in-the-url", options=options
            )
            await it.store.source_create(secretive)
            await it.store.endpoint_create(it.an_endpoint("ep_2", headers=(("x-pass", "a-password-of-the-shop"),)))
            assert await it.store.source_get("src_2") == secretive
            stored = place.raw_bytes()
        stored += place.raw_bytes()
        assert b"kiosk" in stored
        secrets = (
            "a-secret-of-the-shop",
            SECRET.removeprefix("whsec_"),
            "a-key-for-the-api",
            "a-token-in-the-url",
            "a-password-of-the-shop",
        )
        assert [it for it in secrets if it.encode() in stored] == []
        other = place.store(clock, key=bytes(32))
        with pytest.raises(ConfigurationError, match="another key"):
            await use(other)

    async def use(store: Store) -> None:
        try:
            await store.open()
            await store.source_find("shop")
        finally:
            await store.close()

    asyncio.run(scenario())
