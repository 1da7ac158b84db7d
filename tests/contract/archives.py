"""A database with something of every kind and state in it, and what the tests of copying and checking do with it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import apsw
import asyncpg
from msgspec.structs import replace

from paybell.app.archives import FOLDS
from paybell.gateways.kit import accounts
from paybell.model.account import SubscriptionStatus
from paybell.model.delivery import DeadReason, DeliveryJob, DeliveryState
from paybell.model.endpoint import EndpointOptions, Ordering
from paybell.model.entitlement import Product
from paybell.model.fact import Kind
from paybell.model.key import ApiKey, Capability, KeyScope, Portal
from paybell.model.message import ApplicationOptions, EventType, EventTypeOptions
from paybell.model.notification import Notification, NotificationState, Origin, Refusal, RefusalReason
from paybell.ports import AttemptNew, FetchDone, Position, Reading, Store
from paybell.store.archive import TableDigest, span_of
from paybell.store.checking import Report, verify
from paybell.store.copying import copy
from paybell.testing.builders import appending, application, attempt, endpoint, fact, notification, reading, source
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.stores import KEY, Place, PostgresPlace, SqlitePlace, World, claim_due, world

OTHER_KEY = bytes(range(32, 64))
ANY_BYTES = bytes(range(256))
WORDS = 'Zahlung für Ψ 支払い 🔔 \x01 it\'s \\N \\. "quoted"'
LEASE_MS = 60_000


def alter(place: Place, *statements: str) -> None:
    """Do to the database what no program of ours does."""
    if isinstance(place, SqlitePlace):
        connection = apsw.Connection(str(place.path))
        connection.execute("; ".join(statements))
        connection.close()
    else:
        assert isinstance(place, PostgresPlace)
        asyncio.run(_alter(place.url, statements))


async def _alter(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("; ".join(statements))
    finally:
        await connection.close()


@asynccontextmanager
async def opened(place: Place, key: bytes = KEY) -> AsyncIterator[Store]:
    """A store as the command line opens it."""
    store = place.store(FakeClock(), serve=False, key=key)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def copied(one: Place, other: Place) -> tuple[TableDigest, ...]:
    """Copy, and seal under another key."""

    async def main() -> tuple[TableDigest, ...]:
        async with (
            opened(one) as it,
            opened(other, OTHER_KEY) as target,
            it.archive_read(alone=True) as reader,
            target.archive_write(await span_of(reader)) as writer,
        ):
            return await copy(reader, writer, lambda _: None)

    return asyncio.run(main())


def verified(place: Place, key: bytes = KEY) -> Report:
    async def main() -> Report:
        async with opened(place, key) as store, store.archive_read(alone=False) as reader:
            return await verify(reader, FOLDS)

    return asyncio.run(main())


def rows_of(report: Report) -> Mapping[str, int]:
    return {it.table: it.row_count for it in report.tables}


def filled(place: Place) -> None:
    """Put something of every kind and state in, and die with leases held."""

    async def main() -> None:
        async with world(place) as it:
            await _directory(it)
            await _notifications(it)
            await _hints(it)
            await _deliveries(it)
            await it.store.poll_number("app_1", now_ms=it.clock.now_ms())
            await it.store.poll_consumer_seek("ep_1", "books", Position(1, "msg_1"), now_ms=it.clock.now_ms())

    asyncio.run(main())
    alter(
        place,
        "INSERT INTO organisations (id, name, created_at_ms) VALUES ('org_z', 'Zweite Ψ', 7)",
        "INSERT INTO silences VALUES ('sub_z', 1, 'org_z', 'subscription.created', 'stale', 5)",
        "INSERT INTO mentions VALUES ('pay_z', 'ntf_z', 5)",
        "INSERT INTO message_extras VALUES ('msg_z', 'org_z', 'app_z', '\na\n', 7, 8)",
        "INSERT INTO tasks VALUES ('bgtask_1', 'org_z', 'app_z', 'ep_z', 'endpoint.recover', "
        """'{"since_ms":1,"until_ms":9}', 'running', '', 'msg_1', 3, 2, 1, 4, 99, 1, 2, NULL, '')""",
        "INSERT INTO tasks VALUES ('bgtask_2', 'org_z', 'app_z', 'ep_z', 'endpoint.replay', "
        """'{"since_ms":1,"until_ms":9}', 'failed', 'it broke', 'msg_2', 0, 0, 0, 4, NULL, 1, 2, 3, '{}')""",
        "INSERT INTO audit VALUES ('aud_z', 'org_z', 6, 'cli', 'x', '[\"a\"]', '[]', 'Ψ')",
        "INSERT INTO erasures VALUES ('era_z', 'org_z', 'cus_z', 1, 2, 3, 4)",
        "INSERT INTO event_types (organisation_id, name, description, created_at_ms) VALUES ('org_z', 'other', '', 8)",
    )


async def _directory(world: World) -> None:
    mine, store = world.organisation.id, world.store
    read = frozenset({KeyScope.READ, KeyScope.WRITE})
    key = ApiKey(
        id="key_1",
        organisation_id=mine,
        name=WORDS,
        scopes=read,
        created_at_ms=START_MS,
        expires_at_ms=START_MS + 9,
    )
    await store.api_key_create(key, ANY_BYTES[:32])
    portal = Portal(
        application_id="app_1",
        capabilities=frozenset({Capability.VIEW_BASE}),
        feature_flags=frozenset({WORDS}),
        session_id=WORDS,
    )
    token = ApiKey(id="key_2", organisation_id=mine, name="", scopes=frozenset(), created_at_ms=START_MS, portal=portal)
    await store.api_key_create(token, b"2" * 32)
    await store.api_key_touch("key_2", now_ms=START_MS)
    await store.source_create(
        source(
            id="src_2",
            organisation_id=mine,
            uid="zweite-Ψ",
            gateway="ippopay",
            livemode=False,
            secrets=(),
            token="a-token",
            options={"secretKey": WORDS, "n": [1, None, 2.5]},
            enabled=False,
        )
    )
    await store.application_create(
        application(
            id="app_2",
            organisation_id=mine,
            uid="functions",
            name=WORDS,
            options=ApplicationOptions(metadata=((WORDS, WORDS),), throttle_rate=7),
        )
    )
    await store.endpoint_create(
        endpoint(
            id="ep_f",
            organisation_id=mine,
            application_id="app_2",
            uid="shop.paid",
            url="function:shop.paid",
            description=WORDS,
            event_types=frozenset({"payment.completed", "refund.completed"}),
            headers=(("x-key", "a-secret-header"),),
            options=EndpointOptions(metadata=(("k", WORDS),), channels=frozenset({"b", "a"}), retry_delays_s=()),
            client_certificate="a-private-key",
            secrets=("whsec_" + "b" * 32, "whsec_" + "a" * 32),
            secrets_end_at_ms=(START_MS + 1,),
        )
    )
    await store.endpoint_create(world.an_endpoint("ep_off", disabled=True, disabled_reason="by hand"))
    event_type = EventType(
        name="own.thing",
        organisation_id=mine,
        description=WORDS,
        created_at_ms=START_MS,
        updated_at_ms=START_MS + 1,
        options=EventTypeOptions(schemas='{"1":{}}', is_enforced=True, retry_delays_s=(1, 2)),
    )
    await store.event_type_create(event_type)
    plans = ("price_1", "price_2")
    await store.product_put(Product(organisation_id=mine, uid="gold", name=WORDS, plans=plans, created_at_ms=START_MS))
    await world.expect(100, order_id=f"{WORDS} later")


async def _append(
    world: World, number: int, state: NotificationState = NotificationState.PENDING, due_at_ms: int = START_MS
) -> Notification:
    kept = notification(
        number,
        organisation_id=world.organisation.id,
        headers=(("x-words", WORDS),),
        body=ANY_BYTES,
        hint=state is not NotificationState.PENDING,
    )
    await world.store.notification_append(appending(kept, state, due_at_ms))
    return kept


async def _notifications(world: World) -> None:
    """1 and 2 are recorded (and 2 joins two payments), 3 says nothing, 4 is parked, 5 is pending, 6 is leased."""
    for number in range(1, 7):
        await _append(world, number, due_at_ms=START_MS + (LEASE_MS if number == 6 else 0))
    captured = fact(Kind.CAPTURED, "ch_1", 100, detail={"order_id": WORDS, "customer_name": WORDS})
    refunded = fact(Kind.REFUND_SUCCEEDED, "re_1", 40, at_s=5)
    other = fact(Kind.FAILED, "at_1", 100, aggregate="pi_2", detail={"failure_message": WORDS})
    charge = fact(Kind.CAPTURED, "ch_3", 700, aggregate="ch_3")
    link = fact(Kind.LINK, "ch_3", aggregate="pi_3", detail={"type": "charge"})
    runs = accounts.subscription(
        "sub_1",
        SubscriptionStatus.ACTIVE,
        at_ms=START_MS,
        plan="price_1",
        period_end_ms=START_MS + 9,
        who={"customer_email": "a@b.example", "customer_name": WORDS},
    )
    begun = fact(Kind.PAYMENT_CREATED, "", 700, aggregate="pi_3")
    told = {1: (captured, charge, begun), 2: (refunded, other, link, runs), 3: (), 4: ()}
    for number, facts in told.items():
        plain = reading(*facts, number=number, error=WORDS if number == 4 else "", event="x.y")
        await world.record(
            [Reading(notification=plain.notification, source=world.source, parsed=plain.parsed, error=plain.error)]
        )
        world.clock.advance(1)
    for number in (1, 2):
        refusal = Refusal(
            id=f"rfs_{number}",
            source_id=world.source.id,
            organisation_id=world.organisation.id,
            refused_at_ms=START_MS,
            reason=RefusalReason.TOKEN_MISMATCH,
            detail=WORDS,
            headers=(("a", "b"),),
            body=ANY_BYTES,
        )
        await world.store.refusal_append(refusal, 10)


async def _hints(world: World) -> None:
    """11 waits, 12 is leased, 13 was asked again and waits, 14 is fetched (its answer is 20), 15 is parked."""
    asked = {}
    for number in range(11, 16):
        due_at_ms = START_MS + (LEASE_MS if number == 11 else 0)
        asked[number] = await _append(world, number, NotificationState.NEEDS_FETCH, due_at_ms)
    jobs = await world.store.fetch_claim(limit=9, now_ms=START_MS, lease_ends_at_ms=START_MS + LEASE_MS)
    assert len(jobs) == 4
    answer = notification(20, organisation_id=world.organisation.id, origin=Origin.POLL, body=b"{}")
    for number, state, new in (
        (13, NotificationState.NEEDS_FETCH, None),
        (14, NotificationState.FETCHED, appending(answer)),
        (15, NotificationState.PARKED, None),
    ):
        done = FetchDone(
            notification_id=asked[number].id,
            wanted_no=1,
            state=state,
            reason=WORDS,
            attempt_count=1,
            due_at_ms=START_MS + 90_000,
            answer=new,
        )
        await world.store.fetch_finish(done)


async def _claim(world: World) -> dict[str, DeliveryJob]:
    now_ms = world.clock.now_ms()
    return {job.message_id: job for job in await claim_due(world.store, now_ms, now_ms + LEASE_MS)}


async def _deliveries(world: World) -> None:
    """1 is delivered at the second try, 2 dead, 3 abandoned, 4 waits for a retry, 5 is sent again, 6 leased, 7 due.

    9 waits behind 8.
    """
    posted = {number: (await world.post(number)).message.id for number in range(1, 7)}
    jobs = await _claim(world)

    async def tried(number: int, state: DeliveryState, **changes: object) -> None:
        job = jobs[posted[number]]
        made = attempt(job, delivered=state is DeliveryState.DELIVERED, started_at_ms=world.clock.now_ms(), **changes)
        due_at_ms = world.clock.now_ms() + 5000 if state is DeliveryState.DUE else None
        new = AttemptNew(attempt=made, lease_no=job.lease_no, state=state, due_at_ms=due_at_ms)
        assert await world.store.attempt_append(new)

    await tried(1, DeliveryState.DUE, status_code=500, response=WORDS)
    await tried(2, DeliveryState.DEAD, status_code=410)
    await world.store.delivery_abandon(
        jobs[posted[3]], reason=DeadReason.ENDPOINT_DISABLED, error=WORDS, now_ms=world.clock.now_ms()
    )
    await tried(4, DeliveryState.DUE, status_code=0, error="connect: refused")
    await tried(5, DeliveryState.DELIVERED)
    await world.store.delivery_resend(world.organisation.id, posted[5], "ep_1", now_ms=world.clock.now_ms())
    for job in jobs.values():
        if job.message_id not in posted.values():
            await world.store.delivery_release([job], due_at_ms=world.clock.now_ms())
    world.clock.advance(6)
    jobs |= await _claim(world)
    await tried(1, DeliveryState.DELIVERED)
    left = [job for job in jobs.values() if job.message_id in (posted[4], posted[5])]
    await world.store.delivery_release(left, due_at_ms=world.clock.now_ms() + 1)
    await world.post(7)
    in_line = replace(world.endpoint, options=EndpointOptions(ordering=Ordering.FIFO))
    await world.post(8, in_line)
    await world.post(9, in_line)
