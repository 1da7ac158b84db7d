"""The rows of aliases and of merged payments, and by what keys readings find payments."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from paybell.model.alias import ids_in
from paybell.ports import AliasNew, Merge, PaymentKey, Reading
from paybell.store import rows


class Merged(Struct, frozen=True):
    """A payment that became another one, and when."""

    id: str
    merged_at_ms: int


def keys(readings: Iterable[Reading]) -> set[PaymentKey]:
    """Every id by which some readings name a payment."""
    return {
        PaymentKey(reading.source.id, name)
        for reading in readings
        for fact in reading.parsed.facts
        for name in ids_in(fact)
    }


def alias_row(value: AliasNew) -> rows.Row:
    """An alias's three columns."""
    return (value.source_id, value.alias, value.payment_id)


def merge_row(value: Merge) -> rows.Row:
    """A merged payment's five columns, first what it became and its own id."""
    return (value.merged_into, value.payment_id, value.organisation_id, value.source_id, value.merged_at_ms)


def merged(row: Sequence[object]) -> Merged:
    """The two columns of the list of what was merged."""
    return Merged(rows.text(row[0]), rows.number(row[1]))
