"""The rows of an erasure."""

from collections.abc import Iterable, Sequence

from paybell.ports import Erasure, Facts, Personal
from paybell.store import rows


def facts(found: Iterable[Sequence[object]]) -> Facts:
    """Facts under their digests."""
    return {rows.blob(digest): rows.fact(stored) for digest, stored in found}


def message(row: Sequence[object]) -> tuple[str, bytes]:
    """A message's id and payload."""
    return rows.text(row[0]), rows.blob(row[1])


def attempt(row: Sequence[object]) -> tuple[str, str, str]:
    """An attempt's id, answer and error."""
    return rows.text(row[0]), rows.text(row[1]), rows.text(row[2])


def replacements(subject_id: str, without: Personal) -> list[tuple[str, rows.Row]]:
    """What to write: names of queries, and their values."""
    return [
        *(("fact_redact", (rows.fact_bytes(it), subject_id, digest)) for digest, it in without.facts.items()),
        *(("notification_redact", (rows.headers_text(it.headers), it.body, it.id)) for it in without.notifications),
        *(("message_redact", (payload, message_id)) for message_id, payload in without.messages),
        *(("attempt_redact", (response, error, it)) for it, response, error in without.attempts),
    ]


def erasure_row(it: Erasure) -> rows.Row:
    """An erasure's seven columns."""
    return (
        it.id,
        it.organisation_id,
        " ".join(it.customers),
        it.payment_count,
        it.notification_count,
        it.message_count,
        it.erased_at_ms,
    )
