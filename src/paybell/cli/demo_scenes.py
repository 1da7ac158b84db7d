"""What the demo shows: each scene is one webhook request and what must come of it. Data, no doing."""

from typing import Final

from msgspec import Struct

SOURCES: Final = {"stripe": "stripe-demo", "razorpay": "razorpay-demo", "ippopay": "ippopay-demo"}


class Scene(Struct, frozen=True, kw_only=True):
    """One request. ``payment`` names it within the demo; ids are made from it and the run's own tag.

    ``api_status`` is what the pretend IppoPay API is told first. ``told`` is the event type that must be delivered,
    '' where nothing new is to be told. ``status`` is the payment's afterwards.
    """

    title: str
    gateway: str
    event: str
    payment: str
    status: str
    told: str
    amount_minor: int = 10_000
    answer: int = 200
    forged: bool = False
    again: bool = False
    api_status: str = ""
    seconds_later: int = 0


SCENES: Final = (
    Scene(
        title="Stripe: a payment succeeded",
        gateway="stripe",
        event="payment_intent.succeeded",
        payment="book",
        status="completed",
        told="payment.completed",
    ),
    Scene(
        title="Stripe: the same webhook again",
        gateway="stripe",
        event="payment_intent.succeeded",
        payment="book",
        status="completed",
        told="",
        again=True,
    ),
    Scene(
        title="Razorpay: a payment failed",
        gateway="razorpay",
        event="payment.failed",
        payment="lamp",
        status="failed",
        told="payment.failed",
        amount_minor=49_900,
    ),
    Scene(
        title="Razorpay: captured …",
        gateway="razorpay",
        event="payment.captured",
        payment="desk",
        status="completed",
        told="payment.completed",
        amount_minor=250_000,
        seconds_later=2,
    ),
    Scene(
        title="Razorpay: … and authorized, out of order",
        gateway="razorpay",
        event="payment.authorized",
        payment="desk",
        status="completed",
        told="",
        amount_minor=250_000,
    ),
    Scene(
        title="Stripe: a forged success",
        gateway="stripe",
        event="payment_intent.succeeded",
        payment="yacht",
        status="",
        told="",
        amount_minor=99_999_900,
        answer=401,
        forged=True,
    ),
    Scene(
        title="IppoPay: says success; its API agrees",
        gateway="ippopay",
        event="order.success",
        payment="tea",
        status="completed",
        told="payment.completed",
        amount_minor=45_000,
        api_status="success",
    ),
    Scene(
        title="IppoPay: says success; its API says no",
        gateway="ippopay",
        event="order.success",
        payment="ring",
        status="failed",
        told="payment.failed",
        amount_minor=900_000,
        api_status="failure",
    ),
    Scene(
        title="Stripe: the first payment is refunded",
        gateway="stripe",
        event="refund.updated",
        payment="book",
        status="refunded",
        told="refund.completed",
        seconds_later=60,
    ),
)
