"""What Gr4vy's transactions and refunds say is true.

A transaction has no ids for its operations, only totals: its own id names its authorisation and its capture.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.gr4vy.shapes import KIND, REFUND, TRANSACTION, Billing, Refund, Transaction
from paybell.gateways.kit import metadata
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.options import Options
from paybell.gateways.kit.payloads import details, first_text, ident, read, text, time_to_ms
from paybell.model.fact import Fact, Kind

_REFUND_STATUSES: Final[Mapping[str, Kind]] = {
    "processing": Kind.REFUND_PENDING,
    "succeeded": Kind.REFUND_SUCCEEDED,
    "declined": Kind.REFUND_FAILED,
    "failed": Kind.REFUND_FAILED,
    "voided": Kind.REFUND_FAILED,
}


class _Teller(Struct, frozen=True):
    """Whose payment, when, and in what currency."""

    aggregate: str
    at_ms: int
    currency: str

    def fact(self, kind: Kind, detail: Mapping[str, str] | None = None) -> Fact:
        return Fact(aggregate=self.aggregate, kind=kind, at_ms=self.at_ms, detail=detail or {})

    def money(self, kind: Kind, ref: str, amount: object, detail: Mapping[str, str] | None = None) -> Fact:
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=to_iso(amount, self.currency, ISO_EXPONENTS),
            currency=self.currency,
            detail=detail or {},
        )


def read_target(raw: bytes, event_at: str, options: Options) -> tuple[tuple[Fact, ...], str]:
    """Facts of an event's target; or the reason why there are none."""
    kind = read(KIND, raw).type
    match kind:
        case "transaction":
            return _transaction(read(TRANSACTION, raw), event_at, options)
        case "refund":
            return _refund(read(REFUND, raw), event_at)
        case _:
            return (), f"events about {text(kind)!r} say nothing about a payment"


def _transaction(target: Transaction, event_at: str, options: Options) -> tuple[tuple[Fact, ...], str]:
    payment_id, currency = ident(target.id, "the transaction's id"), currency_code(target.currency)
    at = target.updated_at or event_at
    status = _status(_Teller(payment_id, time_to_ms(at, "updated_at"), currency), target)
    if status is None:
        return (), f"a transaction's status {text(target.status)!r} is unknown"
    start = _Teller(payment_id, time_to_ms(target.created_at or at, "created_at"), currency)
    said = metadata.believed(target.metadata, options)
    created = start.money(Kind.PAYMENT_CREATED, "", target.amount, {**_who(target), **metadata.said(said)})
    return (created, *status, *metadata.expected(payment_id, said, start.at_ms)), ""


def _status(tell: _Teller, target: Transaction) -> list[Fact] | None:
    match target.status:
        case "processing":
            return [tell.fact(Kind.PROCESSING)]
        case "buyer_approval_pending":
            return [tell.fact(Kind.REQUIRES_ACTION)]
        case "capture_pending" if not target.authorized_amount:  # a method that knows no authorisation
            return [tell.fact(Kind.PROCESSING)]
        case "authorization_succeeded" | "authorization_void_pending" | "capture_pending":
            return [tell.money(Kind.AUTHORIZED, tell.aggregate, target.authorized_amount)]
        case "authorization_declined" | "authorization_failed":
            message = text(target.raw_response_description)
            return [tell.fact(Kind.FAILED, details(failure_code=text(target.error_code), failure_message=message))]
        case "authorization_voided":
            return [tell.fact(Kind.VOIDED)]
        case "capture_succeeded":
            captured = tell.money(Kind.CAPTURED, tell.aggregate, target.captured_amount)
            refunded = target.refunded_amount
            return [captured, *([tell.money(Kind.REFUNDED_TOTAL, "", refunded)] if refunded else ())]
        case _:
            return None


def _refund(target: Refund, event_at: str) -> tuple[tuple[Fact, ...], str]:
    kind = _REFUND_STATUSES.get(target.status)
    if kind is None:
        return (), f"a refund's status {text(target.status)!r} is unknown"
    payment_id = ident(target.transaction_id, "the refund's transaction_id")
    at_ms = time_to_ms(target.updated_at or event_at, "updated_at")
    tell = _Teller(payment_id, at_ms, currency_code(target.currency))
    ref, detail = ident(target.id, "the refund's id"), details(reason=text(target.reason))
    return (tell.money(kind, ref, target.amount, detail),), ""


def _who(target: Transaction) -> dict[str, str]:
    buyer, method = target.buyer, target.payment_method
    billing = (buyer and buyer.billing_details) or Billing()
    return details(
        order_id=text(target.external_identifier),
        customer_id=first_text(buyer.id, buyer.external_identifier) if buyer else "",
        customer_name=f"{text(billing.first_name)} {text(billing.last_name)}".strip(),
        customer_email=text(billing.email_address),
        customer_phone=text(billing.phone_number),
        method=text(method.method) if method else "",
    )
