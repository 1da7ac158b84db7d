"""What Mercado Pago's API answers about a payment, an order or a chargeback, as facts. Amounts are major units.

A chargeback is known by its payment's id, whichever object tells of it: a payment has at most one, and the payment
does not name it. A payment in mediation is a warning only: when the mediation ends, nothing says that there was one.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.gateways.kit.metadata import expected, said
from paybell.gateways.mercadopago import billing, order
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_CAME: Final = frozenset({"approved", "in_mediation", "refunded", "charged_back"})
_OPEN: Final = frozenset({"pending", "in_process", "in_mediation"})
_REFUNDS: Final[Mapping[str, Kind]] = {
    "approved": Kind.REFUND_SUCCEEDED,
    "in_process": Kind.REFUND_PENDING,
    "rejected": Kind.REFUND_FAILED,
    "cancelled": Kind.REFUND_FAILED,
}
_CHARGEBACKS: Final[Mapping[str, str]] = {"settled": "lost", "reimbursed": "won"}


class _Refund(Struct, frozen=True):
    id: str | int
    amount: object = None
    status: object = None
    date_created: object = None


class _Payer(Struct, frozen=True):
    id: object = None
    email: object = None


class _Transaction(Struct, frozen=True):
    subscription_id: object = None


class _Interaction(Struct, frozen=True):
    type: object = None
    transaction_data: _Transaction | None = None


class _Answer(Struct, frozen=True):
    id: str | int
    status: object = None
    status_detail: object = None
    currency_id: object = None
    transaction_amount: object = None
    transaction_amount_refunded: object = None
    date_created: object = None
    date_approved: object = None
    date_last_updated: object = None
    external_reference: object = None
    payment_method_id: object = None
    payer: _Payer | None = None
    refunds: tuple[_Refund, ...] | None = None
    live_mode: object = None
    transactions: order.Transactions | None = None
    payments: tuple[object, ...] | None = None
    currency: object = None
    amount: object = None
    coverage_applied: object = None
    metadata: object = None
    point_of_interaction: _Interaction | None = None
    preapproval_id: object = None
    auto_recurring: object = None

    @property
    def noted(self) -> payloads.Record:
        """What the merchant says of the payment."""
        return self.metadata if isinstance(self.metadata, dict) else {}

    @property
    def is_billing(self) -> bool:
        """Whether it is a subscription, or a charge of one."""
        return self.preapproval_id is not None or self.auto_recurring is not None


_ANSWER: Final = payloads.decoder(_Answer)
_WHOLE: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, subject: str, received_at_ms: int) -> Parsed:
    """Facts about what was asked for; not final while it is open."""
    found = payloads.read(_ANSWER, body)
    if str(found.id).lower() != subject.lower() and not found.payments:
        return Parsed(reason="the answer is about something else", final=False)
    livemode = found.live_mode if isinstance(found.live_mode, bool) else None
    if found.is_billing:
        return billing.read(body, received_at_ms)
    if found.transaction_amount is not None:
        return _payment(found, received_at_ms, livemode)
    if found.transactions is not None:
        return order.read(body, received_at_ms)
    if found.payments:
        return Parsed(event="chargeback", facts=(_chargeback(found, received_at_ms),), livemode=livemode)
    return Parsed(reason="the answer is neither a payment, nor an order, nor a chargeback", final=False)


def key(subject: str, body: bytes) -> str:
    """A key of what decides."""
    found = payloads.read(_ANSWER, body)
    refunds = [[str(each.id), str(each.status), str(each.amount)] for each in found.refunds or ()]
    parts = (found.status, found.status_detail, found.transaction_amount, found.transaction_amount_refunded)
    told = [subject, *(str(part) for part in parts), str(found.coverage_applied), str(found.amount), sorted(refunds)]
    of_order = order.said(body) if found.transactions is not None else []
    of_more = [of_order, billing.said(body)] if found.is_billing else [of_order]
    return "poll:" + sha256(_WHOLE.encode([told, *of_more])).hexdigest()


def _payment(found: _Answer, received_at_ms: int, livemode: bool | None) -> Parsed:  # noqa: FBT001 - may be unknown
    status, payment_id = payloads.text(found.status), payloads.ident(found.id, "the payment's id")
    currency = currency_code(found.currency_id)
    changed_ms = _time(found.date_last_updated, received_at_ms)
    created = Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=_time(found.date_created, changed_ms),
        amount_minor=to_minor(found.transaction_amount, currency),
        currency=currency,
        detail=_customer(found),
    )
    if status in _CAME:
        facts = [_money(created, Kind.CAPTURED, _time(found.date_approved, changed_ms))]
        facts += [*_refunds(found, created), *_dispute(found, created, status, changed_ms)]
    elif status == "authorized":
        facts = [_money(created, Kind.AUTHORIZED, changed_ms)]
    else:
        moved = _moved(found, payment_id, status, changed_ms)
        if moved is None:
            return Parsed(reason=f"the status {status!r} is unknown", livemode=livemode, final=False)
        facts = [moved]
    told = (created, *facts, *_belongs(found, created))
    return Parsed(event="payment", facts=told, livemode=livemode, final=status not in _OPEN)


def _belongs(found: _Answer, created: Fact) -> list[Fact]:
    """Its subscription, and what it should come to."""
    point = found.point_of_interaction or _Interaction()
    named = point.transaction_data.subscription_id if point.transaction_data else None
    subscription = payloads.ident_or_none(named, "subscription_id") if point.type == "SUBSCRIPTIONS" else ""
    return [
        *link(created.aggregate, subscription, LinkType.SUBSCRIPTION, created.at_ms),
        *expected(created.aggregate, found.noted, created.at_ms),
    ]


def _moved(found: _Answer, payment_id: str, status: str, at_ms: int) -> Fact | None:
    detail = payloads.text(found.status_detail)
    match status:
        case "pending" | "in_process":
            kind = Kind.REQUIRES_ACTION if detail == "pending_challenge" else Kind.PROCESSING
            return Fact(aggregate=payment_id, kind=kind, ref=payment_id, at_ms=at_ms)
        case "rejected":
            failure = payloads.details(failure_code=detail)
            return Fact(aggregate=payment_id, kind=Kind.FAILED, ref=payment_id, at_ms=at_ms, detail=failure)
        case "cancelled" | "canceled":
            kind = Kind.EXPIRED if detail == "expired" else Kind.CANCELED
            return Fact(aggregate=payment_id, kind=kind, at_ms=at_ms)
        case _:
            return None


def _money(created: Fact, kind: Kind, at_ms: int) -> Fact:
    return msgspec.structs.replace(created, kind=kind, ref=created.aggregate, at_ms=at_ms, detail={})


def _refunds(found: _Answer, created: Fact) -> list[Fact]:
    facts = [
        msgspec.structs.replace(
            created,
            kind=kind,
            ref=payloads.ident(each.id, "a refund's id"),
            at_ms=_time(each.date_created, created.at_ms),
            amount_minor=to_minor(each.amount, created.currency),
            detail={},
        )
        for each in found.refunds or ()
        if (kind := _REFUNDS.get(payloads.text(each.status)))
    ]
    total = to_minor(found.transaction_amount_refunded or 0, created.currency)
    if total:
        facts.append(msgspec.structs.replace(created, kind=Kind.REFUNDED_TOTAL, amount_minor=total, detail={}))
    return facts


def _dispute(found: _Answer, created: Fact, status: str, at_ms: int) -> list[Fact]:
    if status not in {"in_mediation", "charged_back"}:
        return []
    detail = payloads.text(found.status_detail)
    stands = _CHARGEBACKS.get(detail, "open") if status == "charged_back" else "warning"
    kind, told = Kind.DISPUTE_STATUS, payloads.details(status=stands, reason=detail)
    return [msgspec.structs.replace(created, kind=kind, ref=created.aggregate, at_ms=at_ms, detail=told)]


def _chargeback(found: _Answer, received_at_ms: int) -> Fact:
    payment_id = payloads.ident((found.payments or ("",))[0], "the chargeback's payment")
    currency = currency_code(found.currency)
    if found.amount is None:
        raise MalformedPayload("a chargeback without an amount")
    won = found.coverage_applied is True or found.coverage_applied == "true"
    return Fact(
        aggregate=payment_id,
        kind=Kind.DISPUTE_STATUS,
        ref=payment_id,
        at_ms=_time(found.date_last_updated, received_at_ms),
        amount_minor=to_minor(found.amount, currency),
        currency=currency,
        detail={"status": "won" if won else "open"},
    )


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else payloads.time_to_ms(value, "a time of the answer")


def _customer(found: _Answer) -> dict[str, str]:
    payer = found.payer or _Payer()
    known = payloads.details(
        order_id=payloads.text(found.external_reference),
        customer_id=payloads.text(payer.id),
        customer_email=payloads.text(payer.email),
        method=payloads.text(found.payment_method_id),
    )
    return {**known, **said(found.noted)}
