"""Mollie's payments, refunds and chargebacks: the fields that are used."""

from msgspec import Struct, field

from paybell.gateways.kit.amounts import currency_code
from paybell.model.money import to_minor


class Money(Struct):
    """An amount in major units."""

    currency: str
    value: str

    @property
    def minor(self) -> int:
        """In minor units."""
        return to_minor(self.value, currency_code(self.currency))


class Refund(Struct):
    """A refund, alone or within its payment."""

    id: str
    status: str
    amount: Money
    created_at: str = field(name="createdAt")
    payment_id: str | None = field(name="paymentId", default=None)


class Reason(Struct):
    """Why a chargeback was made."""

    code: str | None = None
    description: str | None = None


class Chargeback(Struct):
    """A chargeback, alone or within its payment."""

    id: str
    amount: Money
    created_at: str = field(name="createdAt")
    reversed_at: str | None = field(name="reversedAt", default=None)
    payment_id: str | None = field(name="paymentId", default=None)
    reason: Reason | None = None


class Capture(Struct):
    """A part, or all, of what was authorized, taken."""

    id: str
    amount: Money
    created_at: str = field(name="createdAt")
    status: str | None = None


class Embedded(Struct):
    """What was asked for beside the payment."""

    captures: list[Capture] = []
    refunds: list[Refund] = []
    chargebacks: list[Chargeback] = []


class FailureDetails(Struct):
    """Why a card payment failed."""

    reason: str | None = field(name="failureReason", default=None)
    message: str | None = field(name="failureMessage", default=None)


class Address(Struct):
    """Whom the bill goes to."""

    email: str | None = None
    phone: str | None = None


class Payment(Struct, rename="camel"):
    """A payment."""

    id: str
    status: str
    amount: Money
    created_at: str
    mode: str | None = None
    amount_captured: Money | None = None
    authorized_at: str | None = None
    paid_at: str | None = None
    canceled_at: str | None = None
    expired_at: str | None = None
    failed_at: str | None = None
    method: str | None = None
    order_id: str | None = None
    customer_id: str | None = None
    subscription_id: str | None = None
    metadata: object = None
    details: FailureDetails | None = None
    billing_address: Address | None = None
    embedded: Embedded | None = field(name="_embedded", default=None)

    @property
    def livemode(self) -> bool | None:
        """Whether real money moves."""
        return {"live": True, "test": False}.get(self.mode or "")
