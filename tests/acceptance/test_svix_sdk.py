"""Svix's own SDK for Python, unmodified, against a running Paybell."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from svix.api import (
    ApplicationIn,
    ApplicationTokenExpireIn,
    AppPortalAccessIn,
    EndpointIn,
    MessageCreateOptions,
    MessageIn,
    MessagePollerConsumerPollOptions,
    MessagePollerPollOptions,
    PollingEndpointConsumerSeekIn,
    Svix,
    SvixAsync,
    SvixOptions,
)
from svix.exceptions import HttpError, HTTPValidationError

from tests.acceptance.world import KEY, Server, eventually
from tests.databases import Database


@contextmanager
def opened(url: str) -> Iterator[Svix]:
    """The SDK, whose connections it never closes by itself."""
    sdk = Svix(KEY, SvixOptions(server_url=url))
    with sdk._httpx_client:
        yield sdk


def test_what_is_posted_again_under_one_key_is_one_message(database: Database) -> None:
    with Server(database) as server, opened(server.url) as sdk:
        application = sdk.application.create(ApplicationIn(name="Shop", uid="shop"))
        endpoint = sdk.endpoint.create("shop", EndpointIn(url="http://127.0.0.1:1/"))
        said = MessageIn(event_type="order.paid", payload={"a": 1}, event_id="ev-1")
        first = sdk.message.create("shop", said, MessageCreateOptions(idempotency_key="k-1"))
        again = sdk.message.create("shop", said, MessageCreateOptions(idempotency_key="k-1"))
        assert (again.id, again.timestamp) == (first.id, first.timestamp)
        with pytest.raises(HttpError) as taken:
            sdk.message.create(application.id, said, MessageCreateOptions(idempotency_key="k-2"))
        assert taken.value.status_code == 409
        other = MessageIn(event_type="order.paid", payload={"a": 2})
        with pytest.raises(HTTPValidationError):
            sdk.message.create("shop", other, MessageCreateOptions(idempotency_key="k-1"))
        assert [it.id for it in sdk.message.list("shop").data] == [first.id]

        def tried() -> list[Any]:
            return list(sdk.message_attempt.list_by_endpoint("shop", endpoint.id).data)

        (attempt, *_) = asyncio.run(eventually(tried))
        assert (attempt.msg_id, attempt.response_status_code) == (first.id, 0)


def test_the_asynchronous_one_does_the_same(database: Database) -> None:
    async def scenario(url: str) -> None:
        sdk = SvixAsync(KEY, SvixOptions(server_url=url))
        async with sdk._httpx_client:
            await sdk.application.create(ApplicationIn(name="Shop", uid="shop"))
            said = MessageIn(event_type="order.paid", payload={"a": 1})
            options = MessageCreateOptions(idempotency_key="k-1")
            first = await sdk.message.create("shop", said, options)
            assert (await sdk.message.create("shop", said, options)).id == first.id

    with Server(database) as server:
        asyncio.run(scenario(server.url))
        assert httpx.get(f"{server.url}/health").status_code == 200


def test_a_portal_token_opens_its_application_alone_until_it_is_ended(database: Database) -> None:
    with Server(database) as server, opened(server.url) as sdk:
        sdk.application.create(ApplicationIn(name="Shop", uid="shop"))
        sdk.application.create(ApplicationIn(name="Other", uid="other"))
        wish = AppPortalAccessIn(feature_flags=["beta"], expiry=3600, session_id="ann")
        access = sdk.authentication.app_portal_access("shop", wish)
        assert access.url.endswith(f"key={access.token}")
        portal = Svix(access.token, SvixOptions(server_url=server.url))
        with portal._httpx_client:
            made = portal.endpoint.create("shop", EndpointIn(url="https://example.com/theirs"))
            assert portal.endpoint.get_secret("shop", made.id).key.startswith("whsec_")
            for refused, status in ((portal.endpoint.list, 404), (portal.application.delete, 403)):
                with pytest.raises(HttpError) as told:
                    refused("other")
                assert told.value.status_code == status
            portal.authentication.logout()
            with pytest.raises(HttpError) as told:
                portal.endpoint.list("shop")
            assert told.value.status_code == 401
        sdk.authentication.expire_all("shop", ApplicationTokenExpireIn(session_ids=["ann"]))


def test_messages_are_polled_by_iterator_and_by_consumer(database: Database) -> None:
    with Server(database) as server, opened(server.url) as sdk:
        sdk.application.create(ApplicationIn(name="Shop", uid="shop"))
        sdk.endpoint.create("shop", EndpointIn(url="http://127.0.0.1:1/", uid="sink", event_types=["order.paid"]))
        said = [MessageIn(event_type="order.paid", payload={"n": number}) for number in range(3)]
        ids = [sdk.message.create("shop", it).id for it in said]
        sdk.message.create("shop", MessageIn(event_type="order.lost", payload={}))
        first = sdk.message.poller.poll("shop", "sink", MessagePollerPollOptions(limit=2))
        assert ([it.id for it in first.data], first.done) == (ids[:2], False)
        rest = sdk.message.poller.poll("shop", "sink", MessagePollerPollOptions(iterator=first.iterator))
        assert ([it.payload for it in rest.data], rest.done) == ([{"n": 2}], True)
        mine = sdk.message.poller.consumer_poll("shop", "sink", "books")
        on = MessagePollerConsumerPollOptions(iterator=mine.iterator)
        assert sdk.message.poller.consumer_poll("shop", "sink", "books", on).data == []
        assert sdk.message.poller.consumer_poll("shop", "sink", "books").data == []
        long_ago = PollingEndpointConsumerSeekIn(after=datetime(2020, 1, 1, tzinfo=UTC))
        sdk.message.poller.consumer_seek("shop", "sink", "books", long_ago)
        again = sdk.message.poller.consumer_poll("shop", "sink", "books")
        assert [it.id for it in again.data] == [it.id for it in mine.data] == ids
