"""The rows of products, grants and entitlements, and which customers some readings concern."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from paybell.model.account import AccountItem, InvoiceState, SubscriptionState
from paybell.model.alias import LinkType
from paybell.model.entitlement import (
    CustomerKey,
    Entitlement,
    EntitlementState,
    Grant,
    OnRefund,
    Product,
    Reason,
    Says,
)
from paybell.model.fact import Fact, Kind
from paybell.model.payment import Payment
from paybell.ports import Book, Facts, GrantChange
from paybell.store import rows

T = TypeVar("T", bound=Grant | Entitlement)

_SAYS: Final[msgspec.json.Decoder[Says]] = msgspec.json.Decoder(Says)
_WHO: Final = msgspec.json.Decoder(dict[str, str])
_PLANS: Final = msgspec.json.Decoder(tuple[str, ...])
_LINKS: Final = frozenset({LinkType.INVOICE, LinkType.SUBSCRIPTION})


def customers(book: Book) -> list[CustomerKey]:
    """Every name of a customer for whom some readings, or what they name, may say what they may use; sorted.

    Most readings are of payments that are for no product, invoice or subscription, and concern nobody. In a rebuild
    states may not be what their facts say: then the facts are asked, too.
    """
    found = _in_facts(book) if book.tellers else set[CustomerKey]()
    payments = [it.payment for it in book.known.values()]
    granting = {it.source_id for it in payments if _grants(it)}
    for reading in book.readings:
        facts = reading.parsed.facts
        if reading.source.id in granting or any(map(_may_grant, facts)):
            granting.add(reading.source.id)
            for fact in facts:
                names = (fact.detail.get("customer_id", ""), fact.detail.get("customer_email", ""))
                found |= _keys(reading.source.organisation_id, reading.source.id, names)
    for it in payments:
        if it.source_id in granting:
            who = it.state.customer
            found |= _keys(it.organisation_id, it.source_id, (who.get("id", ""), who.get("email", "")))
    for of in book.items.values():
        if isinstance(of.item.state, SubscriptionState | InvoiceState):
            who = of.item.state.customer
            names = (who.get("id", ""), who.get("email", ""))
            found |= _keys(of.item.organisation_id, of.item.source_id, names)
    return sorted(found)


def _in_facts(book: Book) -> set[CustomerKey]:
    owners: list[tuple[Payment | AccountItem, Facts]] = [(it.payment, it.facts) for it in book.known.values()]
    owners += [(it.item, it.facts) for it in book.items.values()]
    return {
        key
        for owner, facts in owners
        for fact in facts.values()
        for key in _keys(
            owner.organisation_id,
            owner.source_id,
            (fact.detail.get("customer_id", ""), fact.detail.get("customer_email", "")),
        )
    }


def _grants(payment: Payment) -> bool:
    state = payment.state
    return bool(state.product or state.invoice_id or state.subscription_id)


def _may_grant(fact: Fact) -> bool:
    if fact.kind in {Kind.SUBSCRIPTION_STATE, Kind.INVOICE_STATE} or "product" in fact.detail:
        return True
    return fact.kind is Kind.LINK and fact.detail.get("type") in _LINKS


def _keys(organisation_id: str, source_id: str, names: tuple[str, str]) -> set[CustomerKey]:
    gateway_id, email = names
    return {CustomerKey(organisation_id, source_id, it) for it in (gateway_id, email.lower()) if it}


def by_customer(found: Iterable[T]) -> dict[CustomerKey, tuple[T, ...]]:
    """Rows under whose they are."""
    grouped: dict[CustomerKey, tuple[T, ...]] = {}
    for it in found:
        grouped[it.key] = (*grouped.get(it.key, ()), it)
    return grouped


def customer_key(row: Sequence[object]) -> CustomerKey:
    """The three columns of what is due."""
    return CustomerKey(rows.text(row[0]), rows.text(row[1]), rows.text(row[2]))


def grant(row: Sequence[object]) -> Grant:
    """The five columns of a grant."""
    return Grant(
        subject_id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        source_id=rows.text(row[2]),
        customer=rows.text(row[3]),
        says=_SAYS.decode(rows.blob(row[4])),
    )


def grant_rows(changes: Iterable[GrantChange]) -> list[rows.Row]:
    """Those that say something, with their five columns."""
    return [
        (it.subject_id, it.organisation_id, it.source_id, it.customer, rows.ENCODER.encode(it.says))
        for change in changes
        if (it := change.grant) is not None
    ]


def silent_rows(changes: Iterable[GrantChange]) -> list[rows.Row]:
    """Whoever says nothing any more."""
    return [(change.subject_id,) for change in changes if change.grant is None]


def entitlement(row: Sequence[object]) -> Entitlement:
    """The seventeen columns of an entitlement."""
    return Entitlement(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        source_id=rows.text(row[2]),
        gateway=rows.text(row[3]),
        livemode=bool(row[4]),
        customer=rows.text(row[5]),
        product=rows.text(row[8]),
        state=EntitlementState(rows.text(row[9])),
        reason=Reason(rows.text(row[10])),
        until_ms=rows.number_or_none(row[11]),
        due_at_ms=rows.number_or_none(row[12]),
        version=rows.number(row[13]),
        who=_WHO.decode(rows.blob(row[14])),
        created_at_ms=rows.number(row[15]),
        updated_at_ms=rows.number(row[16]),
    )


def distinct(found: Iterable[Sequence[object]]) -> tuple[Entitlement, ...]:
    """Each once, by id."""
    by_id = {it.id: it for it in map(entitlement, found)}
    return tuple(it for _, it in sorted(by_id.items()))


def entitlement_row(it: Entitlement) -> rows.Row:
    """An entitlement's seventeen columns."""
    return (
        it.id,
        it.organisation_id,
        it.source_id,
        it.gateway,
        int(it.livemode),
        it.customer,
        it.who.get("email", "").lower(),
        it.who.get("userId", ""),
        it.product,
        str(it.state),
        str(it.reason),
        it.until_ms,
        it.due_at_ms,
        it.version,
        rows.ENCODER.encode(it.who),
        it.created_at_ms,
        it.updated_at_ms,
    )


def product(row: Sequence[object]) -> Product:
    """The ten columns of a product."""
    return Product(
        organisation_id=rows.text(row[0]),
        uid=rows.text(row[1]),
        name=rows.text(row[2]),
        plans=_PLANS.decode(rows.text(row[3])),
        duration_days=rows.number(row[4]),
        grace_days=rows.number(row[5]),
        suspended_days=rows.number(row[6]),
        on_refund=OnRefund(rows.text(row[7])),
        created_at_ms=rows.number(row[8]),
        updated_at_ms=rows.number(row[9]),
    )


def product_row(it: Product) -> rows.Row:
    """A product's ten columns."""
    return (
        it.organisation_id,
        it.uid,
        it.name,
        rows.ENCODER.encode(it.plans).decode(),
        it.duration_days,
        it.grace_days,
        it.suspended_days,
        str(it.on_refund),
        it.created_at_ms,
        it.updated_at_ms,
    )
