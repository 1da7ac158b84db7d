"""A customer is erased from everything that is kept; the money, its books and all hashes stay."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from paybell.app.erasures import Found, erase_customer, find_customer
from paybell.app.rebuilds import Wish, rebuild_payments
from paybell.model.delivery import DeliveryState
from paybell.model.fact import Fact, Kind
from paybell.model.notification import NotificationState, is_erased
from paybell.ports import AttemptNew, PageQuery, Reading
from paybell.testing.builders import appending, attempt, fact, reading
from tests.contract.archives import verified
from tests.contract.ledger_world import plain, rows_of
from tests.contract.stores import Place, SqlitePlace, World, claim_due, run
from tests.unit.members import subscribed

SECRETS = (b"pat@example.com", b"Pat Example", b"5550100")
WHO = {"customer_email": "Pat@Example.com", "customer_name": "Pat Example", "customer_phone": "+49 170 5550100"}
SALE = fact(Kind.CAPTURED, "ch_1", 900, 1, aggregate="pi_1", currency="EUR", detail={**WHO, "product": "pass"})
NAMED = replace(SALE, aggregate="pi_2", ref="ch_2", detail={**SALE.detail, "customer_id": "cus_1"})
OTHER = replace(SALE, aggregate="pi_3", ref="ch_3", detail={"customer_email": "sam@example.com", "product": "pass"})
REFUND = fact(Kind.REFUND_SUCCEEDED, "re_1", 100, 5, aggregate="pi_2", currency="EUR")


def body(number: int) -> bytes:
    said = {"id": f"evt_{number}", "email": "pat@example.com", "text": "to Pat Example", "amount": 900}
    return json.dumps(said).encode()


async def told(world: World, number: int, *facts: Fact, error: str = "") -> None:
    kept = plain(world, number)
    if OTHER not in facts:
        kept = replace(kept, body=body(number), headers=(("x-user", "Pat Example"),))
    await world.store.notification_append(appending(kept))
    parsed = reading(*facts, number=number).parsed
    await world.record([Reading(notification=kept, source=world.source, parsed=parsed, error=error)])


async def lived(world: World) -> None:
    """Two payments of one person, one of another; a subscription; an unmapped and a parked notification; an attempt."""
    for number, facts in enumerate(((SALE,), (NAMED,), (OTHER,), (REFUND,)), 1):
        await told(world, number, *facts)
    runs = subscribed("active", 0, 30)
    await told(world, 5, replace(runs, detail={**runs.detail, "customer_name": "Pat Example"}))
    await told(world, 6)
    await told(world, 7, error="it cannot be read")
    now_ms = world.clock.now_ms()
    for job in await claim_due(world.store, now_ms, now_ms + 9):
        made = attempt(
            job,
            response="no user pat@example.com" if b"sam" not in job.payload else "",
            started_at_ms=world.clock.now_ms(),
        )
        done = AttemptNew(attempt=made, lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None)
        await world.store.attempt_append(done)


async def erased(world: World, name: str) -> Found:
    found = await find_customer(world.store, world.organisation.id, name)
    await erase_customer(world.store, world.clock, world.organisation.id, found)
    return found


def everything(place: Place) -> bytes:
    """All texts and bytes of every table that may hold any."""
    tables = {
        "notifications": "headers, body",
        "facts": "fact",
        "payments": "state",
        "account_items": "state",
        "grants": "customer, says",
        "entitlements": "customer, email, user_id, who",
        "messages": "payload",
        "attempts": "response, error",
        "erasures": "customers",
    }
    found = [rows_of(place, f"SELECT {columns} FROM {table}") for table, columns in tables.items()]  # noqa: S608
    cells = [cell for rows in found for row in rows for cell in row]
    return b"\n".join(it if isinstance(it, bytes) else str(it).encode() for it in cells)


BOOKS = "SELECT id, payment_id, kind, amount_minor, currency FROM postings ORDER BY id"
HASHES = "SELECT payment_id, digest, notification_id FROM facts ORDER BY 1, 2"
KEYS = "SELECT id, dedupe_key, received_at_ms FROM notifications ORDER BY id"


def kept(place: Place) -> list[Any]:
    """What no erasure touches."""
    return [rows_of(place, query) for query in (BOOKS, HASHES, KEYS)]


def test_nothing_of_the_customer_is_left_and_all_of_the_money(place: Place) -> None:
    async def scenario(world: World) -> None:
        await lived(world)
        before = await asyncio.to_thread(kept, place)
        all_of_it = (await asyncio.to_thread(everything, place)).lower()
        assert all(secret.lower() in all_of_it for secret in SECRETS)
        found = await erased(world, "Pat@Example.com")
        assert (len(found.payments), len(found.items), found.others_count) == (2, 1, 0)
        page = await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))
        states = {it.gateway_payment_id: it.state for it in page.data}
        assert states["pi_2"].customer == {"id": "cus_1"}
        assert states["pi_1"].customer["id"].startswith("erased-")
        assert states["pi_3"].customer == {"email": "sam@example.com"}
        assert states["pi_2"].refunded_minor == 100
        assert await asyncio.to_thread(kept, place) == before

    run(place, scenario)
    left = everything(place)
    assert [secret for secret in SECRETS if secret.lower() in left.lower()] == []
    assert verified(place).examples == ()
    if isinstance(place, SqlitePlace):
        raw = place.raw_bytes().lower()
        assert [secret for secret in SECRETS if secret.lower() in raw] == []


def test_what_is_erased_stays_so_when_it_is_sent_again_folded_or_read_anew(place: Place) -> None:
    async def scenario(world: World) -> None:
        await lived(world)
        await erased(world, "cus_1")
        await told(world, 8, NAMED)
        rounds = rebuild_payments(world.store, world.clock, world.organisation.id, Wish(renormalise=True))
        assert [each for _, found in [it async for it in rounds] for each in found] == []
        (payment,) = (
            await world.store.payment_page(
                PageQuery(organisation_id=world.organisation.id, filters={"gateway_payment_id": "pi_2"})
            )
        ).data
        assert payment.state.customer == {"id": "cus_1"}
        views = (await world.store.notification_page(PageQuery(organisation_id=world.organisation.id))).data
        marked = {it.notification.id[-1] for it in views if is_erased(it.notification)}
        assert marked >= {"2", "4", "5"}
        assert {it.status.state for it in views} == {
            NotificationState.RECORDED,
            NotificationState.UNMAPPED,
            NotificationState.PARKED,
        }

    run(place, scenario)
    assert verified(place).examples == ()


def test_what_the_customer_may_use_stays_under_another_name(place: Place) -> None:
    async def scenario(world: World) -> None:
        await lived(world)
        mine = world.organisation.id
        before = {it.product: it.state for it in await world.store.entitlement_of(mine, "cus_1")}
        found = await erased(world, "pat@example.com")
        after = await world.store.entitlement_of(mine, "cus_1")
        assert {it.product: it.state for it in after} == before
        assert await world.store.entitlement_of(mine, "pat@example.com") == ()
        (payment,) = (it for it in found.payments if it.gateway_payment_id == "pi_1")
        renamed = (await world.store.payment_get(mine, payment.id)).state.customer["id"]
        assert [it.allowed for it in await world.store.entitlement_of(mine, renamed)] == [True]
        assert [it.allowed for it in await world.store.entitlement_of(mine, "sam@example.com")] == [True]

    run(place, scenario)


@pytest.mark.parametrize("name", ["", "nobody", "pat", "%", "example.com"])
def test_nobody_is_found_by_less_than_a_name(place: Place, name: str) -> None:
    async def scenario(world: World) -> None:
        await lived(world)
        found = await find_customer(world.store, world.organisation.id, name)
        assert (found.payments, found.items) == ((), ())

    run(place, scenario)


def test_another_name_with_the_same_address_is_counted(place: Place) -> None:
    async def scenario(world: World) -> None:
        await lived(world)
        found = await find_customer(world.store, world.organisation.id, "cus_1")
        assert ([it.gateway_payment_id for it in found.payments], found.others_count) == (["pi_2"], 1)

    run(place, scenario)
