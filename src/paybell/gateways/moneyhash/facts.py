"""What MoneyHash's intents and operations say is true.

The payment is the intent; what happened to its money are the operations of its transactions.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from msgspec.structs import replace

from paybell.gateways.kit import metadata
from paybell.gateways.kit.payloads import child, details, first_text, ident, text, time_to_ms
from paybell.gateways.moneyhash import payouts
from paybell.gateways.moneyhash.operations import Teller, read_operations
from paybell.gateways.moneyhash.shapes import Asked, Billing, Event, Intent, Money, Transaction
from paybell.model.fact import Fact, Kind, Parsed

_PAYOUT: Final = "payout"
_ENDS: Final[Mapping[str, Kind]] = {
    "TIME_EXPIRED": Kind.EXPIRED,
    "EXPIRED": Kind.EXPIRED,
    "CLOSED": Kind.CANCELED,
}


def read_event(event: Event, received_at_ms: int) -> Parsed:
    """Facts of an event about an intent or about a transaction; stored cards give none."""
    name = text(event.type)
    if event.data and event.data.intent:
        return _of_intent(event.data.intent, name, received_at_ms)
    if event.intent and event.transaction:
        return _of_transaction(event.intent, event.transaction, name)
    return Parsed(event=name, reason="it carries no intent with its amount and its transactions")


def _of_intent(intent: Intent, name: str, received_at_ms: int) -> Parsed:
    if text(intent.type).lower() == _PAYOUT:
        return _paid_out(name, _transactions(intent), livemode=intent.is_live)
    payment_id, active = ident(intent.id, "the intent's id"), intent.active_transaction
    tell = Teller(payment_id, time_to_ms(intent.created, "the intent's created"))
    detail = _who(intent.billing_data, intent.merchant_reference, active)
    created = tell.money(Kind.PAYMENT_CREATED, "", Money(intent.amount, intent.amount_currency), detail)
    end = _ENDS.get(intent.status)
    # No event says when an intent ended: the moment it came is the nearest that is known.
    ended = [] if end is None else [Teller(payment_id, received_at_ms).fact(end)]
    facts, unknown = read_operations(payment_id, _transactions(intent))
    told, expected = _said(created, intent.custom_fields)
    return Parsed(event=name, facts=(told, *facts, *ended, *expected), reason=unknown, livemode=intent.is_live)


def _transactions(intent: Intent) -> Iterable[Transaction]:
    active = intent.active_transaction
    return chain((active,) if active else (), intent.transactions_history)


def _paid_out(name: str, transactions: Iterable[Transaction], *, livemode: bool | None) -> Parsed:
    facts = tuple(payouts.read(transactions))
    return Parsed(event=name, facts=facts, reason="" if facts else payouts.NOTHING, livemode=livemode)


def _said(created: Fact, custom_fields: object) -> tuple[Fact, list[Fact]]:
    """What the merchant's server, which alone makes intents, said of one."""
    own = child({"own": custom_fields}, "own")
    told = replace(created, detail={**created.detail, **metadata.said(own)})
    return told, metadata.expected(created.aggregate, own, created.at_ms)


def _of_transaction(intent: Asked, transaction: Transaction, name: str) -> Parsed:
    if text(transaction.type).lower() == _PAYOUT:
        return _paid_out(name, (transaction,), livemode=None)
    payment_id = ident(intent.id, "the intent's id")
    tell = Teller(payment_id, time_to_ms(intent.created, "the intent's created"))
    created = tell.money(Kind.PAYMENT_CREATED, "", intent.amount, _who(transaction.billing_data, None, transaction))
    facts, unknown = read_operations(payment_id, (transaction,))
    told, expected = _said(created, intent.custom_fields)
    return Parsed(event=name, facts=(told, *facts, *expected), reason=unknown)


def _who(billing: Billing | None, reference: str | None, transaction: Transaction | None) -> dict[str, str]:
    payer = billing or Billing()
    method = transaction.payment_method_details if transaction else None
    return details(
        order_id=first_text(reference, transaction.merchant_reference if transaction else None),
        customer_name=f"{text(payer.first_name)} {text(payer.last_name)}".strip(),
        customer_email=text(payer.email),
        customer_phone=text(payer.phone_number),
        method=text(method.type) if method else "",
    )
