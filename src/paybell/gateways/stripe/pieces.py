"""What Stripe's objects have in common: who tells, the customer, the payment's start."""

from collections.abc import Mapping

from msgspec import Struct

from paybell.gateways.kit.amounts import STRIPE_EXPONENTS, to_iso
from paybell.gateways.kit.payloads import Record, child, details, first_text, ident_or_none, seconds_to_ms
from paybell.model.fact import Fact, Kind


class Found(Struct, frozen=True, kw_only=True):
    """Facts, or the reason why there are none."""

    facts: tuple[Fact, ...] = ()
    reason: str = ""


class Teller(Struct, frozen=True):
    """Who tells (the payment's id), when, and in what currency."""

    aggregate: str
    at_ms: int
    currency: str

    def fact(self, kind: Kind, ref: str = "", detail: Mapping[str, str] | None = None) -> Fact:
        """A fact without an amount."""
        return Fact(aggregate=self.aggregate, kind=kind, ref=ref, at_ms=self.at_ms, detail=detail or {})

    def money(self, kind: Kind, ref: str, amount: object, detail: Mapping[str, str] | None = None) -> Fact:
        """A fact with an amount as Stripe writes it."""
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=to_iso(amount, self.currency, STRIPE_EXPONENTS),
            currency=self.currency,
            detail=detail or {},
        )


def created(tell: Teller, thing: Record) -> Fact:
    """That the payment was started, at the object's own time, with what is known of the customer."""
    start = thing.get("created")
    start_ms = tell.at_ms if start is None else seconds_to_ms(start, "created")
    teller = Teller(tell.aggregate, start_ms, tell.currency)
    return teller.money(Kind.PAYMENT_CREATED, "", thing.get("amount"), customer(thing))


def link(tell: Teller, ref: str, kind: str, at_ms: int) -> Fact:
    """That ``ref`` is another name of the payment."""
    return Teller(tell.aggregate, at_ms, "").fact(Kind.LINK, ref, {"type": kind})


def remainder(tell: Teller, whole: object, captured: object) -> list[Fact]:
    """What was authorized beyond a partial capture, and so released."""
    if isinstance(whole, int) and isinstance(captured, int) and captured < whole:
        return [tell.money(Kind.VOIDED, "", whole - captured)]
    return []


def parent(thing: Record) -> str:
    """The payment that a refund or dispute is about: the intent, else the charge; '' where it names neither."""
    intent = ident_or_none(thing.get("payment_intent"), "the payment intent's id")
    charge = thing.get("charge")
    nested = ident_or_none(charge.get("payment_intent"), "the payment intent's id") if isinstance(charge, dict) else ""
    return intent or nested or ident_or_none(charge, "the charge's id")


def customer(thing: Record) -> dict[str, str]:
    """What an object says of the order and of who pays."""
    metadata = child(thing, "metadata")
    billing = child(thing, "billing_details")
    entered = child(thing, "customer_details")
    orders = (metadata.get(name) for name in ("order_id", "orderId", "order"))
    return details(
        order_id=first_text(thing.get("client_reference_id"), *orders),
        customer_id=ident_or_none(thing.get("customer"), "the customer's id"),
        customer_email=first_text(thing.get("receipt_email"), billing.get("email"), entered.get("email")),
        customer_name=first_text(billing.get("name"), entered.get("name")),
        customer_phone=first_text(billing.get("phone"), entered.get("phone")),
    )


def given(*values: object) -> object:
    """The first value that is there."""
    return next((value for value in values if value is not None), None)
