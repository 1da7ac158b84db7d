"""The rows of account items, and by what keys readings find them."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from paybell.model.account import AccountItem, AccountState
from paybell.model.fact import Subject, subject_of
from paybell.ports import ItemKey, PageQuery, Reading
from paybell.store import rows

_STATE: Final[msgspec.json.Decoder[AccountState]] = msgspec.json.Decoder(AccountState)


def keys(readings: Iterable[Reading]) -> list[ItemKey]:
    """Every account item that some readings name, sorted."""
    named = {
        ItemKey(reading.source.id, subject, fact.aggregate)
        for reading in readings
        for fact in reading.parsed.facts
        if (subject := subject_of(fact.kind)) is not Subject.PAYMENT
    }
    return sorted(named)


def key_of(item: AccountItem) -> ItemKey:
    """How it is found."""
    return ItemKey(item.source_id, item.subject, item.gateway_id)


def item(row: Sequence[object]) -> AccountItem:
    """The ten columns of an account item query."""
    return AccountItem(
        id=rows.text(row[0]),
        subject=Subject(rows.text(row[1])),
        organisation_id=rows.text(row[2]),
        source_id=rows.text(row[3]),
        gateway=rows.text(row[4]),
        gateway_id=rows.text(row[5]),
        livemode=bool(row[6]),
        state=_STATE.decode(rows.blob(row[7])),
        created_at_ms=rows.number(row[8]),
        updated_at_ms=rows.number(row[9]),
    )


def item_row(value: AccountItem) -> rows.Row:
    """An account item's twelve columns."""
    return (
        value.id,
        str(value.subject),
        value.organisation_id,
        value.source_id,
        value.gateway,
        value.gateway_id,
        int(value.livemode),
        str(value.state.status),
        value.state.version,
        rows.ENCODER.encode(value.state),
        value.created_at_ms,
        value.updated_at_ms,
    )


def page_query(query: PageQuery) -> str:
    """The query for a page whose index serves the filter given."""
    return "account_item_page_by_gateway" if query.filters.get("gateway_id") else "account_item_page"
