"""Whole histories out of published payloads, in every rotation and many shuffles: one state, one set of balances."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from paybell.model.fact import Parsed
from paybell.model.payment import PaymentState
from paybell.ports import PageQuery, Reading
from paybell.testing.builders import appending, notification
from tests.acceptance import histories
from tests.acceptance.histories import HISTORIES, IN_CI, PRESENT, SAMPLES, History
from tests.contract.stores import PLACES, World, run
from tests.unit.books import balances, wrong
from tests.unit.desk import Ledger

pytestmark = pytest.mark.skipif(
    not PRESENT and not IN_CI, reason="../shared/gateways does not stand beside the checkout"
)

SHUFFLES = 300
Told = Sequence[Parsed]


def test_the_samples_are_there() -> None:
    assert PRESENT, f"CI needs {SAMPLES}"


def read(history: History) -> Told:
    return [histories.parse(history, told, number) for number, told in enumerate(history.told, 1)]


def orders(told: Told) -> Iterator[Told]:
    """As it happened, every rotation, backwards, and shuffled with some told again."""
    for start in range(len(told)):
        yield [*told[start:], *told[:start]]
    yield told[::-1]
    for seed in range(SHUFFLES):
        chance = Random(seed)
        again = [*told, *chance.choices(told, k=len(told) // 2)]
        chance.shuffle(again)
        yield again


def record(told: Told) -> Ledger:
    ledger = Ledger()
    for parsed in told:
        ledger.take(*parsed.facts)
    return ledger


def states(ledger: Ledger) -> dict[str, PaymentState]:
    found = (known.payment for known in ledger.known.values())
    return {it.gateway_payment_id: it.state for it in sorted(found, key=lambda it: it.gateway_payment_id)}


@pytest.mark.parametrize("name", HISTORIES)
def test_each_notification_tells_something_but_those_that_move_no_payment(name: str) -> None:
    history = HISTORIES[name]()
    told = read(history)
    silent = [parsed for parsed in told if not parsed.facts]
    assert len(silent) == history.unmapped
    assert all(parsed.reason for parsed in silent)


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_comes_to_what_was_written_down_by_hand(name: str) -> None:
    history = HISTORIES[name]()
    ledger = record(read(history))
    found = states(ledger).values()
    assert {str(it.status) for it in found} == history.statuses
    assert sum(it.captured_minor for it in found) == history.captured
    assert sum(it.refunded_minor for it in found) == history.refunded
    assert sum(it.disputed_minor for it in found) == history.disputed
    assert balances(ledger.postings) == history.balances
    assert {flag for it in found for flag in it.flags} == history.flags


@pytest.mark.parametrize("name", HISTORIES)
def test_in_any_order_and_however_often_it_comes_to_the_same(name: str) -> None:
    history = HISTORIES[name]()
    told = read(history)
    expected = states(record(told))
    for order in orders(told):
        ledger = record(order)
        assert states(ledger) == expected
        assert balances(ledger.postings) == history.balances
        for known in ledger.known.values():
            assert wrong(known.facts.values(), known.postings, known.payment.state) == ""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HISTORIES)
def test_both_stores_come_to_it_too(name: str, place: str, tmp_path: Path) -> None:
    history = HISTORIES[name]()
    *_, order = orders(read(history))
    (livemode,) = {parsed.livemode for parsed in order if parsed.livemode is not None} or {True}

    async def scenario(world: World) -> None:
        of = replace(world.source, livemode=livemode)
        for number, parsed in enumerate(order, 1):
            own = notification(number, organisation_id=world.organisation.id)
            await world.store.notification_append(appending(own))
            await world.record([Reading(notification=own, source=of, parsed=parsed, error="")])
        page = await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))
        found = [it.state for it in page.data]
        assert {str(it.status) for it in found} == history.statuses
        assert sum(it.captured_minor for it in found) == history.captured
        assert sum(it.refunded_minor for it in found) == history.refunded
        booked = {str(it.account): it.balance_minor for it in await world.store.ledger_balances(world.organisation.id)}
        assert {account: amount for account, amount in booked.items() if amount} == history.balances

    run(PLACES[place](tmp_path), scenario)
