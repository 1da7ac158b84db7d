"""Stripe's payment intents and checkout sessions as facts."""

from typing import Final

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.metadata import expected
from paybell.gateways.kit.payloads import details, ident, seconds_to_ms, text
from paybell.gateways.stripe.charges import refunds_in
from paybell.gateways.stripe.pieces import (
    Found,
    Teller,
    captured_so_far,
    created,
    customer,
    given,
    id_of,
    link,
    remainder,
)
from paybell.gateways.stripe.shapes import Charge, Failure, Intent, Session
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_INTENT_STATUSES: Final = frozenset(
    {
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "processing",
        "requires_capture",
        "succeeded",
        "canceled",
    }
)


def read_intent(intent: Intent, at_ms: int) -> Found:
    """A payment's start and where it stands now."""
    status = text(intent.status)
    if status not in _INTENT_STATUSES:
        return Found(reason=f"a payment intent's status {status!r} is unknown")
    if intent.amount is None and intent.currency is None:
        return Found(reason="a payment intent that names no amount")
    tell = Teller(ident(intent.id, "the payment intent's id"), at_ms, currency_code(intent.currency))
    charge = _latest_charge(intent)
    ref = id_of(charge, "the charge's id")
    facts = [created(tell, intent)]
    facts += _intent_status(tell, intent, status, charge)
    if ref:
        facts.append(link(tell, ref, LinkType.CHARGE, facts[0].at_ms))
    if charge:
        facts += refunds_in(tell, charge)
    if invoice := id_of(intent.invoice, "the invoice's id"):
        facts.append(link(tell, invoice, LinkType.INVOICE, facts[0].at_ms))
    facts += expected(tell.aggregate, intent.metadata or {}, facts[0].at_ms)
    return Found(facts=tuple(facts))


def _intent_status(tell: Teller, intent: Intent, status: str, charge: Charge | None) -> list[Fact]:
    ref = id_of(charge, "the charge's id")
    facts: list[Fact] = []  # none for requires_confirmation: nobody has tried to pay yet
    match status:
        case "requires_action":
            facts = [tell.fact(Kind.REQUIRES_ACTION)]
        case "processing":
            facts = [tell.fact(Kind.PROCESSING, ref)]
        case "requires_capture":
            facts = [_intent_authorized(tell, intent, ref), *captured_so_far(tell, intent.amount_received)]
        case "succeeded":
            facts = _intent_captured(tell, intent, charge, ref)
        case "canceled":
            facts = [tell.fact(Kind.CANCELED, detail=details(reason=text(intent.cancellation_reason)))]
        case "requires_payment_method":
            facts = _intent_failed(tell, intent.last_payment_error)
        case _:
            pass
    return facts


def _intent_authorized(tell: Teller, intent: Intent, ref: str) -> Fact:
    """What can still be captured, and what was already (Stripe lets a payment be captured in parts)."""
    left, received = given(intent.amount_capturable, intent.amount), intent.amount_received
    whole = left + received if isinstance(left, int) and isinstance(received, int) else left
    return tell.money(Kind.AUTHORIZED, ref, whole)


def _intent_captured(tell: Teller, intent: Intent, charge: Charge | None, ref: str) -> list[Fact]:
    in_charge = given(charge.amount_captured, charge.amount) if charge else None
    amount = given(intent.amount_received, in_charge, intent.amount)
    if not ref:
        # Without the charge's id this could be counted again when the charge itself reports it: a total is not added.
        return [tell.money(Kind.CAPTURED_TOTAL, "", amount)]
    captured = tell.money(Kind.CAPTURED, ref, amount)
    manual = intent.capture_method == "manual"
    return [captured, *(remainder(tell, intent.amount, amount) if manual else ())]


def _intent_failed(tell: Teller, error: Failure | None) -> list[Fact]:
    if not error or not (error.code or error.message or error.charge):
        return []
    failure = details(failure_code=text(error.code), failure_message=text(error.message))
    return [tell.fact(Kind.FAILED, id_of(error.charge, "the failed charge's id"), failure)]


def _latest_charge(intent: Intent) -> Charge | None:
    """The charge that counts: ``latest_charge`` (id or object), else the best of the old versions' list."""
    listed = intent.charges.data if intent.charges else ()
    latest = intent.latest_charge
    if isinstance(latest, Charge):
        return latest
    if latest:
        return next((charge for charge in listed if charge.id == latest), Charge(id=latest))
    # Newest first in Stripe's lists, but a fake need not keep to it: one that succeeded counts more than its place.
    return next((charge for charge in listed if charge.status == "succeeded"), listed[0] if listed else None)


def read_session(session: Session, at_ms: int) -> Found:
    """Which order and customer a payment intent belongs to; the money is told of by the intent itself."""
    aggregate = id_of(session.payment_intent, "the payment intent's id")
    if not aggregate:
        return Found(reason="a checkout session without a payment intent")
    ref = ident(session.id, "the checkout session's id")
    start = session.created
    tell = Teller(aggregate, at_ms if start is None else seconds_to_ms(start, "the session's created"), "")
    facts = [tell.fact(Kind.LINK, ref, {"type": str(LinkType.SESSION), **customer(session)})]
    if invoice := id_of(session.invoice, "the invoice's id"):
        facts.append(link(tell, invoice, LinkType.INVOICE, tell.at_ms))
    if subscription := id_of(session.subscription, "the subscription's id"):
        facts.append(link(tell, subscription, LinkType.SUBSCRIPTION, tell.at_ms))
    facts += expected(aggregate, session.metadata or {}, tell.at_ms)
    return Found(facts=tuple(facts))
