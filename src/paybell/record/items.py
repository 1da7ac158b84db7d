"""Decide what readings change of account items: payouts, subscriptions, invoices, customers. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from paybell.model.account import AccountItem, AccountState
from paybell.model.fact import Fact, Subject, subject_of
from paybell.model.ledger import Posting
from paybell.model.notification import NotificationState
from paybell.ports import Book, ItemKey, KnownItem, Mention, NewFact, NotificationOutcome, Reading
from paybell.record.account_messages import item_data, item_transitions
from paybell.record.accounts import project_item
from paybell.record.draft import Draft, News
from paybell.record.grants import grant_of_item
from paybell.record.ids import subject_id, time_digits
from paybell.record.ledger import entries
from paybell.record.payments import FACTS_MAX

PREFIXES: Final = {
    Subject.PAYOUT: "po",
    Subject.SUBSCRIPTION: "sub",
    Subject.INVOICE: "inv",
    Subject.CUSTOMER: "cus",
}


class _Case:
    """An account item in hand."""

    def __init__(self, known: KnownItem) -> None:
        self.item = known.item
        self.facts = dict(known.facts)
        self.posted: list[Posting] = list(known.postings)
        self.new: list[tuple[bytes, Fact, str]] = []


class Items:
    """The account items of one decision: what is known of them so far, and what has been decided."""

    def __init__(self, book: Book, draft: Draft) -> None:
        self._draft = draft
        self._cases = {key: _Case(known) for key, known in book.items.items()}
        self._changed: dict[_Case, None] = {}

    def take(self, told: Sequence[Fact], reading: Reading, outcome: NotificationOutcome) -> NotificationOutcome:
        """Add what it says of each item."""
        by_key: dict[ItemKey, list[Fact]] = {}
        for fact in told:
            by_key.setdefault(ItemKey(reading.source.id, subject_of(fact.kind), fact.aggregate), []).append(fact)
        for key, facts in by_key.items():
            case = self._cases.get(key)
            if case is not None and len(facts) + len(case.facts) > FACTS_MAX:
                reason = f"{key.subject} {key.gateway_id} has more than {FACTS_MAX} facts"
                return replace(outcome, state=NotificationState.PARKED, reason=reason)
            self._add(key, facts, reading)
        return outcome

    def _add(self, key: ItemKey, facts: Sequence[Fact], reading: Reading) -> None:
        new = {fact.digest(): fact for fact in facts}
        case = self._cases.get(key)
        before = None if case is None else case.item.state
        if case is None:
            case = self._cases[key] = _Case(KnownItem(_begun(key, list(new.values()), reading, self._draft.now_ms), {}))
        new = {digest: fact for digest, fact in new.items() if digest not in case.facts}
        if not new:
            self._draft.mentions.append(Mention(case.item.id, reading.notification.id))
        else:
            case.facts |= new
            case.new += [(digest, fact, reading.notification.id) for digest, fact in new.items()]
            state = project_item(key.subject, case.facts.values())
            case.item = replace(case.item, state=state, updated_at_ms=self._draft.now_ms)
            self._settle(case, before, time_digits(reading.notification.id))

    def _settle(self, case: _Case, before: AccountState | None, time: str) -> None:
        self._changed[case] = None
        case.posted += self._draft.post(case.item, case.posted, entries(case.facts.values()), time)
        after = case.item
        self._draft.grant(after, grant_of_item(after))
        self._draft.tell(after.organisation_id, lambda: _news(before, after))

    def facts(self) -> tuple[NewFact, ...]:
        """Facts that were not known before."""
        return tuple(NewFact(case.item.id, *it) for case in self._changed for it in case.new)

    def changed(self) -> tuple[AccountItem, ...]:
        """Items that are not what they were."""
        return tuple(case.item for case in self._changed)


def _begun(key: ItemKey, facts: Sequence[Fact], reading: Reading, now_ms: int) -> AccountItem:
    source = reading.source
    name = f"{key.source_id}\0{key.subject}\0{key.gateway_id}"
    return AccountItem(
        id=subject_id(PREFIXES[key.subject], name, reading.notification.id),
        subject=key.subject,
        organisation_id=source.organisation_id,
        source_id=source.id,
        gateway=source.gateway,
        gateway_id=key.gateway_id,
        livemode=source.livemode,
        state=project_item(key.subject, facts),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def _news(before: AccountState | None, after: AccountItem) -> News:
    return News(
        organisation_id=after.organisation_id,
        subject_id=after.id,
        version=after.state.version,
        told=item_transitions(before, after.state),
        data=lambda _: item_data(after),
    )
