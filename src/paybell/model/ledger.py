"""The ledger: postings from one account to another, never edited."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Account(StrEnum):
    """Where money is, or what it was for; one of each per source and currency."""

    CLEARING = "clearing"
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    BANK = "bank"
    DISPUTES_RECEIVABLE = "disputes_receivable"
    TAX_RECOVERABLE = "tax_recoverable"
    SUSPENSE = "suspense"
    OVERPAYMENTS = "overpayments"
    SALES = "sales"
    REFUNDS = "refunds"
    FEES = "fees"
    DISPUTE_FEES = "dispute_fees"
    CHARGEBACK_LOSSES = "chargeback_losses"
    FX = "fx"


class AccountType(StrEnum):
    """What kind of account; assets and expenses grow by debits, liabilities and income by credits."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


ACCOUNT_TYPES: Final[Mapping[Account, AccountType]] = {
    Account.CLEARING: AccountType.ASSET,
    Account.PAYOUT_IN_TRANSIT: AccountType.ASSET,
    Account.BANK: AccountType.ASSET,
    Account.DISPUTES_RECEIVABLE: AccountType.ASSET,
    Account.TAX_RECOVERABLE: AccountType.ASSET,
    Account.SUSPENSE: AccountType.ASSET,
    Account.OVERPAYMENTS: AccountType.LIABILITY,
    Account.SALES: AccountType.INCOME,
    Account.REFUNDS: AccountType.INCOME,  # what comes off sales: its balance is a debit
    Account.FEES: AccountType.EXPENSE,
    Account.DISPUTE_FEES: AccountType.EXPENSE,
    Account.CHARGEBACK_LOSSES: AccountType.EXPENSE,
    Account.FX: AccountType.EXPENSE,
}


class EntryKind(StrEnum):
    """What an entry books."""

    CAPTURED = "captured"
    OVERPAID = "overpaid"
    REVERSED = "reversed"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    FEE = "fee"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    PAYOUT = "payout"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"


class EntryKey(Struct, frozen=True, order=True):
    """One operation of one payment, or a payout; ``ref`` is the gateway's id of it.

    It is ``the rest`` for what only a total told of, the order's id for what was ``overpaid``.
    """

    kind: EntryKind
    ref: str


class Line(Struct, frozen=True):
    """An amount in minor units, above zero, out of the ``credit`` account into the ``debit`` account."""

    debit: Account
    credit: Account
    amount_minor: int


class Entry(Struct, frozen=True):
    """What should be booked for one operation; ``at_ms`` is the gateway's time of it."""

    lines: tuple[Line, ...]
    currency: str
    at_ms: int


class Posting(Struct, frozen=True, kw_only=True):
    """One line as written. ``no`` counts an entry's versions from 1; a ``reversal`` undoes the line of that number."""

    id: str
    organisation_id: str
    source_id: str
    payment_id: str
    kind: EntryKind
    ref: str
    no: int
    line_no: int
    reversal: bool
    debit: Account
    credit: Account
    amount_minor: int
    currency: str
    at_ms: int
    posted_at_ms: int


class Balance(Struct, frozen=True, kw_only=True):
    """The sums of an account's postings, in minor units of ``currency``."""

    source_id: str
    currency: str
    account: Account
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        """Debits less credits: above zero for what is had or was spent, below for what was earned or is owed."""
        return self.debit_minor - self.credit_minor
