"""What GoCardless' API answers: about a payment or a refund, and about all else.

A payment may fail after it was confirmed, and may be tried again afterwards under the same id. So a collection is known
by the payment's id together with its ``charge_date``: what fails takes back the collection of that day and no other.
The API tells no time but that of creation, so how things stand is dated by the moment of its answer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from paybell.gateways.gocardless import account
from paybell.gateways.gocardless.money import minor_of
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.gateways.kit.metadata import expected, said
from paybell.gateways.kit.payloads import details, ident, ident_or_none, text, time_to_ms
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed

_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("created", "pending_submission", "submitted"), Kind.REFUND_PENDING),
    "paid": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(("cancelled", "failed", "bounced", "funds_returned"), Kind.REFUND_FAILED),
}


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
    payouts: account.Payout | None = None
    subscriptions: account.Subscription | None = None
    customers: account.Customer | None = None


_ANSWER: Final = payloads.decoder(_Answer)


def read(body: bytes, subject: str, at_ms: int) -> Parsed:
    """Facts about what was asked for; ``at_ms`` is when the answer came."""
    answer = payloads.read(_ANSWER, body)
    if answer.payments is not None and answer.payments.id == subject:
        return _payment(answer.payments, at_ms)
    if answer.refunds is not None and answer.refunds.id == subject:
        return _refund(answer.refunds, at_ms)
    return _account(answer, subject, at_ms) or Parsed(reason="the answer is about something else", final=False)


def _account(answer: _Answer, subject: str, at_ms: int) -> Parsed | None:
    payout, subscription, customer = answer.payouts, answer.subscriptions, answer.customers
    if payout is not None and payout.id == subject:
        return _told(f"payouts.{text(payout.status)[:60]}", account.payout(payout, at_ms))
    if subscription is not None and subscription.id == subject:
        return _told(f"subscriptions.{text(subscription.status)[:60]}", account.subscription(subscription, at_ms))
    if customer is not None and customer.id == subject:
        return _told("customers", account.customer(customer, at_ms))
    return None


def _told(name: str, fact: Fact | None) -> Parsed:
    return Parsed(event=name, reason="its status is unknown") if fact is None else Parsed(event=name, facts=(fact,))


def decisive(body: bytes) -> Sequence[object]:
    """What makes one answer differ from another."""
    answer = payloads.read(_ANSWER, body)
    payment, refund = answer.payments, answer.refunds
    return (
        payment and [payment.id, payment.status, str(payment.amount), payment.currency, payment.charge_date],
        refund and [refund.id, refund.status, str(refund.amount), refund.currency, refund.links.payment],
        answer.payouts,
        answer.subscriptions,
        answer.customers,
    )


def _payment(payment: Payment, at_ms: int) -> Parsed:
    name = f"payments.{text(payment.status)[:60]}"
    told = _stands(payment, at_ms)
    if told is None:
        return Parsed(event=name, reason="the payment's status is unknown")
    return Parsed(event=name, facts=(_created(payment), *told, *_belongs(payment)))


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
        amount_minor=minor_of(payment.amount, currency),
        currency=currency,
        detail={**detail, **said(metadata)},
    )


def _belongs(payment: Payment) -> list[Fact]:
    """Its subscription, and what it should come to."""
    at_ms = time_to_ms(payment.created_at, "created_at")
    subscription = ident_or_none(payment.links.subscription, "the subscription's id")
    return [
        *link(payment.id, subscription, LinkType.SUBSCRIPTION, at_ms),
        *expected(payment.id, payment.metadata, at_ms),
    ]


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
        amount_minor=minor_of(payment.amount, currency),
        currency=currency,
    )


def _charged_back(payment: Payment, at_ms: int) -> Fact:
    currency = currency_code(payment.currency)
    return Fact(
        aggregate=payment.id,
        kind=Kind.DISPUTE_STATUS,
        ref=payment.id,
        at_ms=at_ms,
        amount_minor=minor_of(payment.amount, currency),
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
        amount_minor=minor_of(refund.amount, currency),
        currency=currency,
    )
    return Parsed(event=name, facts=(fact,))
