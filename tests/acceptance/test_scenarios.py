"""What others got wrong: every scenario ends as it must, and one that does not says what differs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from msgspec.structs import replace

from paybell.cli.scenario_play import Played, play
from paybell.testing.scenarios import SCENARIOS
from paybell.testing.scenarios.accounts import RAZORPAY, STRIPE
from paybell.testing.scenarios.script import (
    Advance,
    Hook,
    Listener,
    Orders,
    PaymentWanted,
    Says,
    Scenario,
    Send,
    Wanted,
)
from tests.acceptance.cli_world import Shell
from tests.databases import Database, environment

PAID = Hook(source="stripe", event="payment_intent.succeeded")
COMPLETED = PaymentWanted(status="completed", currency="USD", captured_minor=10_000, told=("payment.completed",))
PLAN = Scenario(
    name="plan",
    wrong="",
    right="",
    sources=(STRIPE,),
    steps=(Send((PAID,)),),
    wanted=Wanted(payments=(COMPLETED,), notifications={"recorded": 1}),
)


def played(plan: Scenario, database: Database, seed: int = 0) -> Played:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(play(plan, database=database.url, seed=seed))


@pytest.fixture(scope="module")
def place(module_database: Database) -> Iterator[Database]:
    """One for all scenarios, one after the other."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(module_database).items():
            patch.setenv(name, value)
        yield module_database


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_ends_as_it_must(place: Database, name: str) -> None:
    ended = played(SCENARIOS[name], place, seed=7)
    assert ended.problems == ()
    assert ended.sent


# ------------------------------------------------------------------------------------------- what differs is told


def problems(plan: Scenario, database: Database, **wanted: Any) -> tuple[str, ...]:
    return played(replace(plan, wanted=replace(plan.wanted, **wanted)), database).problems


def test_a_plan_that_is_right_has_no_problems(place: Database) -> None:
    assert played(PLAN, place).good


def test_a_payment_that_is_otherwise(place: Database) -> None:
    (status, told, newest) = problems(PLAN, place, payments=(replace(COMPLETED, status="failed", told=()),))
    assert status.endswith(": status is completed, wanted failed")
    assert told.endswith(": payment.completed was told, wanted no such message")
    assert newest.endswith(": the newest version that was told says completed, wanted failed")


def test_money_and_notifications_that_are_otherwise(place: Database) -> None:
    doubled = replace(COMPLETED, captured_minor=20_000)
    found = problems(PLAN, place, payments=(doubled,), notifications={"parked": 1})
    assert [it.partition("): ")[2] or it for it in found] == [
        "captured_minor is 10000, wanted 20000",
        "balances in USD: clearing is 10000, wanted 20000",
        "balances in USD: sales is -10000, wanted -20000",
        "notifications: parked is 0, wanted 1",
        "notifications: recorded is 1, wanted 0",
    ]


def test_a_payment_that_nobody_wants(place: Database) -> None:
    found = problems(PLAN, place, payments=())
    assert any(it.startswith("payment payment (pi_payment0") and it.endswith("is there, wanted none") for it in found)


def test_an_answer_that_is_otherwise(place: Database) -> None:
    plan = replace(PLAN, steps=(Send((replace(PAID, answer=401),), times=3),))
    assert played(plan, place).problems == (
        "stripe payment_intent.succeeded for payment was answered 200, wanted 401 (3 times)",
    )


def test_a_delivery_that_is_otherwise(place: Database) -> None:
    plan = replace(PLAN, endpoints=(Listener(name="shop", says=(Says(500),)),))
    assert [it.partition("): ")[2] or it for it in played(plan, place).problems] == [
        "payment.completed was not told",
        "endpoint shop: waiting is 1, wanted 0",
    ]


def test_what_is_taken_at_the_second_try_is_no_difference(place: Database) -> None:
    listener = Listener(name="shop", says=(Says(500), Says(200)))
    plan = replace(PLAN, endpoints=(listener,), steps=(*PLAN.steps, Advance(6)))
    assert played(plan, place).problems == ()


# ------------------------------------------------------------------------------------------- orders and seeds


def test_the_seed_chooses_orders_and_repeats(place: Database) -> None:
    events = ("payment.authorized", "payment.captured", "refund.created", "refund.processed")
    plan = replace(
        PLAN,
        sources=(RAZORPAY,),
        steps=(Orders(tuple(Hook(source="razorpay", event=event) for event in events), orders_max=3),),
    )
    first, again, other = (played(plan, place, seed).sent for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert "in 3 orders" in first[0]


# ------------------------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("scenarios"))


def test_the_command_lists_shows_and_runs(shell: Shell) -> None:
    assert [it["name"] for it in shell.json("scenario", "list")] == list(SCENARIOS)
    assert all(name in shell.right("scenario", "list") for name in SCENARIOS)
    shown = shell.json("scenario", "show", "failed-then-paid")
    assert (shown["name"], shown["steps"][0]["type"]) == ("failed-then-paid", "orders")
    assert SCENARIOS["failed-then-paid"].wrong in shell.right("scenario", "show", "failed-then-paid")
    ended = shell.json("scenario", "run", "failed-then-paid", "--seed", "3")
    assert [(it["name"], it["good"], it["problems"]) for it in ended] == [("failed-then-paid", True, [])]
    assert "OK (" in shell.right("scenario", "run", "failed-then-paid")


def test_the_command_says_what_it_cannot(shell: Shell, tmp_path: Path) -> None:
    unknown = shell("scenario", "run", "nope")
    assert (unknown.status, unknown.out) == (1, "")
    assert unknown.complaint.startswith("paybell: there is no scenario 'nope'; known: duplicate-burst, ")
    used = f"sqlite:///{tmp_path}/used.db"
    shell.right("source", "add", "shop", "--gateway", "stripe", "--database", used)
    in_use = shell("scenario", "run", "slow-handler", "--database", used)
    assert (in_use.status, in_use.out) == (1, "")
    assert in_use.complaint == (
        "paybell: the database is in use (shop is there): scenarios want one of their own, or none given"
    )
    memory = shell("scenario", "run", "slow-handler", "--database", "sqlite:///:memory:")
    assert (memory.status, "name a file with --database" in memory.complaint) == (1, True)
