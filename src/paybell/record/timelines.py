"""Timelines: all that happened to a payment or an account item, and what each notification changed."""

from collections.abc import Iterable

from paybell.model.account import AccountState
from paybell.model.fact import Fact, Subject
from paybell.ports import ReadStore, TimelineEntry
from paybell.record.accounts import project_item
from paybell.record.history import with_transitions
from paybell.record.projection import project


async def payment_timeline(store: ReadStore, organisation_id: str, payment_id: str) -> tuple[TimelineEntry, ...]:
    """Of a payment, and of those merged into it; ``NotFound`` when there is none."""
    timeline = await store.payment_timeline(organisation_id, payment_id)
    standing = await store.payment_get(organisation_id, payment_id)
    return with_transitions(timeline, await store.fact_list(standing.id), project)


async def item_timeline(
    store: ReadStore, organisation_id: str, subject: Subject, item_id: str
) -> tuple[TimelineEntry, ...]:
    """Of an account item; ``NotFound`` when there is none."""

    def fold(facts: Iterable[Fact]) -> AccountState:
        return project_item(subject, facts)

    timeline = await store.account_item_timeline(organisation_id, subject, item_id)
    return with_transitions(timeline, await store.fact_list(item_id), fold)
