"""A gateway's many ids of one payment: which links join them, and by which of them the payment is called. Pure."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from paybell.model.fact import Fact, Kind


class LinkType(StrEnum):
    """What the ``ref`` of a link is, in its ``detail['type']``."""

    INTENT = "intent"
    CHARGE = "charge"
    SESSION = "session"
    REQUEST = "request"
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    TRANSACTION = "transaction"
    ORDER = "order"
    INVOICE = "invoice"
    SUBSCRIPTION = "subscription"


JOINS: Final[Mapping[LinkType, bool]] = {
    LinkType.INTENT: True,
    LinkType.CHARGE: True,
    LinkType.SESSION: True,
    LinkType.REQUEST: True,
    LinkType.AUTHORIZATION: True,
    LinkType.CAPTURE: True,
    LinkType.TRANSACTION: True,
    LinkType.ORDER: False,
    LinkType.INVOICE: False,
    LinkType.SUBSCRIPTION: False,
}
"""Whether an id of that type is of one payment alone. What several payments may share says only where they belong."""
_JOINING: Final = frozenset(str(it) for it, joins in JOINS.items() if joins)


def alias_in(fact: Fact) -> str:
    """The other id that a fact gives its payment; '' where it gives none."""
    joins = fact.kind is Kind.LINK and fact.detail.get("type") in _JOINING
    return fact.ref if joins and fact.ref != fact.aggregate else ""


def ids_in(fact: Fact) -> tuple[str, ...]:
    """The ids of its payment that a fact names; none in what the merchant said of an order."""
    if not fact.aggregate:
        return ()
    alias = alias_in(fact)
    return (fact.aggregate, alias) if alias else (fact.aggregate,)


def ids_of(facts: Collection[Fact]) -> tuple[str, ...]:
    """All ids of one payment: first what it is called, then its aliases by name.

    It is called by the id that no link gives to another one: an intent, not its charge.
    """
    named = {fact.aggregate for fact in facts} - {""}
    given = {alias for fact in facts if fact.kind is Kind.LINK and (alias := alias_in(fact))}
    if not given and len(named) == 1:
        return tuple(named)
    called = min(named - given or named)
    return (called, *sorted((named | given) - {called}))


def joined(facts: Collection[Fact], same: Callable[[str], Hashable] = str) -> Sequence[tuple[Fact, ...]]:
    """Facts divided by payment, in the order of their first; ``same`` is equal for ids known to be of one payment."""
    if len({fact.aggregate for fact in facts}) == 1:
        return [tuple(facts)]
    groups: list[tuple[set[Hashable], list[Fact]]] = []
    for fact in facts:
        ids = {same(it) for it in ids_in(fact)}
        touched = [group for group in groups if not ids.isdisjoint(group[0])]
        if not touched:
            groups.append((ids, [fact]))
            continue
        first, *others = touched
        first[0].update(ids, *(group[0] for group in others))
        for group in others:
            first[1].extend(group[1])
            groups.remove(group)
        first[1].append(fact)
    return [tuple(them) for _, them in groups]
