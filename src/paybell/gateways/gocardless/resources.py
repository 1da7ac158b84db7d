"""What GoCardless' API answers about a payment or a refund.

A payment may fail after it was confirmed, and may be tried again afterwards under the same id. So a collection is known
by the payment's id together with its ``charge_date``: what fails takes back the collection of that day and no other.
The API tells no time but that of creation, so how things stand is dated by the moment of its answer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from paybell.errors import AmountError
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.payloads import details, ident, ident_or_none, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed

_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("created", "pending_submission", "submitted"), Kind.REFUND_PENDING),
    "paid": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(("cancelled", "failed", "bounced", "funds_returned"), Kind.REFUND_FAILED),
}
_DIGITS_MAX: Final = 18


class Links(Struct):
    """What else there is."""

    payment: str | None = None
    mandate: str | None = None
    subscription: str | None = None


class Payment(Struct):
    """A payment."""

    id: str
    status: str
    amount: int | str
    currency: str
    created_at: str
    charge_date: str | None = None
    reference: str | None = None
    metadata: dict[str, str] = {}
    links: Links = field(default_factory=Links)

    @property
    def collection(self) -> str:
        """The id of this try to collect."""
        return f"{self.id}:{self.charge_date}" if self.charge_date else self.id


class Refund(Struct):
    """A refund."""

    id: str
    amount: int | str
    currency: str
    created_at: str
    status: str = ""
    links: Links = field(default_factory=Links)


class _Answer(Struct):
    payments: Payment | None = None
    refunds: Refund | None = None


_ANSWER: Final = payloads.decoder(_Answer)


def read(body: bytes, subject: str, at_ms: int) -> Parsed:
    """Facts about what was asked for; ``at_ms`` is when the answer came."""
    answer = payloads.read(_ANSWER, body)
    if answer.payments is not None and answer.payments.id == subject:
        return _payment(answer.payments, at_ms)
    if answer.refunds is not None and answer.refunds.id == subject:
        return _refund(answer.refunds, at_ms)
    return Parsed(reason="the answer is about something else", final=False)


def decisive(body: bytes) -> Sequence[object]:
    """What makes one answer differ from another."""
    answer = payloads.read(_ANSWER, body)
    payment, refund = answer.payments, answer.refunds
    return (
        payment and [payment.id, payment.status, str(payment.amount), payment.currency, payment.charge_date],
        refund and [refund.id, refund.status, str(refund.amount), refund.currency, refund.links.payment],
    )


def _payment(payment: Payment, at_ms: int) -> Parsed:
    name = f"payments.{text(payment.status)[:60]}"
    told = _stands(payment, at_ms)
    if told is None:
        return Parsed(event=name, reason="the payment's status is unknown")
    return Parsed(event=name, facts=(_created(payment), *told))


def _stands(payment: Payment, at_ms: int) -> list[Fact] | None:
    match payment.status:
        case "pending_submission":
            return []
        case "pending_customer_approval":
            return [_plain(payment, Kind.REQUIRES_ACTION, at_ms)]
        case "submitted":
            return [_plain(payment, Kind.PROCESSING, at_ms)]
        case "confirmed" | "paid_out":
            return [_money(payment, Kind.CAPTURED, at_ms)]
        case "cancelled":
            return [Fact(aggregate=payment.id, kind=Kind.CANCELED, at_ms=at_ms)]
        case "customer_approval_denied":
            return [_plain(payment, Kind.FAILED, at_ms, {"failure_code": payment.status})]
        case "failed":
            return [_plain(payment, Kind.FAILED, at_ms), _plain(payment, Kind.CAPTURE_REVERSED, at_ms)]
        case "charged_back":
            return [_money(payment, Kind.CAPTURED, at_ms), _charged_back(payment, at_ms)]
        case _:
            return None


def _created(payment: Payment) -> Fact:
    currency = currency_code(payment.currency)
    metadata = payment.metadata
    detail = details(
        order_id=text(metadata.get("order_id") or metadata.get("order") or payment.reference),
        method="direct_debit" if payment.links.mandate else "",
    )
    return Fact(
        aggregate=ident(payment.id, "the payment's id"),
        kind=Kind.PAYMENT_CREATED,
        at_ms=time_to_ms(payment.created_at, "created_at"),
        amount_minor=_minor(payment.amount, currency),
        currency=currency,
        detail=detail,
    )


def _plain(payment: Payment, kind: Kind, at_ms: int, detail: Mapping[str, str] | None = None) -> Fact:
    ref = ident(payment.collection, "the charge_date")
    return Fact(aggregate=payment.id, kind=kind, ref=ref, at_ms=at_ms, detail=detail or {})


def _money(payment: Payment, kind: Kind, at_ms: int) -> Fact:
    currency = currency_code(payment.currency)
    return Fact(
        aggregate=payment.id,
        kind=kind,
        ref=ident(payment.collection, "the charge_date"),
        at_ms=at_ms,
        amount_minor=_minor(payment.amount, currency),
        currency=currency,
    )


def _charged_back(payment: Payment, at_ms: int) -> Fact:
    currency = currency_code(payment.currency)
    return Fact(
        aggregate=payment.id,
        kind=Kind.DISPUTE_STATUS,
        ref=payment.id,
        at_ms=at_ms,
        amount_minor=_minor(payment.amount, currency),
        currency=currency,
        detail={"status": "lost"},
    )


def _refund(refund: Refund, at_ms: int) -> Parsed:
    name = f"refunds.{text(refund.status)[:60]}"
    of = ident_or_none(refund.links.payment, "the payment's id")
    kind = _REFUND_KINDS.get(refund.status)
    if not of or kind is None:
        reason = "the refund's status is unknown" if of else "a refund of no payment"
        return Parsed(event=name, reason=reason)
    currency = currency_code(refund.currency)
    fact = Fact(
        aggregate=of,
        kind=kind,
        ref=ident(refund.id, "the refund's id"),
        at_ms=at_ms,
        amount_minor=_minor(refund.amount, currency),
        currency=currency,
    )
    return Parsed(event=name, facts=(fact,))


def _minor(amount: int | str, currency: str) -> int:
    """The API writes whole numbers; its own examples have them as texts."""
    if isinstance(amount, str):
        if not (amount.isascii() and amount.isdigit() and len(amount) <= _DIGITS_MAX):
            raise AmountError("an amount in minor units must be a whole number")
        amount = int(amount)
    return to_iso(amount, currency, ISO_EXPONENTS)
