"""PayPal's events and their objects, of both versions of its API: the fields that are used."""

from msgspec import Raw, Struct, field

from paybell.errors import MalformedPayload
from paybell.gateways.kit.amounts import currency_code
from paybell.model.money import to_minor


class Money(Struct):
    """An amount in major units; the first version of the API calls its parts otherwise."""

    value: str | None = None
    currency_code: str | None = None
    total: str | None = None
    currency: str | None = None

    @property
    def code(self) -> str:
        """The currency."""
        return currency_code(self.currency_code or self.currency)

    @property
    def minor(self) -> int:
        """In minor units."""
        return to_minor(self.value if self.value is not None else self.total, self.code)


class Link(Struct):
    """A link to another object; it is read for the id at its end, and never asked."""

    href: str = ""
    rel: str = ""


class Related(Struct):
    """Ids of other objects."""

    order_id: str | None = None
    authorization_id: str | None = None
    capture_id: str | None = None


class Supplementary(Struct):
    """Where those ids stand."""

    related_ids: Related = field(default_factory=Related)


class Details(Struct):
    """Why a status is what it is."""

    reason: str | None = None


class Breakdown(Struct):
    """What a capture comes to; the second fee is there where it was charged in the receiver's currency."""

    paypal_fee: Money | None = None
    paypal_fee_in_receivable_currency: Money | None = None


class Operation(Struct):
    """A capture or sale, an authorization, or a refund."""

    id: str
    amount: Money
    status: str | None = None
    state: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    status_details: Details | None = None
    reason_code: str | None = None
    supplementary_data: Supplementary | None = None
    invoice_id: str | None = None
    custom_id: str | None = None
    sale_id: str | None = None
    capture_id: str | None = None
    billing_agreement_id: str | None = None
    seller_receivable_breakdown: Breakdown | None = None
    transaction_fee: Money | None = None
    links: list[Link] = []

    @property
    def fee(self) -> Money | None:
        """What PayPal keeps of a capture or, in the first version of the API, of a sale."""
        parts = self.seller_receivable_breakdown or Breakdown()
        return None if parts.paypal_fee_in_receivable_currency else parts.paypal_fee or self.transaction_fee

    @property
    def stands(self) -> str:
        """How it stands, in upper case."""
        return (self.status or self.state or "").upper()

    @property
    def related(self) -> Related:
        """The ids of other objects."""
        return (self.supplementary_data or Supplementary()).related_ids

    @property
    def at(self) -> str:
        """When it came to stand so."""
        at = self.update_time or self.create_time
        if at is None:
            raise MalformedPayload("the event's object has no time")
        return at


class Payments(Struct):
    """What was done for a part of an order."""

    authorizations: list[Operation] = []
    captures: list[Operation] = []
    refunds: list[Operation] = []


class Unit(Struct):
    """A part of an order."""

    payments: Payments | None = None


class Name(Struct):
    """A person's name."""

    given_name: str | None = None
    surname: str | None = None


class Payer(Struct):
    """Who pays."""

    payer_id: str | None = None
    email_address: str | None = None
    name: Name | None = None


class Order(Struct):
    """An order."""

    id: str
    status: str | None = None
    payer: Payer | None = None
    purchase_units: list[Unit] = []


class Disputed(Struct):
    """A transaction that is disputed."""

    seller_transaction_id: str | None = None


class Outcome(Struct):
    """How a dispute ended."""

    outcome_code: str | None = None


class Dispute(Struct):
    """A dispute."""

    dispute_id: str
    status: str | None = None
    reason: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    dispute_amount: Money | None = None
    dispute_outcome: Outcome | None = None
    dispute_life_cycle_stage: str | None = None
    disputed_transactions: list[Disputed] = []


class Event(Struct):
    """An event as the API answers it."""

    id: str
    event_type: str
    create_time: str | None = None
    resource_type: str | None = None
    resource: Raw = Raw(b"{}")
    links: list[Link] = []
