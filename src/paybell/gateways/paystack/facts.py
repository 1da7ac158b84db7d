"""What Paystack's transactions, refunds and disputes say."""

from collections.abc import Mapping
from typing import Final

import msgspec

from paybell.errors import MalformedPayload
from paybell.gateways.kit import metadata
from paybell.gateways.kit.amounts import currency_code, to_iso
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.options import Options
from paybell.gateways.kit.payloads import Record, decoder, details, ident, ident_or_none, read, text, time_to_ms
from paybell.gateways.paystack.shapes import Customer, Dispute, Refund, Transaction
from paybell.model.fact import Fact, Kind, Parsed

EXPONENTS: Final[Mapping[str, int]] = {"XOF": 2, "RWF": 2}
"""Paystack writes every currency a hundredfold, these two as well (ISO 4217: no decimals)."""

_PROCESSING: Final = frozenset({"ongoing", "pending", "processing", "queued"})
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("pending", "processing", "needs-attention"), Kind.REFUND_PENDING),
    "processed": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
}
_OPEN_DISPUTES: Final = frozenset({"awaiting-merchant-feedback", "awaiting-bank-feedback", "pending"})
_RESOLUTIONS: Final[Mapping[str, str]] = {"merchant-accepted": "lost", "auto-accepted": "lost", "declined": "won"}
_MINOR_DIGITS_MAX: Final = 16


_TRANSACTION: Final = decoder(Transaction)
_REFUND: Final = decoder(Refund)
_DISPUTE: Final = decoder(Dispute)


def of_transaction(name: str, data: bytes, options: Options) -> Parsed:
    """The payment, by its status."""
    found = read(_TRANSACTION, data)
    return parsed(name, _payment(found, options), found.status, found.domain)


def of_refund(name: str, data: bytes, received_at_ms: int) -> Parsed:
    """A refund that the processor has named; its event says no time."""
    refund = read(_REFUND, data)
    kind, ref = _REFUND_KINDS.get(refund.status), ident_or_none(refund.refund_reference, "refund_reference")
    if kind is None:
        return parsed(name, (), refund.status, refund.domain)
    if not ref:
        return Parsed(event=name, reason="the refund has no reference yet", livemode=_livemode(refund.domain))
    currency = currency_code(refund.currency)
    fact = Fact(
        aggregate=ident(refund.transaction_reference, "transaction_reference"),
        kind=kind,
        ref=ref,
        at_ms=received_at_ms,
        amount_minor=to_iso(_minor(refund.amount), currency, EXPONENTS),
        currency=currency,
    )
    return parsed(name, (fact,), refund.status, refund.domain)


def of_dispute(name: str, data: bytes, options: Options) -> Parsed:
    """A dispute and the payment it is about."""
    dispute = read(_DISPUTE, data)
    status, time = _dispute_status(dispute)
    if not status:
        return parsed(name, (), dispute.resolution or dispute.status, dispute.domain)
    paid = dispute.transaction
    currency = currency_code(dispute.currency or paid.currency)
    disputed = paid.amount if dispute.refund_amount is None else dispute.refund_amount
    fact = Fact(
        aggregate=ident(paid.reference, "the reference"),
        kind=Kind.DISPUTE_STATUS,
        ref=ident(dispute.id, "the dispute's id"),
        at_ms=time_to_ms(time, "the dispute's time"),
        amount_minor=to_iso(disputed, currency, EXPONENTS),
        currency=currency,
        detail=details(status=status, reason=text(dispute.category)),
    )
    return parsed(name, (*_payment(paid, options), fact), dispute.status, dispute.domain)


def _dispute_status(dispute: Dispute) -> tuple[str, str]:
    """Its status and since when; '' where it is unknown."""
    if dispute.status == "resolved":
        ended = _RESOLUTIONS.get(dispute.resolution, "") if dispute.resolution else "closed"
        return ended, dispute.resolved_at or dispute.created_at
    return "open" if dispute.status in _OPEN_DISPUTES else "", dispute.created_at


def parsed(name: str, facts: tuple[Fact, ...], status: str, domain: str | None) -> Parsed:
    """Facts, or that a status is unknown."""
    reason = "" if facts else f"its status {text(status)!r} is unknown"
    return Parsed(event=name, facts=facts, reason=reason, livemode=_livemode(domain))


def _livemode(domain: str | None) -> bool | None:
    return {"live": True, "test": False}.get(domain or "")


def _payment(found: Transaction, options: Options) -> tuple[Fact, ...]:
    """It is known by its reference, which is all that a refund names."""
    aggregate, currency = ident(found.reference, "the reference"), currency_code(found.currency)
    created_ms = time_to_ms(found.created_at, "created_at")
    asked = found.amount if found.requested_amount is None else found.requested_amount
    said = metadata.believed(found.metadata, options)
    started = Fact(
        aggregate=aggregate,
        kind=Kind.PAYMENT_CREATED,
        at_ms=created_ms,
        amount_minor=to_iso(asked, currency, EXPONENTS),
        currency=currency,
        detail=_customer(found, said),
    )
    attempt = Fact(aggregate=aggregate, kind=Kind.PROCESSING, ref=aggregate, at_ms=created_ms)
    status = _status(found, attempt, currency)
    return () if status is None else (started, *status, *metadata.expected(aggregate, said, created_ms))


def _status(found: Transaction, attempt: Fact, currency: str) -> list[Fact] | None:
    match found.status:
        case "success" | "reversed":  # what was reversed had been paid: the refund or the dispute tells the rest
            captured = _captured(found, attempt, currency)
            return [captured, *fee(captured, lambda: to_iso(found.fees or 0, currency, EXPONENTS))]
        case "failed":
            failure = details(failure_message=text(found.gateway_response))
            return [msgspec.structs.replace(attempt, kind=Kind.FAILED, detail=failure)]
        case "abandoned":
            return []
        case _:
            return [attempt] if found.status in _PROCESSING else None


def _captured(found: Transaction, attempt: Fact, currency: str) -> Fact:
    return msgspec.structs.replace(
        attempt,
        kind=Kind.CAPTURED,
        at_ms=time_to_ms(found.paid_at, "paid_at") if found.paid_at else attempt.at_ms,
        amount_minor=to_iso(found.amount, currency, EXPONENTS),
        currency=currency,
    )


def _customer(found: Transaction, said: Record) -> dict[str, str]:
    own = details(order_id=text(found.reference), method=text(found.channel))
    return {**own, **who(found.customer), **metadata.said(said)}


def who(customer: Customer | None) -> dict[str, str]:
    """A customer's details."""
    found = customer or Customer()
    return details(
        customer_id=text(found.customer_code),
        customer_email=text(found.email),
        customer_name=f"{text(found.first_name)} {text(found.last_name)}".strip(),
        customer_phone=text(found.phone),
    )


def _minor(amount: int | str) -> int:
    if isinstance(amount, int):
        return amount
    if not (amount.isascii() and amount.isdigit() and len(amount) <= _MINOR_DIGITS_MAX):
        raise MalformedPayload("a refund's amount must be whole digits")
    return int(amount)
