"""What an event of PayPal says.

The payment is the capture (or sale, in the first version of the API): its id is the only one that captures, refunds,
reversals and disputes all carry. A capture that names its authorization is joined to it; an order tells of the captures
that it holds, and may hold several payments. What a lost dispute costs goes back to the buyer as a refund or reversal
with an id and an event of its own: the money is counted there, and a dispute has its amount as a text only, or it would
count twice.
Sources: ``payments_payment_v2.json``, ``checkout_orders_v2.json``, ``customer_disputes_v1.json`` of PayPal's API
specifications, and recorded webhooks.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from msgspec import json
from msgspec.structs import replace

from paybell.gateways.kit import payloads
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.links import link
from paybell.gateways.kit.payloads import details, first_text, ident, ident_or_none, text, time_to_ms
from paybell.gateways.paypal import billing
from paybell.gateways.paypal.shapes import Dispute, Event, Money, Operation, Order, Payer
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_major

Facts = Sequence[Fact]

_EVENT: Final = payloads.decoder(Event)
_OPERATION: Final = payloads.decoder(Operation)
_ORDER: Final = payloads.decoder(Order)
_DISPUTE: Final = payloads.decoder(Dispute)
_ENCODER: Final = json.Encoder(order="deterministic", decimal_format="string")
_BACK: Final = (".REFUNDED", ".REVERSED")
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "PENDING": Kind.REFUND_PENDING,
    "COMPLETED": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(("FAILED", "CANCELLED"), Kind.REFUND_FAILED),
}
_OUTCOMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RESOLVED_BUYER_FAVOUR", "ACCEPTED"), "lost"),
    **dict.fromkeys(("RESOLVED_SELLER_FAVOUR", "DENIED"), "won"),
}
"""Others (canceled by the buyer, paid by PayPal) are closed: they take nothing from the merchant."""


def read(body: bytes, subject: str) -> Parsed:
    """Facts of the event asked for."""
    event = payloads.read(_EVENT, body)
    if event.id != subject:
        return Parsed(reason="the answer is about another event", final=False)
    facts = _READERS.get((event.resource_type or "").lower(), _nothing)(event)
    name = text(event.event_type)
    reason = (
        ""
        if facts
        else f"a {text(event.resource_type)[:40] or 'thing'} that tells of nothing that is read, or not how it stands"
    )
    return Parsed(event=name, facts=tuple(facts), reason=reason, livemode=_livemode(event))


def key(subject: str, body: bytes) -> str:
    """Equal while the event's object is; how its delivery stands does not count."""
    event = payloads.read(_EVENT, body)
    said = [subject, event.id, event.event_type, payloads.decode(bytes(event.resource))]
    return "poll:" + sha256(_ENCODER.encode(said)).hexdigest()


def _capture_event(event: Event) -> Facts:
    operation = payloads.read(_OPERATION, bytes(event.resource))
    if event.event_type.endswith(_BACK) and event.resource_type != "refund":
        return ()  # the first version of the API says a reversal as a sale of less than nothing, and not of what
    return capture(operation, None, "")


def _authorization_event(event: Event) -> Facts:
    return authorization(payloads.read(_OPERATION, bytes(event.resource)), None, "")


def _refund_event(event: Event) -> Facts:
    return refund(payloads.read(_OPERATION, bytes(event.resource)))


def _order_event(event: Event) -> Facts:
    order = payloads.read(_ORDER, bytes(event.resource))
    done = [unit.payments for unit in order.purchase_units if unit.payments is not None]
    return [
        *[fact for one in done for it in one.authorizations for fact in authorization(it, order.payer, order.id)],
        *[fact for one in done for it in one.captures for fact in capture(it, order.payer, order.id)],
        *[fact for one in done for it in one.refunds for fact in refund(it)],
    ]


def _dispute_event(event: Event) -> Facts:
    dispute = payloads.read(_DISPUTE, bytes(event.resource))
    amount = dispute.dispute_amount
    detail = details(
        status=_dispute_status(dispute),
        reason=text(dispute.reason),
        disputed="" if amount is None else f"{to_major(amount.minor, amount.code)} {amount.code}",
    )
    at = dispute.update_time or dispute.create_time or event.create_time
    ref = ident(dispute.dispute_id, "dispute_id")
    ids = [ident_or_none(it.seller_transaction_id, "seller_transaction_id") for it in dispute.disputed_transactions]
    return [_fact(it, Kind.DISPUTE_STATUS, ref, at, None, detail) for it in ids if it]


def _nothing(event: Event) -> Facts:  # noqa: ARG001 - as the other readers
    return ()


_READERS: Final[Mapping[str, Callable[[Event], Facts]]] = {
    "capture": _capture_event,
    "sale": _capture_event,
    "authorization": _authorization_event,
    "refund": _refund_event,
    "checkout-order": _order_event,
    "order": _order_event,
    "dispute": _dispute_event,
    "subscription": billing.subscription_event,
    "agreement": billing.subscription_event,
    "invoices": billing.invoice_event,
}


def capture(it: Operation, payer: Payer | None, order_id: str) -> Facts:
    """A capture or sale, and that the payment was begun with it."""
    match it.stands:
        case "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED":
            captured = _fact(it.id, Kind.CAPTURED, it.id, it.create_time or it.at, it.amount)
            return (*_begun(it, payer, order_id), captured, *_fee(it, captured))
        case "PENDING":
            stands = _fact(it.id, Kind.PROCESSING, it.id, it.at, None)
        case "DECLINED" | "DENIED" | "FAILED":
            stands = _fact(it.id, Kind.FAILED, it.id, it.at, None, _failure(it))
        case _:
            return ()
    return (*_begun(it, payer, order_id), stands)


def _begun(it: Operation, payer: Payer | None, order_id: str) -> Facts:
    """That it was begun. Of a part of an authorization, which says itself what was to be paid: that it is one."""
    created = _created(it, payer, order_id)
    of = _authorization_id(it)
    if not of:
        return (created, *billing.of_subscription(it.id, it.billing_agreement_id, created.at_ms))
    return (replace(created, amount_minor=None, currency=""), *link(of, it.id, LinkType.CAPTURE, created.at_ms))


def _authorization_id(it: Operation) -> str:
    up = next((link.href for link in it.links if link.rel == "up" and "/authorizations/" in link.href), "")
    found = first_text(it.related.authorization_id, up.rpartition("/authorizations/")[2])
    return ident_or_none(found, "the authorization's id")


def _fee(it: Operation, captured: Fact) -> Facts:
    kept = it.fee
    return fee(captured, lambda: kept.minor) if kept and kept.code == captured.currency else ()


def authorization(it: Operation, payer: Payer | None, order_id: str) -> Facts:
    """An authorization; what is captured of it names it."""
    created = _created(it, payer, order_id)
    authorized = _fact(it.id, Kind.AUTHORIZED, it.id, it.create_time or it.at, it.amount)
    match it.stands:
        case "CREATED" | "AUTHORIZED" | "PARTIALLY_CAPTURED" | "CAPTURED":
            return (created, authorized)
        case "VOIDED":
            return (created, authorized, _fact(it.id, Kind.VOIDED, "", it.at, None))
        case "EXPIRED":
            return (created, authorized, _fact(it.id, Kind.EXPIRED, "", it.at, None))
        case "PENDING":
            return (created, _fact(it.id, Kind.PROCESSING, it.id, it.at, None))
        case "DENIED":
            return (created, _fact(it.id, Kind.FAILED, it.id, it.at, None, _failure(it)))
        case _:
            return ()


def refund(it: Operation) -> Facts:
    """A refund of a capture; a reversal is one that the merchant did not ask for."""
    kind = _REFUND_KINDS.get(it.stands)
    of = _refunded_id(it)
    return () if kind is None or not of else (_fact(of, kind, ident(it.id, "the refund's id"), it.at, it.amount),)


def _refunded_id(it: Operation) -> str:
    up = next((link.href for link in it.links if link.rel == "up" and "/captures/" in link.href), "")
    for found in (it.capture_id, it.related.capture_id, it.sale_id, up.rpartition("/captures/")[2]):
        if of := ident_or_none(found, "the capture's id"):
            return of
    return ""


def _created(it: Operation, payer: Payer | None, order_id: str) -> Fact:
    who = payer or Payer()
    name = [who.name.given_name, who.name.surname] if who.name else []
    detail = details(
        order_id=first_text(it.related.order_id, order_id, it.invoice_id, it.custom_id),
        customer_id=text(who.payer_id),
        customer_email=text(who.email_address),
        customer_name=text(" ".join(filter(None, name))),
    )
    return _fact(it.id, Kind.PAYMENT_CREATED, "", it.create_time or it.at, it.amount, detail)


def _failure(it: Operation) -> dict[str, str]:
    return details(failure_code=first_text(it.status_details and it.status_details.reason, it.reason_code))


def _dispute_status(dispute: Dispute) -> str:
    if (dispute.status or "").upper() == "RESOLVED":
        code = (dispute.dispute_outcome.outcome_code if dispute.dispute_outcome else None) or ""
        return _OUTCOMES.get(code, "closed")
    return "warning" if dispute.dispute_life_cycle_stage == "INQUIRY" else "open"


def _livemode(event: Event) -> bool | None:
    hosts = {link.href.partition("/v1/")[0] for link in event.links}
    if hosts & {"https://api.sandbox.paypal.com", "https://api-m.sandbox.paypal.com"}:
        return False
    return True if hosts & {"https://api.paypal.com", "https://api-m.paypal.com"} else None


def _fact(  # noqa: PLR0917 - as a fact reads
    aggregate: str,
    kind: Kind,
    ref: str,
    at: str | None,
    amount: Money | None,
    detail: Mapping[str, str] | None = None,
) -> Fact:
    return Fact(
        aggregate=ident(aggregate, "the object's id"),
        kind=kind,
        ref=ref,
        at_ms=time_to_ms(at, "the object's time"),
        amount_minor=None if amount is None else amount.minor,
        currency="" if amount is None else amount.code,
        detail=detail or {},
    )
