"""The rows of expectations, and by what orders readings find them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from paybell.errors import ConfigurationError
from paybell.model.expectation import Expectation
from paybell.ports import OrderKey, PageQuery, PaymentKey, Reading
from paybell.store import rows

PAYMENTS_MAX: Final = 1000
"""Payments of one order that are told of an expectation in one transaction."""


def orders(readings: Iterable[Reading]) -> list[OrderKey]:
    """Every order that some readings name, sorted."""
    named = {
        OrderKey(reading.source.organisation_id, order_id)
        for reading in readings
        for fact in reading.parsed.facts
        if (order_id := fact.detail.get("order_id", ""))
    }
    return sorted(named)


def by_order(said: Iterable[Expectation]) -> Mapping[OrderKey, tuple[Expectation, ...]]:
    """Expectations under their orders."""
    found: dict[OrderKey, tuple[Expectation, ...]] = {}
    for it in said:
        order = OrderKey(it.organisation_id, it.order_id)
        found[order] = (*found.get(order, ()), it)
    return found


def payment_keys(found: Sequence[Sequence[object]]) -> set[PaymentKey]:
    """The ids of an order's payments, of which one more than :data:`PAYMENTS_MAX` were asked for."""
    if len(found) > PAYMENTS_MAX:
        raise ConfigurationError(f"the order has more than {PAYMENTS_MAX} payments: they cannot be told all at once")
    return {PaymentKey(rows.text(source_id), rows.text(name)) for source_id, name in found}


def expectation(row: Sequence[object]) -> Expectation:
    """The five columns of an expectation query."""
    return Expectation(
        organisation_id=rows.text(row[0]),
        order_id=rows.text(row[1]),
        amount_minor=rows.number(row[2]),
        currency=rows.text(row[3]),
        created_at_ms=rows.number(row[4]),
    )


def expectation_row(value: Expectation) -> rows.Row:
    """An expectation's six columns."""
    return (
        value.id,
        value.organisation_id,
        value.order_id,
        value.amount_minor,
        value.currency,
        value.created_at_ms,
    )


def page_query(query: PageQuery) -> str:
    """The query for a page whose index serves the filter given."""
    return "expectation_page_by_order" if query.filters.get("order_id") else "expectation_page"
