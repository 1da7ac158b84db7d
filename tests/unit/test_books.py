"""The ledger as beancount and CSV: beancount's own checker accepts it and adds it up to the same balances."""

import csv
import io
from collections import Counter
from decimal import Decimal

import pytest
from beancount import loader
from beancount.core import realization

from paybell.cli.books import account_name, beancount, csv_lines
from paybell.gateways.kit import accounts
from paybell.model.account import PayoutStatus
from paybell.model.fact import Kind
from paybell.model.ledger import Account, Posting
from paybell.model.money import to_major
from paybell.record.ledger import entries, postings
from paybell.testing.builders import fact, payment
from paybell.testing.fake_clock import START_MS
from tests.unit.expecting import expected

SOURCES = {"src_00000000000000000000000000000001": "stripe-live", "src_00000000000000000000000000000002": 'ünfit "uid"'}


def traded() -> list[Posting]:
    """Sales, a correction, refunds, a fee, a lost dispute and a returned payout: two sources, three currencies."""
    found: list[Posting] = []
    for number, source_id in enumerate(SOURCES):
        for currency in ("USD", "JPY", "KWD"):
            facts = [
                fact(Kind.CAPTURED, "ch_1", 12_345, currency=currency, detail={"order_id": "o_1"}),
                expected(12_000, currency=currency),
                fact(Kind.CAPTURED_TOTAL, "", 20_000, currency=currency),
                fact(Kind.REFUND_SUCCEEDED, 're "1"', 345, 86_400, currency=currency),
                fact(Kind.FEE, "ch_1", 118, 5, currency=currency, detail={"tax_minor": "18"}),
                fact(Kind.DISPUTE_STATUS, "dp_1", 1_000, 9, currency=currency, detail={"status": "lost"}),
            ]
            own = payment(id=f"pay_{number}{currency}", source_id=source_id)
            first = postings(entries(facts), [], own, time="0" * 12, posted_at_ms=1)
            more = [*facts, fact(Kind.CAPTURED, "ch_2", 7_655, currency=currency)]
            found += [*first, *postings(entries(more), first, own, time="1" * 12, posted_at_ms=2)]
            sent = accounts.payout("po_1", PayoutStatus.PAID, at_ms=START_MS, money=(9_000, currency))
            back = accounts.payout("po_1", PayoutStatus.FAILED, at_ms=START_MS, money=(9_000, currency))
            payout = payment(id=f"po_{number}{currency}", source_id=source_id)
            arrived = postings(entries([sent]), [], payout, time="0" * 12, posted_at_ms=3)
            found += [*arrived, *(postings(entries([sent, back]), arrived, payout, time="1" * 12, posted_at_ms=4))]
    return found


def balances(found: list[Posting]) -> dict[tuple[str, str], Decimal]:
    sums: Counter[tuple[str, str]] = Counter()
    for it in found:
        sums[account_name(it.debit, it, SOURCES), it.currency] += it.amount_minor
        sums[account_name(it.credit, it, SOURCES), it.currency] -= it.amount_minor
    return {key: to_major(minor, key[1]) for key, minor in sums.items() if minor}


@pytest.mark.filterwarnings("ignore")  # what other people's code is warned of
def test_beancount_accepts_the_export_and_has_our_balances() -> None:
    found = traded()
    directives, errors, _ = loader.load_string("\n".join(beancount(found, SOURCES)))
    assert errors == []
    theirs = {
        (account.account, position.units.currency): position.units.number
        for account in realization.iter_children(realization.realize(directives))
        for position in account.balance
    }
    assert theirs == balances(found)


@pytest.mark.filterwarnings("ignore")
def test_beancount_finds_a_ledger_that_was_tampered_with() -> None:
    text = "\n".join(beancount(traded(), SOURCES)).replace("  -123.45 USD", "  -123.44 USD", 1)
    _, errors, _ = loader.load_string(text)
    assert errors


def test_an_empty_ledger_is_a_file_too() -> None:
    assert list(beancount([], {})) == ['option "title" "Paybell"', ""]


@pytest.mark.parametrize(
    ("uid", "named"),
    [
        ("stripe-live", "Stripe-live"),
        ("", "Source"),
        ("___", "Source"),
        ("9a", "9a"),
        ("a_b.c", "A-b-c"),
        ("é", "Source"),
    ],
)
def test_accounts_have_names_that_beancount_takes(uid: str, named: str) -> None:
    posting = traded()[0]
    assert account_name(Account.DISPUTES_RECEIVABLE, posting, {posting.source_id: uid}) == (
        f"Assets:{named}-00000001:DisputesReceivable"
    )


def test_csv_says_the_same_and_no_cell_is_a_formula() -> None:
    found = traded()
    text = "\n".join(csv_lines([*found[:1]], {found[0].source_id: "=cmd|' /C calc'!A0"}))
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["source"].startswith("'=")
    assert (row["debit"], row["credit"], row["amount"], row["amountMinor"], row["currency"]) == (
        "clearing",
        "sales",
        "123.45",
        "12345",
        "USD",
    )
    everything = list(csv.DictReader(io.StringIO("\n".join(csv_lines(found, SOURCES)))))
    assert [it["id"] for it in everything] == [it.id for it in found]
