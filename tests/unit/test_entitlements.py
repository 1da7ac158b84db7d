"""What customers may use: the same in every order of what is told, and as time goes by."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from paybell.model.entitlement import DAY_MS, Entitlement, EntitlementState, OnRefund, Product, Reason, holder
from paybell.model.fact import Fact, Kind
from paybell.testing.builders import endpoint, fact
from paybell.testing.fake_clock import START_MS
from tests.unit.desk import Ledger
from tests.unit.expecting import said
from tests.unit.members import billed, day, disputed, on, paid, refunded, subscribed

GOLD = Product(organisation_id="org_1", uid="gold", name="Gold", plans=("price_1",))
FOR_A_MONTH = Product(organisation_id="org_1", uid="pass", duration_days=30)
BOUGHT = paid(0, product="pass")
BILLED = (*paid(0, invoice="in_1"), billed("paid", 0, 30))
RENEWED = (*BILLED, *paid(30, no=2, invoice="in_2"), billed("paid", 30, 60, no=2))
RUNS = (subscribed("active", 0, 30),)
LATE = (*RUNS, subscribed("past_due", 30, 60))

TABLE: dict[str, tuple[Sequence[Fact], float, tuple[str, str, float | None] | None]] = {
    "a subscription runs": (RUNS, 3, ("granted", "paid", 30)),
    "on trial": ((subscribed("trialing", 0, 14),), 3, ("granted", "trial", 14)),
    "its first payment is not through": ((subscribed("incomplete", 0),), 0, None),
    "not yet renewed, and renewals are told late": (RUNS, 30.5, ("granted", "paid", 30)),
    "never renewed": (RUNS, 32, ("grace", "lapsed", 37)),
    "never renewed, nor paid": (RUNS, 38, ("suspended", "lapsed", 60)),
    "gone": (RUNS, 61, ("revoked", "lapsed", 60)),
    "no period is told": ((subscribed("active", 0),), 900, ("granted", "paid", None)),
    "renewed": ((*RUNS, subscribed("active", 30, 60)), 45, ("granted", "paid", 60)),
    "past due": (LATE, 33, ("grace", "unpaid", 37)),
    "past due for long": (LATE, 40, ("suspended", "unpaid", 60)),
    "past due for too long": (LATE, 61, ("revoked", "unpaid", 60)),
    "past due before its period is over": (
        (billed("paid", 0, 30), *RUNS, subscribed("past_due", 28)),
        29,
        ("granted", "paid", 30),
    ),
    "paid after all, and the subscription says so": (
        (*LATE, subscribed("active", 35, 60)),
        36,
        ("granted", "paid", 60),
    ),
    "paid after all, and only the invoice says so": (
        (*LATE, billed("paid", 35, 60)),
        36,
        ("granted", "paid", 60),
    ),
    "will end": ((*RUNS, subscribed("active", 5, 30, last=True)), 29, ("granted", "paid", 30)),
    "has ended": ((*RUNS, subscribed("active", 5, 30, last=True)), 30, ("revoked", "ended", 30)),
    "will end, and then goes on": (
        (subscribed("active", 5, 30, last=True), subscribed("active", 6, 30)),
        30.5,
        ("granted", "paid", 30),
    ),
    "will end after further periods": (
        (subscribed("active", 0, 30, ends=90),),
        30.5,
        ("granted", "paid", 30),
    ),
    "canceled at once": ((*RUNS, subscribed("canceled", 5)), 6, ("revoked", "canceled", 5)),
    "canceled, and ends later": ((*RUNS, subscribed("canceled", 5, ends=30)), 6, ("granted", "canceled", 30)),
    "canceled, and over": ((*RUNS, subscribed("canceled", 5, ends=30)), 31, ("revoked", "canceled", 30)),
    "paused": ((*RUNS, subscribed("paused", 5)), 6, ("suspended", "paused", None)),
    "only its invoices are told of": (BILLED, 3, ("granted", "paid", 30)),
    "only its invoices, and the next one failed": (
        (*BILLED, billed("failed", 30, 60, no=2)),
        33,
        ("grace", "unpaid", 37),
    ),
    "an invoice that failed before it was paid": (
        (billed("failed", 0, 30), billed("paid", 1, 30)),
        3,
        ("granted", "paid", 30),
    ),
    "an invoice that was never paid": ((billed("failed", 0, 30),), 3, None),
    "its payment was given back": ((*RUNS, *BILLED, refunded(5)), 6, ("revoked", "refunded", None)),
    "part of its payment was given back": (
        (*RUNS, *BILLED, refunded(5, amount=100)),
        6,
        ("granted", "paid", 30),
    ),
    "an earlier period's payment was given back": (
        (subscribed("active", 30, 60), *RENEWED, refunded(35)),
        36,
        ("granted", "paid", 60),
    ),
    "this period's payment was given back": (
        (subscribed("active", 30, 60), *RENEWED, refunded(35, no=2)),
        36,
        ("revoked", "refunded", None),
    ),
    "a dispute is open": ((*RUNS, *BILLED, disputed("open", 5)), 6, ("granted", "paid", 30)),
    "a dispute was lost": (
        (*RUNS, *BILLED, disputed("open", 5), disputed("lost", 9)),
        10,
        ("revoked", "charged_back", None),
    ),
    "a dispute was won": ((*RUNS, *BILLED, disputed("open", 5), disputed("won", 9)), 10, ("granted", "paid", 30)),
    "bought": (BOUGHT, 3, ("granted", "paid", 30)),
    "bought, and over": (BOUGHT, 30, ("revoked", "ended", 30)),
    "bought twice adds up": ((*BOUGHT, *paid(10, no=2, product="pass")), 59, ("granted", "paid", 60)),
    "bought twice, and one given back": (
        (*BOUGHT, *paid(10, no=2, product="pass"), refunded(12)),
        39,
        ("granted", "paid", 40),
    ),
    "bought, and given back": ((*BOUGHT, refunded(5)), 6, ("revoked", "refunded", None)),
    "bought for ever": (paid(0, product="lifetime"), 36_000, ("granted", "paid", None)),
    "not paid": (
        (on(fact(Kind.FAILED, "ch_1", 900, aggregate="pi_1", detail={"product": "pass"}), 0),),
        1,
        None,
    ),
    "bought by nobody": (
        (on(fact(Kind.CAPTURED, "ch_1", 900, aggregate="pi_1", detail={"product": "pass"}), 0),),
        1,
        None,
    ),
    "a payment for nothing": (paid(0), 1, None),
}


def recorded(facts: Sequence[Fact], at_day: float, *products: Product) -> Ledger:
    """All told at once at that day, in that order."""
    ledger = Ledger(endpoint())
    ledger.products = {"org_1": products or (GOLD, FOR_A_MONTH)}
    ledger.clock.advance((day(at_day) - START_MS) / 1000)
    for told in facts:
        ledger.take(told)
    return ledger


def shown(it: Entitlement) -> tuple[str, str, float | None]:
    until = None if it.until_ms is None else (it.until_ms - START_MS) / DAY_MS
    return (str(it.state), str(it.reason), until)


def orders(facts: Sequence[Fact]) -> Sequence[Sequence[Fact]]:
    if len(facts) <= 4:
        return list(permutations(facts))
    return [Random(seed).sample(facts, len(facts)) for seed in range(40)]


@pytest.mark.parametrize("name", TABLE)
def test_a_customer_may_use(name: str) -> None:
    facts, at_day, wanted = TABLE[name]
    for order in orders(facts):
        ledger = recorded(order, at_day)
        found = [shown(it) for it in ledger.entitlements.values()]
        assert found == ([] if wanted is None else [wanted]), order
        for it in ledger.entitlements.values():
            assert it.due_at_ms is None or it.due_at_ms > ledger.clock.now_ms()


def test_the_table_has_every_state_and_reason() -> None:
    wanted = [it for _, _, it in TABLE.values() if it is not None]
    assert {state for state, _, _ in wanted} == set(map(str, EntitlementState))
    assert {reason for _, reason, _ in wanted} == set(map(str, Reason)) - {"replaced"}


@pytest.mark.parametrize("name", TABLE)
def test_time_alone_comes_to_the_same(name: str) -> None:
    """Told on the first day, then only the clock moves, a timer at a time."""
    facts, at_day, wanted = TABLE[name]
    if any(told.at_ms > day(at_day) for told in facts):
        return
    ledger = recorded((), 0)
    for told in sorted(facts, key=lambda it: it.at_ms):
        until(ledger, told.at_ms)
        ledger.take(told)
    until(ledger, day(at_day))
    assert [shown(it) for it in ledger.entitlements.values()] == ([] if wanted is None else [wanted])


def until(ledger: Ledger, at_ms: int) -> None:
    """Let time go by, and every timer be turned when it is due."""
    while True:
        due = [it.due_at_ms for it in ledger.entitlements.values() if it.due_at_ms and it.due_at_ms <= at_ms]
        if not due:
            break
        ledger.clock.advance(max(0, min(due) - ledger.clock.now_ms()) / 1000)
        ledger.turn()
    ledger.clock.advance(max(0, at_ms - ledger.clock.now_ms()) / 1000)


def told(ledger: Ledger) -> list[str]:
    return [it.event_type for it in ledger.messages if it.event_type.startswith("membership.")]


def test_a_whole_life_is_told_step_by_step() -> None:
    ledger = recorded(RUNS, 0)
    until(ledger, day(30))
    ledger.take(subscribed("active", 30, 60))
    until(ledger, day(60))
    ledger.take(subscribed("past_due", 60, 90))
    until(ledger, day(70))
    ledger.take(billed("paid", 70, 90))
    until(ledger, day(200))
    assert told(ledger) == [
        "membership.granted",
        "membership.renewed",
        "membership.grace",
        "membership.suspended",
        "membership.granted",
        "membership.grace",
        "membership.suspended",
        "membership.revoked",
    ]
    payloads = [msgspec.json.decode(it.payload)["data"] for it in ledger.messages if "membership" in it.event_type]
    assert [it["version"] for it in payloads] == list(range(1, 9))
    first = payloads[0]
    assert (first["product"], first["productName"], first["allowed"], first["reason"]) == ("gold", "Gold", True, "paid")
    assert first["customer"] == {"id": "cus_1", "email": "Pat@Example.com", "userId": "u_7", "key": "cus_1"}
    assert [it["allowed"] for it in payloads] == [True, True, True, False, True, True, False, False]
    assert ledger.turn().entitlements == ()


def test_what_is_first_heard_of_when_it_is_over_is_told_to_nobody() -> None:
    ledger = recorded((*BOUGHT, refunded(1)), 0)
    assert told(ledger) == ["membership.granted", "membership.revoked"]
    late = recorded((refunded(1), *BOUGHT), 0)
    assert told(late) == []
    (one,), (other,) = ledger.entitlements.values(), late.entitlements.values()
    assert shown(one) == shown(other)


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (OnRefund.REVOKE, ("revoked", "refunded", None)),
        (OnRefund.END_OF_PERIOD, ("granted", "paid", 30)),
        (OnRefund.NONE, ("granted", "paid", 30)),
    ],
)
@pytest.mark.parametrize("facts", [(*BOUGHT, refunded(5)), (*RUNS, *BILLED, refunded(5))])
def test_a_refund_does_what_the_product_says(
    policy: OnRefund, wanted: tuple[str, str, float | None], facts: Sequence[Fact]
) -> None:
    products = (replace(GOLD, on_refund=policy), replace(FOR_A_MONTH, on_refund=policy))
    for order in orders(facts):
        (found,) = recorded(order, 6, *products).entitlements.values()
        assert shown(found) == wanted
    (at_end,) = recorded(facts, 30.5, *products).entitlements.values()
    is_run = facts[0] is RUNS[0]
    stays = policy is OnRefund.NONE and is_run
    assert at_end.state is (EntitlementState.GRANTED if stays else EntitlementState.REVOKED)


def test_a_payment_of_another_amount_than_expected_grants_nothing() -> None:
    wish = fact(Kind.EXPECTED, "", 1_000, aggregate="pi_1", currency="EUR")
    for order in permutations((*BOUGHT, wish)):
        ledger = recorded(order, 1)
        assert not any(it.allowed for it in ledger.entitlements.values()), order


def test_an_expectation_that_comes_late_takes_back_what_was_granted() -> None:
    sale = replace(BOUGHT[0], detail={**BOUGHT[0].detail, "order_id": "o_1"})
    ledger = recorded((sale,), 1)
    assert told(ledger) == ["membership.granted"]
    ledger.say(replace(said(1_000, 1), currency="EUR", organisation_id="org_1"))
    assert told(ledger) == ["membership.granted", "membership.revoked"]
    ledger.say(replace(said(900, 2), currency="EUR", organisation_id="org_1"))
    assert told(ledger)[-1] == "membership.granted"


def test_a_plan_that_no_product_lists_is_a_product_of_its_own() -> None:
    ledger = recorded(RUNS, 1, FOR_A_MONTH)
    ((_, found),) = ledger.entitlements.items()
    assert (found.product, found.state) == ("price_1", EntitlementState.GRANTED)
    ledger.products = {"org_1": (GOLD,)}
    ledger.turn()
    by_product = {it.product: shown(it) for it in ledger.entitlements.values()}
    assert by_product == {"price_1": ("revoked", "replaced", None), "gold": ("granted", "paid", 30)}


def test_a_merchants_word_goes_before_the_plan() -> None:
    named = replace(RUNS[0], detail={**RUNS[0].detail, "product": "platinum"})
    ((_, found),) = recorded((named,), 1).entitlements.items()
    assert found.product == "platinum"


def test_the_best_of_two_ways_to_a_product_counts() -> None:
    other = replace(RUNS[0], aggregate="sub_2", at_ms=day(1), detail={**RUNS[0].detail, "status": "past_due"})
    for order in permutations((*RUNS, other)):
        (found,) = recorded(order, 2).entitlements.values()
        assert shown(found) == ("granted", "paid", 30)


def test_a_customer_without_an_id_goes_by_e_mail_and_takes_all_along_when_the_id_comes() -> None:
    plain = {"customer_email": "Pat@Example.com", "product": "pass"}
    sale = replace(BOUGHT[0], detail=plain)
    named = on(fact(Kind.CAPTURED, "ch_1", 900, aggregate="pi_1", currency="EUR", detail={"customer_id": "cus_9"}), 1)
    for order in permutations((sale, named)):
        ledger = recorded(order, 2)
        allowed = [it.customer for it in ledger.entitlements.values() if it.allowed]
        assert allowed == ["cus_9"]
    assert holder({"email": "A@B.C"}) == "a@b.c"
    assert holder({}) == ""


def test_two_payments_that_turn_out_to_be_one_grant_once() -> None:
    one = fact(Kind.CAPTURED, "ch_1", 900, aggregate="ch_1", currency="EUR", detail=dict(BOUGHT[0].detail))
    other = replace(BOUGHT[0], aggregate="pi_9", ref="ch_1")
    link = fact(Kind.LINK, "ch_1", aggregate="pi_9", detail={"type": "charge"})
    for order in permutations((on(one, 0), other, on(link, 0))):
        ledger = recorded(order, 3)
        (found,) = ledger.entitlements.values()
        assert shown(found) == ("granted", "paid", 30)
        assert len(ledger.grants) == 1


@pytest.mark.parametrize("seed", range(300))
def test_any_history_in_any_order_and_batches_comes_to_the_same(seed: int) -> None:
    chance = Random(seed)
    names = chance.sample(sorted(TABLE), 3)
    facts = [told for name in names for told in TABLE[name][0]]
    at_day = chance.randrange(80)
    ends = set()
    for _ in range(3):
        order = [*facts, *chance.choices(facts, k=3)]
        chance.shuffle(order)
        ledger = recorded(order, at_day)
        standing = [it for it in ledger.entitlements.values() if it.reason is not Reason.REPLACED]
        ends.add(tuple(sorted((it.product, it.customer, *map(str, shown(it))) for it in standing)))
        events = [it.event_id for it in ledger.messages]
        assert len(events) == len(set(events))
    assert len(ends) == 1
