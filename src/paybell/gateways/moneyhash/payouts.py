"""What MoneyHash's payouts say (its documents, "Payouts", "Payout Webhook").

A payout's intent may be tried again after a failure, in another transaction: so the transaction is the payout.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import details, ident, text
from paybell.gateways.moneyhash.operations import step_of, time_of
from paybell.gateways.moneyhash.shapes import Operation, Status, Transaction
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact
from paybell.model.money import to_minor

NOTHING: Final = "it is a payout, and names no operation of it that is known"

_STEPS: Final[Mapping[tuple[str, str], PayoutStatus]] = {
    ("disburse", "pending"): PayoutStatus.CREATED,
    ("disburse", "successful"): PayoutStatus.PAID,
    ("disburse", "failed"): PayoutStatus.FAILED,
    ("void", "successful"): PayoutStatus.CANCELED,
}


def read(transactions: Iterable[Transaction]) -> list[Fact]:
    """Where each transaction's operations leave it, each told once."""
    told = [
        _fact(each, operation, status)
        for each in transactions
        for operation in each.operations
        if (status := _STEPS.get((operation.type, step_of(operation))))
    ]
    return list({fact.digest(): fact for fact in told}.values())


def _fact(transaction: Transaction, operation: Operation, status: PayoutStatus) -> Fact:
    currency, why = currency_code(operation.amount.currency), operation.latest_status or Status()
    failure = details(failure_code=text(why.code), failure_message=text(why.message))
    return accounts.payout(
        ident(transaction.id, "the transaction's id"),
        status,
        at_ms=time_of(operation, transaction),
        money=(to_minor(operation.amount.value, currency), currency),
        why=failure if status is PayoutStatus.FAILED else {},
    )
