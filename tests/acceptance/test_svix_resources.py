"""Every resource that Svix's own SDKs for Python share with this server, asked through them, unmodified."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks
from svix import api
from svix.exceptions import HttpError, HTTPValidationError
from svix.models import (
    ApplicationPatch,
    AppUsageStatsIn,
    BulkExpungeContentsIn,
    EndpointHeadersIn,
    EndpointHeadersPatchIn,
    EndpointPatch,
    EndpointSecretRotateIn,
    EndpointUpsertIn,
    EventExampleIn,
    EventTypeImportOpenApiIn,
    EventTypePatch,
    EventTypeUpsertIn,
    MessagePrecheckIn,
    Ordering,
)

from paybell.testing.received import Reply
from paybell.testing.receiver import Receiver
from tests.acceptance.world import KEY, Server
from tests.databases import Database

KINDS = {"sync": api.Svix, "async": api.SvixAsync}


@pytest.fixture(scope="module")
def server(module_database: Database) -> Iterator[Server]:
    with Server(module_database) as running:
        yield running


class Sdk:
    """Either SDK: ``await sdk.application.create(…)`` whether the call gives a coroutine or its answer."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getattr__(self, name: str) -> "Sdk":
        return Sdk(getattr(self._of, name))

    async def __call__(self, *given: Any) -> Any:
        answer = self._of(*given)
        return await answer if inspect.isawaitable(answer) else answer


@asynccontextmanager
async def opened(kind: str, server: Server, key: str = KEY) -> AsyncIterator[Sdk]:
    """The SDK, whose connections it never closes by itself."""
    sdk = Sdk(KINDS[kind](key, api.SvixOptions(server_url=server.url)))
    try:
        yield sdk
    finally:
        await (sdk._httpx_client.aclose if kind == "async" else sdk._httpx_client.close)()


def run(kind: str, server: Server, scenario: Callable[[Sdk, str], Awaitable[None]]) -> None:
    """Play a scenario; it is given a name that is nobody else's on this server."""

    async def main() -> None:
        async with opened(kind, server) as sdk:
            await scenario(sdk, f"{scenario.__qualname__.partition('.')[0]}-{kind}"[-60:])

    asyncio.run(main())


async def refused(status: int, call: Awaitable[Any]) -> Any:
    """What the SDK makes of an answer that is not 2xx."""
    with pytest.raises((HttpError, HTTPValidationError)) as caught:
        await call
    error: Any = caught.value
    assert error.status_code == status
    return error


async def finished(sdk: Sdk, task_id: str) -> dict[str, Any]:
    """What a background task has found."""
    for _ in range(200):
        task = await sdk.background_task.get(task_id)
        if str(task.status) == "finished":
            found: dict[str, Any] = task.data
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{task_id} did not end")


async def pages(turn: Callable[[str | None], Awaitable[Any]]) -> list[list[str]]:
    """The ids on the pages of a list, from its first to its last; from the last it leads back again."""
    found, iterator = [], None
    while True:
        page = await turn(iterator)
        found.append([it.id for it in page.data])
        if page.done:
            break
        iterator = page.iterator
    for expected in found[-2::-1]:
        page = await turn(page.prev_iterator)
        assert [it.id for it in page.data] == expected
    assert page.done
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_applications(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        wanted = api.ApplicationIn(name="Shop", uid=uid, metadata={"plan": "gold"}, throttle_rate=9)
        made = await sdk.application.create(wanted)
        assert (made.uid, made.name, made.metadata, made.throttle_rate) == (uid, "Shop", {"plan": "gold"}, 9)
        assert await sdk.application.get_or_create(wanted) == made
        assert (await refused(409, sdk.application.create(wanted))).code == "conflict"
        changed = await sdk.application.patch(uid, ApplicationPatch(name="Kiosk", throttle_rate=None))
        assert (changed.name, changed.metadata, changed.throttle_rate) == ("Kiosk", {"plan": "gold"}, None)
        put = await sdk.application.upsert(uid, api.ApplicationIn(name="Other"))
        assert (put.id, put.name, put.metadata) == (made.id, "Other", {})
        assert await sdk.application.get(made.id) == put
        for number in range(4):
            await sdk.application.create(api.ApplicationIn(name=f"n{number}"))

        async def turn(iterator: str | None) -> Any:
            options = api.ApplicationListOptions(limit=2, iterator=iterator, order=Ordering.ASCENDING)
            return await sdk.application.list(options)

        walked = [it for page in await pages(turn) for it in page]
        assert walked == sorted(walked)
        assert made.id in walked
        await sdk.application.delete(uid)
        missing = await refused(404, sdk.application.get(uid))
        assert (missing.code, bool(missing.detail)) == ("not_found", True)
        wrong = await refused(422, sdk.application.create(api.ApplicationIn(name="", uid="a b")))
        assert {it.loc[-1] for it in wrong.detail} == {"name", "uid"}

    run(kind, server, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_endpoints(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        await sdk.application.create(api.ApplicationIn(name="Shop", uid=uid))
        asked: dict[str, Any] = {
            "url": "https://example.com/hook",
            "metadata": {"a": "b"},
            "channels": ["red"],
            "throttle_rate": 3,
        }
        made = await sdk.endpoint.create(uid, api.EndpointIn(**asked, uid="e", event_types=["order.paid"]))
        assert {name: getattr(made, name) for name in asked} == asked
        assert (made.uid, made.event_types, made.disabled) == ("e", ["order.paid"], False)
        changed = await sdk.endpoint.patch(uid, "e", EndpointPatch(channels=None, disabled=True))
        assert (changed.channels, changed.disabled, changed.metadata) == (None, True, {"a": "b"})
        put = await sdk.endpoint.upsert(uid, "e", EndpointUpsertIn(url="https://example.com/new"))
        assert (put.id, put.url, put.metadata, put.disabled) == (made.id, "https://example.com/new", {}, False)
        new = await sdk.endpoint.upsert(uid, "second", EndpointUpsertIn(url="https://example.com/second"))
        assert (await sdk.endpoint.get(uid, "second")).id == new.id
        await sdk.endpoint.set_headers(uid, "e", EndpointHeadersIn(headers={"x-key": "a-secret-value"}))
        await sdk.endpoint.patch_headers(uid, "e", EndpointHeadersPatchIn(headers={"x-more": "1"}))
        shown = await sdk.endpoint.get_headers(uid, "e")
        assert (sorted(shown.headers), shown.sensitive) == (["x-key", "x-more"], ["x-key", "x-more"])
        assert "a-secret-value" not in str(shown)
        before = (await sdk.endpoint.get_secret(uid, "e")).key
        rotated = await sdk.endpoint.rotate_secret(uid, "e", EndpointSecretRotateIn())
        assert (await sdk.endpoint.get_secret(uid, "e")).key == rotated.key != before

        async def turn(iterator: str | None) -> Any:
            return await sdk.endpoint.list(uid, api.EndpointListOptions(limit=1, iterator=iterator))

        assert await pages(turn) == [[new.id], [made.id]]
        stats = await sdk.endpoint.get_stats(uid, "e")
        assert (stats.success, stats.pending, stats.sending, stats.fail) == (0, 0, 0, 0)
        await sdk.endpoint.delete(uid, "second")
        await refused(404, sdk.endpoint.get(uid, "second"))
        await refused(422, sdk.endpoint.create(uid, api.EndpointIn(url="ftp://example.com")))

    run(kind, server, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_event_types(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        schemas = {"1": {"type": "object", "title": "Order"}}
        wanted = api.EventTypeIn(name=uid, description="Paid.", schemas=schemas, feature_flags=["beta"], group_name="o")
        made = await sdk.event_type.create(wanted)
        assert (made.schemas, made.feature_flags, made.group_name) == (schemas, ["beta"], "o")
        changed = await sdk.event_type.patch(uid, EventTypePatch(deprecated=True))
        assert (changed.deprecated, changed.schemas) == (True, schemas)
        put = await sdk.event_type.upsert(uid, EventTypeUpsertIn(description="Again."))
        assert (put.description, put.schemas, put.deprecated) == ("Again.", None, False)
        assert await sdk.event_type.get(uid) == put

        async def listed(**given: Any) -> bool:
            page = await sdk.event_type.list(api.EventTypeListOptions(limit=250, **given))
            return uid in [it.name for it in page.data]

        webhook = {"post": {"description": "Imported."}}
        spec = {"openapi": "3.1.0", "webhooks": {f"{uid}.new": webhook}}
        dry = await sdk.event_type.import_openapi(EventTypeImportOpenApiIn(spec=spec, dry_run=True))
        assert ([it.name for it in dry.data.to_modify], dry.data.modified) == ([f"{uid}.new"], [])
        done = await sdk.event_type.import_openapi(EventTypeImportOpenApiIn(spec_raw=json.dumps(spec)))
        assert done.data.modified == [f"{uid}.new"]
        await sdk.event_type.delete(uid)
        assert (await listed(), await listed(include_archived=True)) == (False, True)
        await sdk.event_type.delete(uid, api.EventTypeDeleteOptions(expunge=True))
        assert not await listed(include_archived=True)
        await refused(404, sdk.event_type.get(uid))

    run(kind, server, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_messages_and_attempts(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        async with Receiver() as receiver:
            receiver.script("/hook", Reply(), Reply(status_code=503))
            hook = api.EndpointIn(url=receiver.url + "hook", uid="e", channels=["red"])
            bringing = api.ApplicationIn(name="Shop", uid=uid)
            first = await sdk.message.create(
                uid, api.MessageIn(event_type="order.paid", payload={"a": 1}, event_id="ev-1", application=bringing)
            )
            await sdk.endpoint.create(uid, hook)
            secret = (await sdk.endpoint.get_secret(uid, "e")).key
            told = api.MessageIn(event_type="order.sent", payload={"a": 2.50}, channels=["red"])
            second = await sdk.message.create(uid, told)
            (request,) = await receiver.wait_for(1, 20)
            headers = {name.decode(): value.decode() for name, value in request.headers}
            svix.webhooks.Webhook(secret).verify(request.body, headers)  # raises what it does not accept
            assert standardwebhooks.Webhook(secret).verify(request.body, headers) == {"a": 2.50}

            async def attempts() -> list[Any]:
                return list((await sdk.message_attempt.list_by_endpoint(uid, "e")).data)

            async def settled(count: int) -> list[Any]:
                for _ in range(200):
                    if len(found := await attempts()) >= count:
                        return found
                    await asyncio.sleep(0.05)
                raise AssertionError(f"no {count} attempts")

            (attempt,) = await settled(1)
            assert (attempt.msg_id, attempt.status, attempt.status_text) == (second.id, 0, "success")
            assert await sdk.message_attempt.get(uid, second.id, attempt.id) == attempt
            await sdk.message_attempt.resend(uid, second.id, "e")
            failed = (await settled(2))[0]
            assert (failed.response_status_code, failed.status_text, failed.trigger_type) == (503, "fail", 1)

            async def of_message(**given: Any) -> int:
                options = api.MessageAttemptListByMsgOptions(**given)
                return len((await sdk.message_attempt.list_by_msg(uid, second.id, options)).data)

            assert await of_message() == 2
            assert (await of_message(status=2), await of_message(status_code_class=500)) == (1, 1)
            assert (await of_message(channel="red"), await of_message(channel="blue")) == (2, 0)
            shown = api.MessageAttemptListAttemptedMessagesOptions(with_content=True)
            (attempted,) = (await sdk.message_attempt.list_attempted_messages(uid, "e", shown)).data
            assert (attempted.id, attempted.status_text, attempted.payload) == (second.id, "sending", {"a": 2.50})
            (place,) = (await sdk.message_attempt.list_attempted_destinations(uid, second.id)).data
            assert (place.uid, place.status_text) == ("e", "sending")
            assert (await sdk.endpoint.get_stats(uid, "e")).sending == 1
            await sdk.message_attempt.expunge_content(uid, second.id, attempt.id)

            async def turn(iterator: str | None) -> Any:
                return await sdk.message.list(uid, api.MessageListOptions(limit=1, iterator=iterator))

            assert await pages(turn) == [[second.id], [first.id]]
            narrowed = api.MessageListOptions(
                event_types=["order.sent", "order.lost"], channel="red", with_content=False
            )
            (found,) = (await sdk.message.list(uid, narrowed)).data
            assert (found.id, found.payload, found.channels) == (second.id, {}, ["red"])
            assert (await sdk.message.get(uid, "ev-1")).id == first.id
            whole = api.MessageGetOptions(with_content=True)
            assert (await sdk.message.get(uid, second.id, whole)).payload == {"a": 2.50}
            await sdk.message.expunge_content(uid, second.id)
            assert (await sdk.message.get(uid, second.id, whole)).payload == {}
            await refused(409, sdk.message_attempt.resend(uid, second.id, "e"))

    run(kind, server, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_before_and_what_is_taken_away_after(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        await sdk.application.create(api.ApplicationIn(name="Shop", uid=uid))
        asked = api.EndpointIn(url="https://example.com/hook", uid="e", channels=["red"], event_types=["order.paid"])
        await sdk.endpoint.create(uid, asked)
        hour = timedelta(hours=1)
        for channels, active in ((["red"], True), (["blue"], False)):
            wanted = MessagePrecheckIn(event_type="order.paid", channels=channels)
            assert (await sdk.message.precheck(uid, wanted)).active is active
        tries = await sdk.endpoint.get_attempt_stats(uid, "e")
        assert (tries.success, tries.fail, tries.canceled) == (0, 0, 0)
        later = datetime.now(UTC).replace(microsecond=0) + hour * 2
        extras: dict[str, Any] = {"tags": ["x"], "deliver_at": later, "payload_retention_period": 5}
        told = await sdk.message.create(
            uid, api.MessageIn(event_type="order.paid", event_id="ev-1", payload={"a": 1}, **extras)
        )
        assert (told.tags, told.deliver_at) == (["x"], later)
        assert [it.id for it in (await sdk.message.list(uid, api.MessageListOptions(tag="x"))).data] == [told.id]
        assert (await sdk.message.list(uid, api.MessageListOptions(tag="y"))).data == []
        usage = AppUsageStatsIn(since=datetime.now(UTC) - hour, until=datetime.now(UTC) + hour, app_ids=[uid, "none"])
        counting = await sdk.statistics.aggregate_app_stats(usage)
        assert (str(counting.task), counting.unresolved_app_ids) == ("application.stats", ["none"])
        assert (await finished(sdk, counting.id))["appStats"][0]["messageDestinations"] == 0
        listing = await sdk.statistics.aggregate_event_types()
        assert str(listing.task) == "event-type.aggregate"
        uses = {it["appId"]: it for it in (await finished(sdk, listing.id))["event_types"]}
        assert uses[(await sdk.application.get(uid)).id]["explicitlySubscribedEventTypes"] == ["order.paid"]
        purging = await sdk.message.expunge_all_contents(uid)
        assert await finished(sdk, purging.id) == {"messagesPurged": 1}
        gone = await sdk.message.bulk_expunge_content(uid, BulkExpungeContentsIn(ids=["ev-1", "none"]))
        assert {name: str(it) for name, it in gone.results.items()} == {"ev-1": "expunged", "none": "not-found"}

    run(kind, server, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        async with Receiver() as receiver:
            await sdk.application.create(api.ApplicationIn(name="Shop", uid=uid))
            await sdk.endpoint.create(uid, api.EndpointIn(url=receiver.url, uid="e", event_types=["nothing.else"]))
            example = await sdk.endpoint.send_example(uid, "e", EventExampleIn(event_type="payment.completed"))
            (request,) = await receiver.wait_for(1, 20)
            assert (request.webhook_id, example.payload["event"]) == (example.id, "payment.completed")

    run(kind, server, scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_health_and_portal_tokens(server: Server, kind: str) -> None:
    async def scenario(sdk: Sdk, uid: str) -> None:
        await sdk.health.get()
        wanted = api.AppPortalAccessIn(application=api.ApplicationIn(name="Shop", uid=uid))
        access = await sdk.authentication.app_portal_access(uid, wanted)
        async with opened(kind, server, access.token) as theirs:
            assert (await theirs.endpoint.list(uid)).data == []
            await refused(403, theirs.application.list())
            await refused(403, theirs.message.create(uid, api.MessageIn(event_type="a", payload={})))
            await theirs.authentication.logout()
            assert (await refused(401, theirs.endpoint.list(uid))).code == "authentication_failed"

    run(kind, server, scenario)
