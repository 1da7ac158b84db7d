"""Fold payments and account items again from their facts, perhaps from facts that were derived anew. Pure.

The ledger gets what the facts ask for, entitlements are computed anew. A book without endpoints tells nobody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.model.account import AccountItem
from paybell.model.alias import ids_in, ids_of
from paybell.model.fact import Fact, Kind, Subject, subject_of
from paybell.model.payment import Payment
from paybell.ports import AliasNew, Book, Changes, FactDrop, Facts, Known, KnownItem, NewFact, Route
from paybell.record.account_messages import item_data, item_transitions
from paybell.record.accounts import project_item
from paybell.record.draft import Draft, News
from paybell.record.grants import grant_of_item, grant_of_payment
from paybell.record.ledger import entries
from paybell.record.members import Members
from paybell.record.messages import told_data, transitions
from paybell.record.projection import project

Rederived = Mapping[str, Facts]
"""What notifications say now, by their ids; of those that are not in it, what they said counts still."""
NOTHING: Final[Rederived] = {}
ALONE: Final = "nothing says it any more: left as it is"


class Difference(Struct, frozen=True, kw_only=True):
    """What is not as its facts add up to: fields of its state, missing postings, facts that changed."""

    payment_id: str
    gateway_payment_id: str
    fields: tuple[str, ...]
    posting_count: int
    added_count: int = 0
    dropped_count: int = 0


class _Again(Struct, frozen=True):
    """The facts of one subject as they should be, and how they differ from those that are stored."""

    facts: Facts
    new: Sequence[tuple[bytes, Fact, str]] = ()
    dropped: Sequence[bytes] = ()
    alone: bool = False


def rebuild(book: Book, *, route: Route, now_ms: int, rederived: Rederived = NOTHING) -> Changes:
    """All in the book as it should be; only what is otherwise is in the changes."""
    draft = Draft(book, route, now_ms)
    draft.again = f"{now_ms:x}"
    members = Members(book, draft)
    time = f"{now_ms:012x}"
    payments = [(it, _of_payment(it, book, rederived)) for it in _each(book)]
    items = [(it, _of_item(it, book, rederived)) for it in book.items.values() if it.facts]
    new_payments = [_payment_again(it, again, draft, time) for it, again in payments]
    new_items = [_item_again(it, again, draft, time) for it, again in items]
    members.settle(time)
    subjects = [(it.payment.id, again) for it, again in payments] + [(it.item.id, again) for it, again in items]
    return Changes(
        now_ms=now_ms,
        aliases=tuple(
            it for known, after in zip(payments, new_payments, strict=True) for it in _aliases(known[0], after)
        ),
        facts=tuple(NewFact(subject_id, *it) for subject_id, again in subjects for it in again.new),
        dropped=tuple(FactDrop(subject_id, it) for subject_id, again in subjects for it in again.dropped),
        payments=tuple(after for (it, _), after in zip(payments, new_payments, strict=True) if after != it.payment),
        items=tuple(after for (it, _), after in zip(items, new_items, strict=True) if after != it.item),
        grants=members.grants(),
        entitlements=members.changed(),
        postings=tuple(draft.postings),
        messages=tuple(draft.messages),
        deliveries=tuple(draft.deliveries),
    )


def differences(book: Book, changes: Changes) -> list[Difference]:
    """What the changes put right, subject by subject; what is new altogether has the field ``new``."""
    before: dict[str, Payment | AccountItem] = {known.payment.id: known.payment for known in book.known.values()}
    before |= {known.item.id: known.item for known in book.items.values()}
    after: dict[str, Payment | AccountItem] = {it.id: it for it in changes.payments}
    after |= {it.id: it for it in changes.items}
    touched = {*after, *(it.payment_id for it in changes.postings), *(it.subject_id for it in changes.dropped)}
    return [_difference(before.get(it), after.get(it), it, changes) for it in sorted(touched)]


def _difference(
    before: Payment | AccountItem | None, after: Payment | AccountItem | None, subject_id: str, changes: Changes
) -> Difference:
    standing = after or before
    return Difference(
        payment_id=subject_id,
        gateway_payment_id="" if standing is None else _called(standing),
        fields=("new",) if before is None else _unequal(before, after or before),
        posting_count=sum(it.payment_id == subject_id for it in changes.postings),
        added_count=sum(it.subject_id == subject_id for it in changes.facts),
        dropped_count=sum(it.subject_id == subject_id for it in changes.dropped),
    )


def _called(it: Payment | AccountItem) -> str:
    return it.gateway_payment_id if isinstance(it, Payment) else it.gateway_id


def _unequal(before: Payment | AccountItem, after: Payment | AccountItem) -> tuple[str, ...]:
    named = ("gateway_payment_id",) if _called(before) != _called(after) else ()
    one, other = before.state, after.state
    names = type(one).__struct_fields__
    return (*named, *(name for name in names if getattr(one, name) != getattr(other, name, None)))


def _each(book: Book) -> list[Known]:
    """A payment may be in the book under several ids. One without facts is left for `paybell db verify` to name."""
    return list({known.payment.id: known for known in book.known.values() if known.facts}.values())


def _of_payment(known: Known, book: Book, rederived: Rederived) -> _Again:
    ids = {known.payment.gateway_payment_id, *known.payment.state.aliases}

    def is_its(fact: Fact) -> bool:
        return subject_of(fact.kind) is Subject.PAYMENT and not ids.isdisjoint(ids_in(fact))

    return _derived(known.facts, book.tellers.get(known.payment.id, {}), rederived, is_its)


def _of_item(known: KnownItem, book: Book, rederived: Rederived) -> _Again:
    item = known.item

    def is_its(fact: Fact) -> bool:
        return (subject_of(fact.kind), fact.aggregate) == (item.subject, item.gateway_id)

    return _derived(known.facts, book.tellers.get(item.id, {}), rederived, is_its)


def _derived(
    stored: Facts, tellers: Mapping[bytes, str], rederived: Rederived, is_its: Callable[[Fact], bool]
) -> _Again:
    """What its notifications say now instead of what they said; unless that is nothing at all."""
    mine = {it: rederived[it] for it in sorted(set(tellers.values())) if it in rederived}
    dropped = [
        digest for digest in stored if (teller := tellers.get(digest, "")) in mine and digest not in mine[teller]
    ]
    kept = {digest: fact for digest, fact in stored.items() if digest not in dropped}
    new = {
        digest: (digest, fact, notification_id)
        for notification_id, facts in mine.items()
        for digest, fact in facts.items()
        if digest not in kept and is_its(fact)
    }
    facts = kept | {digest: fact for digest, fact, _ in new.values()}
    if not any(fact.aggregate and fact.kind is not Kind.CORRECTED for fact in facts.values()):
        return _Again(stored, alone=True)
    again = {digest for digest in dropped if digest in new}  # another notification says it still
    gone = [it for it in dropped if it not in again]
    marks = [(mark.digest(), mark, "") for mark in (_mark(stored[it], it) for it in gone)]
    added = [*(it for it in new.values() if it[0] not in again), *(it for it in marks if it[0] not in stored)]
    return _Again(facts | {digest: mark for digest, mark, _ in marks}, added, gone)


def _mark(fact: Fact, digest: bytes) -> Fact:
    """That it was there, so that the version never falls: what was told has the version of its time."""
    return Fact(aggregate=fact.aggregate, kind=Kind.CORRECTED, ref=digest.hex(), at_ms=fact.at_ms)


def _payment_again(known: Known, again: _Again, draft: Draft, time: str) -> Payment:
    facts = again.facts.values()
    after = replace(known.payment, state=project(facts), gateway_payment_id=ids_of(facts)[0])
    if after != known.payment:
        after = replace(after, updated_at_ms=draft.now_ms)
    draft.post(after, known.postings, entries(facts), time)
    draft.grant(after, grant_of_payment(after, facts))
    draft.tell(
        after.organisation_id,
        lambda: News(
            organisation_id=after.organisation_id,
            subject_id=after.id,
            version=after.state.version,
            told=transitions(known.payment.state, after.state),
            data=lambda transition: told_data(transition, after),
        ),
    )
    return after


def _item_again(known: KnownItem, again: _Again, draft: Draft, time: str) -> AccountItem:
    facts = again.facts.values()
    after = replace(known.item, state=project_item(known.item.subject, facts))
    if after != known.item:
        after = replace(after, updated_at_ms=draft.now_ms)
    draft.post(after, known.postings, entries(facts), time)
    draft.grant(after, grant_of_item(after))
    draft.tell(
        after.organisation_id,
        lambda: News(
            organisation_id=after.organisation_id,
            subject_id=after.id,
            version=after.state.version,
            told=item_transitions(known.item.state, after.state),
            data=lambda _: item_data(after),
        ),
    )
    return after


def _aliases(known: Known, after: Payment) -> Iterable[AliasNew]:
    """Those that its facts gave it before there were any, so that it is found by them from now on."""
    before = known.payment.state.aliases
    return [AliasNew(after.source_id, it, after.id) for it in after.state.aliases if it not in before]
