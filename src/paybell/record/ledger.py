"""What the facts of a payment, or of a payout, say should be booked, and what must be posted so that it is. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.model.account import AccountItem
from paybell.model.fact import Fact, Kind
from paybell.model.ledger import Account, Entry, EntryKey, EntryKind, Line, Posting
from paybell.model.payment import DisputeStatus, Payment
from paybell.record.projection import dispute_status, expected, is_other_currency

REST: Final = "the rest"
"""The ref of what a running total says beyond the operations that are known; with a space, as no gateway's id has."""

_DIGITS_MAX: Final = 18
_PAYOUT_ENDS: Final = (Kind.PAYOUT_CANCELED, Kind.PAYOUT_FAILED)
_PAYOUT_KINDS: Final = (Kind.PAYOUT_CREATED, Kind.PAYOUT_PAID, *_PAYOUT_ENDS)
Entries = Mapping[EntryKey, Entry]
Owner = Payment | AccountItem
"""Whose postings they are."""


class _Sum(Struct, frozen=True):
    """What several facts say of one operation: the largest amount, and the newest time."""

    amount_minor: int
    currency: str
    at_ms: int


def entries(facts: Iterable[Fact]) -> Entries:
    """What should stand in the ledger, whatever order the facts came in."""
    by_kind: dict[Kind, dict[str, list[Fact]]] = {}
    for fact in facts:
        by_kind.setdefault(fact.kind, {}).setdefault(fact.ref, []).append(fact)
    found = {**_captures(by_kind), **_refunds(by_kind), **_disputes(by_kind), **_fees(by_kind)}
    if Kind.EXPECTED in by_kind:
        found |= _overpaid(by_kind, found)
    if any(kind in by_kind for kind in _PAYOUT_KINDS):
        found |= _payout(by_kind)
    return {key: entry for key, entry in found.items() if entry.lines}


def postings(
    wanted: Entries, posted: Sequence[Posting], owner: Owner, *, time: str, posted_at_ms: int
) -> tuple[Posting, ...]:
    """Post what is missing; reverse what is otherwise, and post it anew. ``time`` begins the new ids."""
    book = _Book(posted, owner, time, posted_at_ms)
    for key in sorted({*wanted, *book.standing}):
        book.settle(key, wanted.get(key))
    return tuple(book.new)


def misposted(facts: Iterable[Fact], posted: Sequence[Posting]) -> str:
    """Why the postings of a payment are not what its facts ask for; '' when they are."""
    wanted, standing = entries(facts), standing_of(posted)
    for key in sorted({*wanted, *standing}):
        entry = wanted.get(key)
        if _says(standing.get(key, ())) != (((), "") if entry is None else (entry.lines, entry.currency)):
            return f"its entry {key.kind} {key.ref} is not what its facts ask for"
    return ""


def standing_of(posted: Sequence[Posting]) -> dict[EntryKey, tuple[Posting, ...]]:
    """The lines of each entry that are not reversed."""
    standing: dict[EntryKey, tuple[Posting, ...]] = {}
    for posting in sorted(posted, key=lambda it: (it.no, it.reversal, it.line_no)):
        key = EntryKey(posting.kind, posting.ref)
        if posting.reversal:
            standing.pop(key, None)
        else:
            standing[key] = (*standing.get(key, ()), posting)
    return standing


class _Book:
    """What stands in the ledger of one payment, and what is to be written."""

    def __init__(self, posted: Sequence[Posting], owner: Owner, time: str, posted_at_ms: int) -> None:
        self._owner = owner
        self._time = time
        self._posted_at_ms = posted_at_ms
        self._last_no: dict[EntryKey, int] = {}
        for posting in posted:
            key = EntryKey(posting.kind, posting.ref)
            self._last_no[key] = max(posting.no, self._last_no.get(key, 0))
        self.standing = standing_of(posted)
        self.new: list[Posting] = []

    def settle(self, key: EntryKey, wanted: Entry | None) -> None:
        standing = self.standing.get(key, ())
        if wanted is not None and _says(standing) == (wanted.lines, wanted.currency):
            return
        self.new += [self._reversal(posting) for posting in standing]
        if wanted is not None:
            self.new += self._entry(key, wanted)

    def _entry(self, key: EntryKey, wanted: Entry) -> list[Posting]:
        no = self._last_no.get(key, 0) + 1
        return [
            Posting(
                id=self._id(key, no, line_no, reversal=False),
                organisation_id=self._owner.organisation_id,
                source_id=self._owner.source_id,
                payment_id=self._owner.id,
                kind=key.kind,
                ref=key.ref,
                no=no,
                line_no=line_no,
                reversal=False,
                debit=line.debit,
                credit=line.credit,
                amount_minor=line.amount_minor,
                currency=wanted.currency,
                at_ms=wanted.at_ms,
                posted_at_ms=self._posted_at_ms,
            )
            for line_no, line in enumerate(wanted.lines, 1)
        ]

    def _reversal(self, posting: Posting) -> Posting:
        key = EntryKey(posting.kind, posting.ref)
        return replace(
            posting,
            id=self._id(key, posting.no, posting.line_no, reversal=True),
            reversal=True,
            debit=posting.credit,
            credit=posting.debit,
            posted_at_ms=self._posted_at_ms,
        )

    def _id(self, key: EntryKey, no: int, line_no: int, *, reversal: bool) -> str:
        """The same log gives the same ids."""
        parts = (self._owner.id, key.kind, key.ref, str(no), str(line_no), str(reversal))
        digest = blake2b("\0".join(parts).encode(), digest_size=10).hexdigest()
        return f"pst_{self._time}{digest}"


def _says(standing: Sequence[Posting]) -> tuple[tuple[Line, ...], str]:
    lines = tuple(Line(it.debit, it.credit, it.amount_minor) for it in standing)
    return lines, standing[0].currency if standing else ""


_SIGNS: Final = {EntryKind.CAPTURED: 1, EntryKind.REVERSED: -1}
_ByKind = Mapping[Kind, Mapping[str, Sequence[Fact]]]
_Found = dict[EntryKey, Entry]


def _captures(by_kind: _ByKind) -> _Found:
    """Sales; what the bank took back; and what only a running total tells of."""
    captured = _sums(by_kind, Kind.CAPTURED)
    found = {EntryKey(EntryKind.CAPTURED, ref): _sale(it) for ref, it in captured.items()}
    for ref in by_kind.get(Kind.CAPTURE_REVERSED, {}):
        if ref in captured:
            found[EntryKey(EntryKind.REVERSED, ref)] = _moved(captured[ref], Account.SALES, Account.CLEARING)
    rest = _rest(by_kind, Kind.CAPTURED_TOTAL, sum(it.amount_minor for it in captured.values()))
    if rest is not None:
        found[EntryKey(EntryKind.CAPTURED, REST)] = _sale(rest)
    return found


def _overpaid(by_kind: _ByKind, found: _Found) -> _Found:
    """What was captured, and stayed, beyond what was expected is owed, not sold."""
    flat = {kind: [fact for facts in of_kind.values() for fact in facts] for kind, of_kind in by_kind.items()}
    wish = expected(fact for facts in flat.values() for fact in facts)
    if wish is None or is_other_currency(flat, wish):
        return {}
    booked = {key: entry for key, entry in found.items() if key.kind in _SIGNS}
    captured = sum(_SIGNS[key.kind] * line.amount_minor for key, it in booked.items() for line in it.lines)
    at_ms = max((entry.at_ms for entry in booked.values()), default=0)
    excess = _Sum(captured - (wish.amount_minor or 0), wish.currency, at_ms)
    return {EntryKey(EntryKind.OVERPAID, wish.ref): _moved(excess, Account.SALES, Account.OVERPAYMENTS)}


def _refunds(by_kind: _ByKind) -> _Found:
    """A refund that failed after it went through comes back; one that only failed never left."""
    told = [by_kind.get(kind, {}) for kind in (Kind.REFUND_PENDING, Kind.REFUND_SUCCEEDED, Kind.REFUND_FAILED)]
    _, succeeded, failed = told
    listed = {ref: _sum([fact for them in told for fact in them.get(ref, ())]) for ref in set().union(*told)}
    found = {
        EntryKey(EntryKind.REFUND, ref): _moved(listed[ref], Account.REFUNDS, Account.CLEARING) for ref in succeeded
    }
    for ref in failed.keys() & succeeded.keys():
        found[EntryKey(EntryKind.REFUND_FAILED, ref)] = _moved(listed[ref], Account.CLEARING, Account.REFUNDS)
    rest = _rest(by_kind, Kind.REFUNDED_TOTAL, sum(it.amount_minor for it in listed.values()))
    if rest is not None:
        found[EntryKey(EntryKind.REFUND, REST)] = _moved(rest, Account.REFUNDS, Account.CLEARING)
    return found


def _disputes(by_kind: _ByKind) -> _Found:
    """Money that was taken until it is decided, and what the decision made of it."""
    given_back, lost = _sums(by_kind, Kind.DISPUTE_REINSTATED), _lost(by_kind)
    taken = lost | _sums(by_kind, Kind.DISPUTE_WITHDRAWN)  # what was lost had been taken
    for ref, it in given_back.items():  # and what came back, too
        taken[ref] = max(taken.get(ref, it), it, key=lambda each: each.amount_minor)
    found: _Found = {}
    for ref, it in taken.items():
        found[EntryKey(EntryKind.DISPUTE, ref)] = _moved(it, Account.DISPUTES_RECEIVABLE, Account.CLEARING)
    for ref, it in given_back.items():
        if ref in lost and it.at_ms <= lost[ref].at_ms:
            continue  # a second stage took it again
        found[EntryKey(EntryKind.DISPUTE_WON, ref)] = _moved(it, Account.CLEARING, Account.DISPUTES_RECEIVABLE)
    for ref, it in lost.items():
        back = given_back[ref].amount_minor if EntryKey(EntryKind.DISPUTE_WON, ref) in found else 0
        gone = replace(taken[ref], amount_minor=taken[ref].amount_minor - back, at_ms=it.at_ms)
        found[EntryKey(EntryKind.DISPUTE_LOST, ref)] = _moved(
            gone, Account.CHARGEBACK_LOSSES, Account.DISPUTES_RECEIVABLE
        )
    return found


def _lost(by_kind: _ByKind) -> dict[str, _Sum]:
    """What each lost dispute is about, and when that was decided."""
    found: dict[str, _Sum] = {}
    for ref, facts in by_kind.get(Kind.DISPUTE_STATUS, {}).items():
        if dispute_status(facts) is DisputeStatus.LOST:
            decided = max(fact.at_ms for fact in facts if fact.detail.get("status") == DisputeStatus.LOST)
            found[ref] = replace(_sum(facts), at_ms=decided)
    return found


def _fees(by_kind: _ByKind) -> _Found:
    """What the gateway kept; the tax in it is another account's."""
    found: _Found = {}
    for ref, facts in by_kind.get(Kind.FEE, {}).items():
        largest = max(facts, key=_rank)
        amount = largest.amount_minor or 0
        tax = max(0, min(_whole(largest.detail.get("tax_minor", "")), amount))
        account = Account.DISPUTE_FEES if largest.detail.get("of") == "dispute" else Account.FEES
        amounts = ((account, amount - tax), (Account.TAX_RECOVERABLE, tax))
        lines = tuple(Line(debit, Account.CLEARING, part) for debit, part in amounts if part > 0)
        found[EntryKey(EntryKind.FEE, ref)] = Entry(lines, largest.currency, largest.at_ms)
    return found


def _payout(by_kind: _ByKind) -> _Found:
    """Money on its way to the bank, arrived, or come back from wherever it was."""
    told = [fact for kind in _PAYOUT_KINDS for facts in by_kind.get(kind, {}).values() for fact in facts]
    whole, ref = _sum(told), told[0].aggregate
    paid = by_kind.get(Kind.PAYOUT_PAID, {}).get("", ())
    back = [fact for kind in _PAYOUT_ENDS for fact in by_kind.get(kind, {}).get("", ())]
    sent = replace(whole, at_ms=min(fact.at_ms for fact in told))
    found = {EntryKey(EntryKind.PAYOUT, ref): _moved(sent, Account.PAYOUT_IN_TRANSIT, Account.CLEARING)}
    if paid:
        arrived = replace(whole, at_ms=max(fact.at_ms for fact in paid))
        found[EntryKey(EntryKind.PAYOUT_PAID, ref)] = _moved(arrived, Account.BANK, Account.PAYOUT_IN_TRANSIT)
    if back:
        returned = replace(whole, at_ms=max(fact.at_ms for fact in back))
        place = Account.BANK if paid else Account.PAYOUT_IN_TRANSIT
        found[EntryKey(EntryKind.PAYOUT_FAILED, ref)] = _moved(returned, Account.CLEARING, place)
    return found


def _sums(by_kind: _ByKind, kind: Kind) -> dict[str, _Sum]:
    return {ref: _sum(facts) for ref, facts in by_kind.get(kind, {}).items()}


def _sum(facts: Sequence[Fact]) -> _Sum:
    """The largest amount counts, as in the projection."""
    largest = max(facts, key=_rank) if len(facts) > 1 else facts[0]  # one is the rule, and a rank takes its time
    return _Sum(largest.amount_minor or 0, largest.currency, max(fact.at_ms for fact in facts))


def _rank(fact: Fact) -> tuple[object, ...]:
    """The largest amount first; then the newest, then by content, so that a tie does not go by arrival."""
    return (fact.amount_minor or 0, fact.at_ms, fact.currency, sorted(fact.detail.items()))


def _rest(by_kind: _ByKind, kind: Kind, listed_minor: int) -> _Sum | None:
    totals = _sums(by_kind, kind)
    if not totals:
        return None
    total = max(totals.values(), key=lambda it: it.amount_minor)
    return replace(total, amount_minor=total.amount_minor - listed_minor)


def _sale(it: _Sum) -> Entry:
    return _moved(it, Account.CLEARING, Account.SALES)


def _moved(it: _Sum, debit: Account, credit: Account) -> Entry:
    """Nothing where there is no amount: an entry without lines is none."""
    lines = (Line(debit, credit, it.amount_minor),) if it.amount_minor > 0 else ()
    return Entry(lines, it.currency, it.at_ms)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else 0
