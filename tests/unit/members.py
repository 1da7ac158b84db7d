"""Histories of customers: what a gateway tells of a subscription or a purchase, a day at a time."""

from typing import Final

from msgspec.structs import replace

from paybell.gateways.kit import accounts
from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.entitlement import DAY_MS
from paybell.model.fact import Fact, Kind
from paybell.testing.builders import fact
from paybell.testing.fake_clock import START_MS

WHO: Final = {"customer_id": "cus_1", "customer_email": "Pat@Example.com", "user_id": "u_7"}


def day(number: float) -> int:
    return START_MS + int(number * DAY_MS)


def on(told: Fact, at_day: float) -> Fact:
    return replace(told, at_ms=day(at_day))


def subscribed(status: str, at_day: float, until: float = 0, *, ends: float = 0, last: bool = False) -> Fact:
    return accounts.subscription(
        "sub_1",
        SubscriptionStatus(status),
        at_ms=day(at_day),
        plan="price_1",
        period_end_ms=day(until) if until else 0,
        ends_at_ms=day(ends) if ends else 0,
        cancel_at_period_end=last,
        who=WHO,
    )


def billed(status: str, at_day: float, until: float, *, no: int = 1) -> Fact:
    return accounts.invoice(
        f"in_{no}",
        InvoiceStatus(status),
        at_ms=day(at_day),
        money=(900, "EUR"),
        subscription_id="sub_1",
        plan="price_1",
        period_end_ms=day(until),
        who=WHO,
    )


def paid(at_day: float, *, no: int = 1, product: str = "", invoice: str = "") -> tuple[Fact, ...]:
    """A payment ``pi_{no}`` of 900, for a product or an invoice."""
    name = f"pi_{no}"
    detail = {**WHO, **({"product": product} if product else {})}
    sale = fact(Kind.CAPTURED, f"ch_{no}", 900, aggregate=name, currency="EUR", detail=detail)
    link = fact(Kind.LINK, invoice, aggregate=name, detail={"type": "invoice"})
    return (on(sale, at_day), *((on(link, at_day),) if invoice else ()))


def refunded(at_day: float, *, no: int = 1, amount: int = 900) -> Fact:
    return on(
        fact(Kind.REFUND_SUCCEEDED, f"re_{no}", amount, aggregate=f"pi_{no}", currency="EUR"),
        at_day,
    )


def disputed(status: str, at_day: float, *, no: int = 1) -> Fact:
    told = fact(Kind.DISPUTE_STATUS, "dp_1", 900, aggregate=f"pi_{no}", currency="EUR", detail={"status": status})
    return on(told, at_day)
