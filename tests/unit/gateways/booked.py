"""What facts come to in the ledger, in plain words."""

from collections import Counter
from collections.abc import Iterable, Mapping

from paybell.model.fact import Fact
from paybell.record.ledger import entries


def booked(facts: Iterable[Fact]) -> Mapping[str, int]:
    """Debits less credits of each account that has any."""
    sums: Counter[str] = Counter()
    for entry in entries(facts).values():
        for line in entry.lines:
            sums[str(line.debit)] += line.amount_minor
            sums[str(line.credit)] -= line.amount_minor
    return {account: amount for account, amount in sums.items() if amount}
