"""The fields of the API's answer that are read (IppoPay's docs-api, ``rest-api.md``), and nothing else of it."""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit.payloads import decoder


class Cost(Struct, frozen=True):
    """In major units."""

    paid: object = None
    settled: object = None


class Commission(Struct, frozen=True):
    """What IppoPay keeps, in major units; the tax is in the total."""

    total: object = None
    tax: object = None


class Phone(Struct, frozen=True):
    """A number in two pieces."""

    country_code: str | int | None = None
    national_number: str | int | None = None


class Customer(Struct, frozen=True):
    """Who pays."""

    name: str | None = None
    email: str | None = None
    phone: Phone | None = None


class Refund(Struct, frozen=True):
    """Not documented: where an amount of a refund may stand."""

    amount: object = None


class Order(Struct, frozen=True):
    """The order, where it is nested."""

    order_id: str | None = None


class Mode(Struct, frozen=True):
    """How it was paid, such as ``UPI``."""

    pay_mode: str | None = None


class Gateway(Struct, frozen=True):
    """What the payment went through."""

    payment_mode: Mode | None = None


class Transaction(Struct, frozen=True, kw_only=True):
    """One attempt at paying an order."""

    trans_id: str | int | None = None
    status: str | None = None
    order_id: str | None = None
    orderId: str | None = None  # noqa: N815 - IppoPay's own spelling
    order: Order | None = None
    cost: Cost = Cost()
    commission: Commission = Commission()
    currency: str | None = None
    refund_status: str | None = None
    refund_amt: object = None
    refund_amount: object = None
    refund: Refund = Refund()
    failure_reason: str | None = None
    createdAt: str | int | None = None  # noqa: N815 - IppoPay's own spelling
    updatedAt: str | int | None = None  # noqa: N815 - IppoPay's own spelling
    customer: Customer = Customer()
    gateway: Gateway = Gateway()


class Data(Struct, frozen=True):
    """One transaction, or several under either name."""

    transaction: Transaction | tuple[Transaction, ...] | None = None
    transactions: tuple[Transaction, ...] = ()


class Answer(Struct, frozen=True):
    """The envelope; what an answer that is no success has for ``data`` is not documented."""

    success: object = None
    message: object = None
    data: Data | tuple[Transaction, ...] | str | None = None


ANSWER: Final = decoder(Answer)
