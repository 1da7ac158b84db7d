"""The ledger in the database: refused to be edited, written once whatever happens, and nobody else's."""

import asyncio
from collections.abc import Mapping

import apsw
import asyncpg
import pytest

from paybell.model.fact import Kind
from paybell.model.ledger import Account, Balance, Posting
from paybell.ports import Page, PageQuery, Reading
from paybell.testing.builders import appending, fact, notification, source
from tests.contract.archives import alter, verified
from tests.contract.ledger_world import arrive, everything, rows_of, told
from tests.contract.stores import Place, SqlitePlace, World, run

PAID = fact(Kind.CAPTURED, "ch_1", 10_000, 2)
FEE = fact(Kind.FEE, "ch_1", 118, 3, detail={"tax_minor": "18"})
REFUND = fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 4)
OF_ANOTHER = fact(Kind.CAPTURED, "ch_9", 500, 5, aggregate="pi_2", currency="EUR")
REFUSED = (apsw.ConstraintError, asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError)


async def paid(world: World) -> None:
    """Two payments of two currencies, one with a fee and a refund."""
    await arrive(world, 1, 2, 3)
    await world.record([told(world, 1, PAID, FEE), told(world, 2, REFUND), told(world, 3, OF_ANOTHER)])


async def page(
    world: World, filters: Mapping[str, str] | None = None, organisation_id: str = "", limit: int = 50, after: str = ""
) -> Page[Posting]:
    mine = organisation_id or world.organisation.id
    query = PageQuery(organisation_id=mine, limit=limit, iterator=after, filters=filters or {})
    return await world.store.posting_page(query)


# ---- what the database refuses


def statements(place: Place) -> dict[str, str]:
    """What nobody may do to postings, and the database's answer."""
    several = {
        "UPDATE postings SET amount_minor = amount_minor + 1": "never edited",
        "UPDATE postings SET posted_at_ms = 0 WHERE kind = 'fee'": "never edited",
        "DELETE FROM postings": "deleted: reverse it",
        "DELETE FROM postings WHERE kind = 'refund'": "deleted: reverse it",
    }
    if isinstance(place, SqlitePlace):
        return several | {"INSERT OR REPLACE INTO postings SELECT * FROM postings": "never edited"}
    return several | {"TRUNCATE postings": "deleted: reverse it"}


def test_a_posting_is_never_edited_and_never_deleted(place: Place) -> None:
    run(place, paid)
    before = everything(place)
    for statement, answer in statements(place).items():
        with pytest.raises(REFUSED, match=answer):
            alter(place, statement)
    assert everything(place) == before


COLUMNS = (
    "id",
    "organisation_id",
    "source_id",
    "payment_id",
    "kind",
    "ref",
    "no",
    "line_no",
    "reversal",
    "debit",
    "credit",
    "amount_minor",
    "currency",
    "at_ms",
    "posted_at_ms",
)
WRONG = {
    "moves nothing": {"amount_minor": "0"},
    "moves less than nothing": {"amount_minor": "-10000"},
    "moves what is no number": {"amount_minor": "NULL"},
    "comes from where it goes": {"debit": "credit"},
    "goes to no account": {"debit": "'petty_cash'"},
    "comes from no account": {"credit": "''"},
    "has only a credit": {"debit": "NULL"},
    "has only a debit": {"credit": "NULL"},
    "books what there is not": {"kind": "'gift'"},
    "has no number": {"no": "0"},
    "has no line": {"line_no": "0"},
    "is half a reversal": {"reversal": "2"},
    "is in no currency": {"currency": "''"},
    "is there already under another id": {"no": "no"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_posting_is_refused_that(place: Place, name: str) -> None:
    run(place, paid)
    before = everything(place)
    changes = {"id": "'pst_x'", "no": "no + 1"} | WRONG[name]
    with pytest.raises(REFUSED):
        alter(place, copy(changes, "kind = 'refund'"))
    assert everything(place) == before
    alter(place, copy({"id": "'pst_x'", "no": "no + 1"}, "kind = 'refund'"))  # all else was right


def copy(changes: Mapping[str, str], which: str) -> str:
    """The statement that posts some lines once more, changed."""
    values = ", ".join(changes.get(column, column) for column in COLUMNS)
    return f"INSERT INTO postings SELECT {values} FROM postings WHERE {which}"  # noqa: S608 - our own words


def test_no_group_of_postings_can_fail_to_balance(place: Place) -> None:
    """Whatever rows the database takes, each is out of one account into another."""
    run(place, paid)
    alter(place, copy({"id": "'x' || id", "no": "no + 7"}, "line_no = 1"))
    (found,) = rows_of(place, "SELECT count(*), count(debit), count(credit), count(amount_minor) FROM postings")
    assert len(set(found)) == 1


# ---- written once


def test_what_is_recorded_twice_or_replayed_is_posted_once(place: Place) -> None:
    counts: list[int] = []

    async def scenario(world: World) -> None:
        await paid(world)
        await paid(world)
        for number in (1, 2, 3):
            await world.store.notification_replay(
                world.organisation.id, notification(number).id, now_ms=world.clock.now_ms()
            )
        await world.record([told(world, 3, OF_ANOTHER), told(world, 2, REFUND), told(world, 1, PAID, FEE)])
        await arrive(world, 4)
        await world.record([told(world, 4, PAID, FEE, REFUND)])  # another notification says it all again
        counts.append(len((await page(world)).data))

    run(place, scenario)
    assert counts == [5]
    assert verified(place).defect_count == 0


def test_many_recorders_of_one_payment_post_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        numbers = range(1, 21)
        await arrive(world, *numbers)
        await asyncio.gather(
            *(
                world.record(
                    [
                        told(
                            world,
                            number,
                            PAID,
                            fact(Kind.CAPTURED_TOTAL, "", 10_000 + 500 * number, 4),
                            fact(Kind.CAPTURED, f"more_{number}", 500, 3),
                        )
                    ]
                )
                for number in numbers
            )
        )
        sums = {it.account: it.balance_minor for it in await world.store.ledger_balances(world.organisation.id)}
        assert sums == {Account.CLEARING: 20_000, Account.SALES: -20_000}

    run(place, scenario)
    assert verified(place).defect_count == 0


def test_a_correction_is_a_reversal_and_a_new_number(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)
        await world.record([told(world, 1, fact(Kind.CAPTURED_TOTAL, "", 10_000, 1))])
        world.clock.advance(60)
        await world.record([told(world, 2, fact(Kind.CAPTURED, "cap_1", 4_000, 1))])
        lines = sorted(
            ((it.ref, it.no, it.reversal, it.amount_minor) for it in (await page(world)).data), key=lambda it: it[:3]
        )
        assert lines == [
            ("cap_1", 1, False, 4_000),
            ("the rest", 1, False, 10_000),
            ("the rest", 1, True, 10_000),
            ("the rest", 2, False, 6_000),
        ]

    run(place, scenario)
    assert verified(place).defect_count == 0


# ---- looked at


def test_postings_are_found_by_every_filter_and_by_nobody_else(place: Place) -> None:
    async def scenario(world: World) -> None:
        await paid(world)
        payments = (await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))).data
        ids = {it.gateway_payment_id: it.id for it in payments}
        found = {
            "payment_id": (ids["pi_1"], 4),
            "source_id": ("src_1", 5),
            "currency": ("EUR", 1),
            "account": ("sales", 2),
        }
        for name, (value, count) in found.items():
            assert len((await page(world, {name: value})).data) == count, name
            assert (await page(world, {name: "nothing"})).data == ()
            assert (await page(world, {name: value}, "org_other")).data == ()
        assert len((await page(world, {"account": "clearing"})).data) == 5  # either side
        all_of_them = {"payment_id": ids["pi_1"], "account": "tax_recoverable", "currency": "USD", "source_id": "src_1"}
        both = await page(world, all_of_them)
        assert [(it.kind, it.line_no, it.amount_minor) for it in both.data] == [("fee", 2, 18)]
        assert (await page(world, {"payment_id": ids["pi_2"], "currency": "USD"})).data == ()

    run(place, scenario)


@pytest.mark.parametrize("of_payment", [False, True])
def test_pages_hold_every_posting_once_newest_first(place: Place, *, of_payment: bool) -> None:
    async def scenario(world: World) -> None:
        await paid(world)
        payments = (await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))).data
        chosen = {"payment_id": payments[-1].id} if of_payment else {}
        whole = [it.id for it in (await page(world, chosen)).data]
        ids: list[str] = []
        while True:
            part = await page(world, chosen, limit=2, after=ids[-1] if ids else "")
            ids += [it.id for it in part.data]
            if part.done:
                break
            assert len(part.data) == 2
        assert ids == whole == sorted(whole, reverse=True)
        assert len(ids) == (4 if of_payment else 5)

    run(place, scenario)


def test_balances_are_the_sums_by_account_source_and_currency(place: Place) -> None:
    async def scenario(world: World) -> None:
        await paid(world)
        found = await world.store.ledger_balances(world.organisation.id)
        assert [(it.currency, it.account, it.debit_minor, it.credit_minor) for it in found] == [
            ("EUR", Account.CLEARING, 500, 0),
            ("EUR", Account.SALES, 0, 500),
            ("USD", Account.CLEARING, 10_000, 3_118),
            ("USD", Account.FEES, 100, 0),
            ("USD", Account.REFUNDS, 3_000, 0),
            ("USD", Account.SALES, 0, 10_000),
            ("USD", Account.TAX_RECOVERABLE, 18, 0),
        ]
        assert {it.source_id for it in found} == {"src_1"}

    run(place, scenario)


def test_very_large_sums_are_exact(place: Place) -> None:
    async def scenario(world: World) -> None:
        most = 10**15
        await arrive(world, 1)
        captures = [fact(Kind.CAPTURED, f"ch_{number}", most, 2) for number in range(200)]
        await world.record([told(world, 1, *captures)])
        sums = [it.balance_minor for it in await world.store.ledger_balances(world.organisation.id)]
        assert sums == [200 * most, -200 * most]

    run(place, scenario)


def test_organisations_do_not_see_each_other_s(place: Place) -> None:
    sums: dict[str, tuple[Balance, ...]] = {}

    async def scenario(world: World) -> None:
        await paid(world)
        theirs = "INSERT INTO organisations (id, name, created_at_ms) VALUES ('org_z', 'Theirs', 7)"
        await asyncio.to_thread(alter, place, theirs)
        other = source(id="src_2", organisation_id="org_z", uid="theirs")
        await world.store.source_create(other)
        kept = notification(9, organisation_id="org_z", source_id=other.id)
        await world.store.notification_append(appending(kept))
        parsed = told(world, 9, PAID).parsed
        await world.record([Reading(notification=kept, source=other, parsed=parsed)])
        for organisation_id in (world.organisation.id, "org_z"):
            sums[organisation_id] = await world.store.ledger_balances(organisation_id)
            seen = (await page(world, organisation_id=organisation_id)).data
            assert {it.organisation_id for it in seen} == {organisation_id}
            assert len(seen) == (1 if organisation_id == "org_z" else 5)
        (one,) = (await page(world, organisation_id="org_z")).data
        assert (await page(world, {"payment_id": one.payment_id})).data == ()
        assert (await page(world, {"source_id": "src_2"})).data == ()

    run(place, scenario)
    assert [(it.account, it.balance_minor) for it in sums["org_z"]] == [("clearing", 10_000), ("sales", -10_000)]
