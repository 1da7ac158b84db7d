"""Stripe's charges, refunds and disputes as facts."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.metadata import expected
from paybell.gateways.kit.payloads import details, first_text, ident, text
from paybell.gateways.stripe.funds import funds
from paybell.gateways.stripe.pieces import (
    Found,
    Teller,
    captured_so_far,
    created,
    customer,
    given,
    id_of,
    link,
    parent,
    remainder,
)
from paybell.gateways.stripe.shapes import Charge, Dispute, Movement, Refund
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "pending": Kind.REFUND_PENDING,
    "requires_action": Kind.REFUND_PENDING,
    "succeeded": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
    "canceled": Kind.REFUND_FAILED,
}
_DISPUTE_STATUSES: Final[Mapping[str, str]] = {
    "warning_needs_response": "warning",
    "warning_under_review": "warning",
    "warning_closed": "closed",
    "needs_response": "open",
    "under_review": "open",
    "charge_refunded": "closed",
    "prevented": "closed",
    "won": "won",
    "lost": "lost",
}


def read_charge(charge: Charge, event: str, at_ms: int) -> Found:
    """A charge as part of its intent; as a payment of its own where it has none."""
    ref = ident(charge.id, "the charge's id")
    intent = id_of(charge.payment_intent, "the payment intent's id")
    tell = Teller(intent or ref, at_ms, currency_code(charge.currency))
    status = _charge_status(tell, charge, ref, event)
    if status is None:
        return Found(reason=f"a charge's status {text(charge.status)!r} is unknown")
    start = created(tell, charge)
    if intent:  # the intent itself says when the payment was started and for how much; this is one try at it
        start = link(tell, ref, LinkType.CHARGE, start.at_ms)
    facts = [start, *status, *_belongs(tell, charge, start.at_ms)]
    facts += [*refunds_in(tell, charge), *_refunded_total(tell, charge)]
    if isinstance(charge.dispute, Dispute):
        facts += read_dispute(charge.dispute, at_ms).facts
    return Found(facts=tuple(facts))


def _charge_status(tell: Teller, charge: Charge, ref: str, event: str) -> list[Fact] | None:
    who = customer(charge)
    match charge.status:
        case "succeeded" if charge.captured is True:
            amount = given(charge.amount_captured, charge.amount)
            return [tell.money(Kind.CAPTURED, ref, amount, who), *remainder(tell, charge.amount, amount)]
        case "succeeded" if charge.refunded is True:
            # Released before it was captured: no money came, so none went back.
            return [tell.fact(Kind.EXPIRED if event == "charge.expired" else Kind.VOIDED)]
        case "succeeded":
            return [
                tell.money(Kind.AUTHORIZED, ref, charge.amount, who),
                *captured_so_far(tell, charge.amount_captured),
            ]
        case "pending":
            return [tell.fact(Kind.PROCESSING, ref, who)]
        case "failed":
            code, message = text(charge.failure_code), text(charge.failure_message)
            return [tell.fact(Kind.FAILED, ref, {**who, **details(failure_code=code, failure_message=message)})]
        case _:
            return None


def _belongs(tell: Teller, charge: Charge, at_ms: int) -> list[Fact]:
    """Its invoice; what is expected only where there is no intent, whose word a charge holds as it once was."""
    invoice = id_of(charge.invoice, "the invoice's id")
    named = [link(tell, invoice, LinkType.INVOICE, at_ms)] if invoice else []
    alone = tell.aggregate == charge.id
    return [*named, *(expected(tell.aggregate, charge.metadata or {}, at_ms) if alone else ())]


def refunds_in(tell: Teller, charge: Charge) -> list[Fact]:
    """Refunds that old versions nest; not those of a partial capture, whose released rest they list as well."""
    if _partly_captured(charge):
        return []
    return [fact for refund in _listed(charge) for fact in _refund_status(tell, refund)]


def _refunded_total(tell: Teller, charge: Charge) -> list[Fact]:
    amount = charge.amount_refunded
    if charge.captured is not True or _partly_captured(charge) or amount in (None, 0):
        return []
    # The total counts refunds that are still pending, or have failed; it is a check only while all have succeeded.
    if any(refund.status != "succeeded" for refund in _listed(charge)):
        return []
    return [tell.money(Kind.REFUNDED_TOTAL, "", amount)]


def _listed(charge: Charge) -> tuple[Refund, ...]:
    return charge.refunds.data if charge.refunds else ()


def _partly_captured(charge: Charge) -> bool:
    captured, whole = charge.amount_captured, charge.amount
    return isinstance(captured, int) and isinstance(whole, int) and captured < whole


def read_refund(refund: Refund, at_ms: int) -> Found:
    """Where a refund stands, of the intent it names, else of the charge."""
    aggregate = parent(refund)
    if not aggregate:
        return Found(reason="a refund that names neither a payment intent nor a charge")
    tell = Teller(aggregate, at_ms, currency_code(refund.currency))
    facts = _refund_status(tell, refund)
    if not facts:
        return Found(reason=f"a refund's status {text(refund.status)!r} is unknown")
    return Found(facts=tuple(facts))


def _refund_status(tell: Teller, refund: Refund) -> list[Fact]:
    kind = _REFUND_KINDS.get(text(refund.status))
    if kind is None:
        return []
    why = first_text(refund.failure_reason, refund.reason)
    return [tell.money(kind, ident(refund.id, "the refund's id"), refund.amount, details(reason=why))]


def read_dispute(dispute: Dispute, at_ms: int) -> Found:
    """Where a dispute stands: warning, open, won, lost or closed."""
    aggregate = parent(dispute)
    if not aggregate:
        return Found(reason="a dispute that names neither a payment intent nor a charge")
    status = _DISPUTE_STATUSES.get(text(dispute.status))
    if status is None:
        return Found(reason=f"a dispute's status {text(dispute.status)!r} is unknown")
    tell = Teller(aggregate, at_ms, currency_code(dispute.currency))
    detail = details(status=status, reason=text(dispute.reason))
    told = tell.money(Kind.DISPUTE_STATUS, ident(dispute.id, "the dispute's id"), dispute.amount, detail)
    movements = [it for it in dispute.balance_transactions or () if isinstance(it, Movement)]
    return Found(facts=(told, *funds(told, movements)))
