"""Fold payments again from their facts, and see to it that the ledger is what they ask for. Pure."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from paybell.model.alias import ids_of
from paybell.model.ledger import Posting
from paybell.model.payment import Payment, PaymentState
from paybell.ports import AliasNew, Book, Changes, Known
from paybell.record.ledger import entries, postings
from paybell.record.projection import project


class Difference(Struct, frozen=True, kw_only=True):
    """A payment that is not what its facts add up to: the fields of its state, and the postings that are missing."""

    payment_id: str
    gateway_payment_id: str
    fields: tuple[str, ...]
    posting_count: int


def rebuild(book: Book, *, now_ms: int) -> Changes:
    """Payments and postings as they should be, of those in the book that are otherwise; nothing is told of it."""
    pairs = [(known, _again(known, now_ms)) for known in _each(book)]
    return Changes(
        now_ms=now_ms,
        aliases=tuple(alias for known, (after, _) in pairs for alias in _new_aliases(known.payment, after)),
        payments=tuple(after for known, (after, _) in pairs if after != known.payment),
        postings=tuple(posting for _, (_, new) in pairs for posting in new),
    )


def differences(book: Book, changes: Changes) -> list[Difference]:
    """What the changes put right, payment by payment."""
    after = {payment.id: payment for payment in changes.payments}
    found = []
    for known in _each(book):
        before = known.payment
        fields = _unequal(before, after.get(before.id, before))
        count = sum(posting.payment_id == before.id for posting in changes.postings)
        if fields or count:
            found.append(
                Difference(
                    payment_id=before.id,
                    gateway_payment_id=before.gateway_payment_id,
                    fields=fields,
                    posting_count=count,
                )
            )
    return found


def _each(book: Book) -> Iterable[Known]:
    """A payment may be in the book under several ids. One without facts is left for `paybell db verify` to name."""
    return {known.payment.id: known for known in book.known.values() if known.facts}.values()


def _again(known: Known, now_ms: int) -> tuple[Payment, tuple[Posting, ...]]:
    state = project(known.facts.values())
    called = ids_of(known.facts.values())[0]
    after = replace(known.payment, state=state, gateway_payment_id=called)
    if after != known.payment:
        after = replace(after, updated_at_ms=now_ms)
    new = postings(entries(known.facts.values()), known.postings, after, time=f"{now_ms:012x}", posted_at_ms=now_ms)
    return after, new


def _new_aliases(before: Payment, after: Payment) -> list[AliasNew]:
    """Those that its facts gave it before there were any, so that it is found by them from now on."""
    new = (it for it in after.state.aliases if it not in before.state.aliases)
    return [AliasNew(after.source_id, it, after.id) for it in new]


def _unequal(before: Payment, after: Payment) -> tuple[str, ...]:
    named = ("gateway_payment_id",) if before.gateway_payment_id != after.gateway_payment_id else ()
    one, other = before.state, after.state
    return (*named, *(name for name in PaymentState.__struct_fields__ if getattr(one, name) != getattr(other, name)))
