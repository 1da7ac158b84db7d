"""What hardly any message has (tags, a time to be sent at, an end of its payload), in rows of its own."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from paybell.model.delivery import DeliveryState, standing_of
from paybell.model.message import Message
from paybell.ports import AddressedMessage, PageQuery
from paybell.store import rows

COLUMNS: Final = 6
_SHOWN: Final = 10


def extra_row(it: Message) -> rows.Row:
    """The six columns of a message's extras."""
    return (it.id, it.organisation_id, it.application_id, _text(it.tags), it.deliver_at_ms, it.payload_ends_at_ms)


def message(row: Sequence[object]) -> Message:
    """The ten columns of a message, then its tags and its time, which are NULL for most."""
    plain = rows.message(row[:_SHOWN])
    if row[_SHOWN] is None:
        return plain
    tags = tuple(it for it in rows.text(row[_SHOWN]).split("\n") if it)
    return replace(plain, tags=tags, deliver_at_ms=rows.number(row[_SHOWN + 1]))


def addressed_message(row: Sequence[object]) -> AddressedMessage:
    """The same twelve, then the state, tries and due time of its delivery."""
    standing = standing_of(DeliveryState(rows.text(row[12])), tried=rows.number(row[13]) > 0)
    return AddressedMessage(message(row), standing, rows.number_or_none(row[14]))


def sought(query: PageQuery) -> PageQuery:
    """A tag is sought as it stands among those of a message: between ends of lines."""
    wanted = query.filters.get("tag", "")
    return replace(query, filters={**query.filters, "tag": _text((wanted,))}) if wanted else query


def _text(tags: tuple[str, ...]) -> str:
    return "\n".join(("", *tags, "")) if tags else ""
