"""What a payment's postings come to, and what must hold of them whatever happened."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from paybell.model.fact import Fact
from paybell.model.ledger import Account, Posting
from paybell.model.payment import Match, PaymentState
from paybell.record.ledger import entries, misposted, standing_of

Lines = tuple[tuple[str, str, int], ...]
Standing = Mapping[tuple[str, str], Lines]
"""(kind, ref) -> its lines (debit, credit, amount)."""


def wanted(facts: Iterable[Fact]) -> Standing:
    """What the facts ask for, in plain words."""
    return {
        (str(key.kind), key.ref): tuple((str(it.debit), str(it.credit), it.amount_minor) for it in entry.lines)
        for key, entry in entries(facts).items()
    }


def standing(posted: Sequence[Posting]) -> Standing:
    """What is booked and not reversed, in plain words."""
    return {
        (str(key.kind), key.ref): tuple((str(it.debit), str(it.credit), it.amount_minor) for it in lines)
        for key, lines in standing_of(posted).items()
    }


def balances(posted: Iterable[Posting]) -> Mapping[Account, int]:
    """Debits less credits of every account that has any; currencies must not be mixed."""
    sums: Counter[Account] = Counter()
    for it in posted:
        sums[it.debit] += it.amount_minor
        sums[it.credit] -= it.amount_minor
    return {account: amount for account, amount in sums.items() if amount}


def wrong(facts: Collection[Fact], posted: Sequence[Posting], state: PaymentState) -> str:
    """Why the books of one payment in one currency are not what they should be; '' when they are."""
    sums = balances(posted)
    says = {
        "its postings do not balance": sum(sums.values()) != 0,
        "a posting is not from one account to another, or moves nothing": any(
            it.debit is it.credit or it.amount_minor <= 0 or type(it.amount_minor) is not int for it in posted
        ),
        "two postings have one id": len({it.id for it in posted}) != len(posted),
        "its sales are not what was captured": -sums.get(Account.SALES, 0) - sums.get(Account.OVERPAYMENTS, 0)
        != state.captured_minor,
        "what was overpaid is not owed": -sums.get(Account.OVERPAYMENTS, 0)
        != (state.captured_minor - state.expected_minor if state.match is Match.OVERPAID else 0),
        "its refunds are not what was refunded": sums.get(Account.REFUNDS, 0) != state.refunded_minor,
        "money is held back that nobody took": sums.get(Account.DISPUTES_RECEIVABLE, 0) < 0,
        "its entries are not what its facts ask for": standing(posted) != wanted(facts),
        misposted(facts, posted): misposted(facts, posted) != "",
    }
    return "; ".join(what for what, is_so in says.items() if is_so)
