"""The ledger's rows."""

from collections.abc import Sequence
from decimal import Decimal

from paybell.model.ledger import Account, Balance, EntryKind, Posting
from paybell.store import rows


def posting(row: Sequence[object]) -> Posting:
    """The fifteen columns of a posting query."""
    return Posting(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        source_id=rows.text(row[2]),
        payment_id=rows.text(row[3]),
        kind=EntryKind(rows.text(row[4])),
        ref=rows.text(row[5]),
        no=rows.number(row[6]),
        line_no=rows.number(row[7]),
        reversal=bool(row[8]),
        debit=Account(rows.text(row[9])),
        credit=Account(rows.text(row[10])),
        amount_minor=rows.number(row[11]),
        currency=rows.text(row[12]),
        at_ms=rows.number(row[13]),
        posted_at_ms=rows.number(row[14]),
    )


def posting_row(value: Posting) -> rows.Row:
    """A posting's fifteen columns."""
    return (
        value.id,
        value.organisation_id,
        value.source_id,
        value.payment_id,
        str(value.kind),
        value.ref,
        value.no,
        value.line_no,
        int(value.reversal),
        str(value.debit),
        str(value.credit),
        value.amount_minor,
        value.currency,
        value.at_ms,
        value.posted_at_ms,
    )


def balance(row: Sequence[object]) -> Balance:
    """The five columns of the balances."""
    return Balance(
        source_id=rows.text(row[0]),
        currency=rows.text(row[1]),
        account=Account(rows.text(row[2])),
        debit_minor=_whole(row[3]),
        credit_minor=_whole(row[4]),
    )


def _whole(value: object) -> int:
    """PostgreSQL sums into a decimal, which may be written with an exponent."""
    return int(value) if isinstance(value, Decimal) else rows.number(value)
