"""The rows of the audit log, the same in both stores."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from paybell.model.audit import AuditLine
from paybell.ports import PageQuery
from paybell.store import rows

_NAMES: Final = msgspec.json.Decoder(tuple[str, ...])


def line(row: Sequence[object]) -> AuditLine:
    """A row of audit."""
    return AuditLine(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        at_ms=rows.number(row[2]),
        actor=rows.text(row[3]),
        operation=rows.text(row[4]),
        objects=_NAMES.decode(rows.text(row[5])),
        fields=_NAMES.decode(rows.text(row[6])),
        address=rows.text(row[7]),
    )


def line_row(it: AuditLine) -> rows.Row:
    """A line's eight columns."""
    names = (_text(it.objects), _text(it.fields))
    return (it.id, it.organisation_id, it.at_ms, it.actor, it.operation, *names, it.address)


def sought(query: PageQuery) -> PageQuery:
    """An object is sought as it stands among those of a line."""
    wanted = query.filters.get("object", "")
    return replace(query, filters={**query.filters, "object": _text(wanted)}) if wanted else query


def _text(value: str | tuple[str, ...]) -> str:
    return msgspec.json.encode(value).decode()
