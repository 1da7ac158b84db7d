"""What Stripe's objects have in common: who tells, the customer, the payment's start."""

from collections.abc import Mapping

from msgspec import Struct

from paybell.gateways.kit.amounts import STRIPE_EXPONENTS, to_iso
from paybell.gateways.kit.metadata import said
from paybell.gateways.kit.payloads import details, first_text, ident_or_none, seconds_to_ms
from paybell.gateways.stripe.shapes import Charge, Contact, Dispute, Intent, Named, Part, Payer, Refund
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_NOBODY = Contact()


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


def created(tell: Teller, thing: Intent | Charge) -> Fact:
    """That the payment was started, at the object's own time, with what is known of the customer."""
    start_ms = tell.at_ms if thing.created is None else seconds_to_ms(thing.created, "created")
    teller = Teller(tell.aggregate, start_ms, tell.currency)
    return teller.money(Kind.PAYMENT_CREATED, "", thing.amount, customer(thing))


def link(tell: Teller, ref: str, kind: LinkType, at_ms: int) -> Fact:
    """That ``ref`` is another id of the payment."""
    return Teller(tell.aggregate, at_ms, "").fact(Kind.LINK, ref, {"type": str(kind)})


def remainder(tell: Teller, whole: object, captured: object) -> list[Fact]:
    """What was authorized beyond a partial capture, and so released."""
    if isinstance(whole, int) and isinstance(captured, int) and captured < whole:
        return [tell.money(Kind.VOIDED, "", whole - captured)]
    return []


def captured_so_far(tell: Teller, amount: object) -> list[Fact]:
    """What was captured in parts while more may follow: a total, so that the next part does not contradict it."""
    return [tell.money(Kind.CAPTURED_TOTAL, "", amount)] if amount else []


def id_of(reference: str | Named | Part | Charge | None, what: str) -> str:
    """The id that a reference is, or that its expanded object has; '' where there is none."""
    return ident_or_none(reference if reference is None or isinstance(reference, str) else reference.id, what)


def parent(thing: Refund | Dispute) -> str:
    """The payment that a refund or dispute is about: the intent, else the charge; '' where it names neither."""
    charge = thing.charge
    nested = charge.payment_intent if isinstance(charge, Part) else None
    what = "the payment intent's id"
    return id_of(thing.payment_intent, what) or id_of(nested, what) or id_of(charge, "the charge's id")


def customer(thing: Payer) -> dict[str, str]:
    """What an object says of the order and of who pays."""
    noted = thing.metadata or {}
    billing, entered = thing.billing_details or _NOBODY, thing.customer_details or _NOBODY
    known = details(
        order_id=first_text(thing.client_reference_id, noted.get("order_id"), noted.get("orderId"), noted.get("order")),
        customer_id=id_of(thing.customer, "the customer's id"),
        customer_email=first_text(thing.receipt_email, billing.email, entered.email),
        customer_name=first_text(billing.name, entered.name),
        customer_phone=first_text(billing.phone, entered.phone),
    )
    return {**known, **said(noted)}


def given(*values: object) -> object:
    """The first value that is there."""
    return next((value for value in values if value is not None), None)
