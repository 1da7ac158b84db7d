"""Stripe's payment intents and checkout sessions as facts."""

from typing import Final

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import Record, child, children, details, ident, ident_or_none, seconds_to_ms, text
from paybell.gateways.stripe.charges import refunds_in
from paybell.gateways.stripe.pieces import Found, Teller, created, customer, given, link, remainder
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


def read_intent(intent: Record, _event: str, at_ms: int) -> Found:
    """A payment's start and where it stands now."""
    status = text(intent.get("status"))
    if status not in _INTENT_STATUSES:
        return Found(reason=f"a payment intent's status {status!r} is unknown")
    if intent.get("amount") is None and intent.get("currency") is None:
        return Found(reason="a payment intent that names no amount")
    tell = Teller(ident(intent.get("id"), "the payment intent's id"), at_ms, currency_code(intent.get("currency")))
    charge = _latest_charge(intent)
    ref = ident_or_none(charge.get("id"), "the charge's id")
    facts = [created(tell, intent)]
    facts += _intent_status(tell, intent, status, charge)
    if ref:
        facts.append(link(tell, ref, "charge", facts[0].at_ms))
        facts += refunds_in(tell, charge)
    return Found(facts=tuple(facts))


def _intent_status(tell: Teller, intent: Record, status: str, charge: Record) -> list[Fact]:
    ref = ident_or_none(charge.get("id"), "the charge's id")
    facts: list[Fact] = []  # none for requires_confirmation: nobody has tried to pay yet
    match status:
        case "requires_action":
            facts = [tell.fact(Kind.REQUIRES_ACTION)]
        case "processing":
            facts = [tell.fact(Kind.PROCESSING, ref)]
        case "requires_capture":
            facts = [tell.money(Kind.AUTHORIZED, ref, given(intent.get("amount_capturable"), intent.get("amount")))]
        case "succeeded":
            facts = _intent_captured(tell, intent, charge, ref)
        case "canceled":
            facts = [tell.fact(Kind.CANCELED, detail=details(reason=text(intent.get("cancellation_reason"))))]
        case "requires_payment_method":
            facts = _intent_failed(tell, intent)
        case _:
            pass
    return facts


def _intent_captured(tell: Teller, intent: Record, charge: Record, ref: str) -> list[Fact]:
    in_charge = given(charge.get("amount_captured"), charge.get("amount"))
    amount = given(intent.get("amount_received"), in_charge, intent.get("amount"))
    if not ref:
        # Without the charge's id this could be counted again when the charge itself reports it: a total is not added.
        return [tell.money(Kind.CAPTURED_TOTAL, "", amount)]
    captured = tell.money(Kind.CAPTURED, ref, amount)
    manual = intent.get("capture_method") == "manual"
    return [captured, *(remainder(tell, intent.get("amount"), amount) if manual else ())]


def _intent_failed(tell: Teller, intent: Record) -> list[Fact]:
    error = child(intent, "last_payment_error")
    if not error or (not error.get("code") and not error.get("message") and not error.get("charge")):
        return []
    failure = details(failure_code=text(error.get("code")), failure_message=text(error.get("message")))
    return [tell.fact(Kind.FAILED, ident_or_none(error.get("charge"), "the failed charge's id"), failure)]


def _latest_charge(intent: Record) -> Record:
    """The charge that counts: ``latest_charge`` (id or object), else the best of the old versions' list."""
    listed = children(child(intent, "charges"), "data")
    latest = intent.get("latest_charge")
    if isinstance(latest, dict):
        return latest
    if latest:
        return next((charge for charge in listed if charge.get("id") == latest), {"id": latest})
    # Newest first in Stripe's lists, but a fake need not keep to it: one that succeeded counts more than its place.
    return next((charge for charge in listed if charge.get("status") == "succeeded"), listed[0] if listed else {})


def read_session(session: Record, _event: str, at_ms: int) -> Found:
    """Which order and customer a payment intent belongs to; the money is told of by the intent itself."""
    aggregate = ident_or_none(session.get("payment_intent"), "the payment intent's id")
    if not aggregate:
        return Found(reason="a checkout session without a payment intent")
    ref = ident(session.get("id"), "the checkout session's id")
    start = session.get("created")
    tell = Teller(aggregate, at_ms if start is None else seconds_to_ms(start, "the session's created"), "")
    return Found(facts=(tell.fact(Kind.LINK, ref, {"type": "session", **customer(session)}),))
