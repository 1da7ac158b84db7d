"""The envelope that another Paybell sends: it says how much was captured and refunded, so words are not enough.

Its ``amount`` is that of the payment whatever the status; a status such as ``partially_refunded`` says no amount at
all. The totals do: they give the same facts whichever of its events arrives, in whatever order.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.generic.shapes import ENVELOPE, Customer, Data, Failure
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import Record, at_pointer, details, ident, read, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import check_minor

_ATTEMPTS: Final[Mapping[str, Kind]] = {
    "processing": Kind.PROCESSING,
    "requires_action": Kind.REQUIRES_ACTION,
    "failed": Kind.FAILED,
    "canceled": Kind.CANCELED,
    "expired": Kind.EXPIRED,
}
_REFUNDS: Final[Mapping[str, Kind]] = {
    "pending": Kind.REFUND_PENDING,
    "completed": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
}
_STAGES: Final = frozenset({"warning", "open", "won", "lost", "closed"})
_HELD: Final = frozenset({"authorized", "partially_captured"})


def is_ours(body: Record) -> bool:
    """Whether a body has the totals that only Paybell sends."""
    return all(at_pointer(body, f"/data/{name}") is not None for name in ("capturedMinor", "refundedMinor"))


def read_own(body: bytes) -> Parsed:
    """What the totals, the status, and the refund or dispute of the event say."""
    said = read(ENVELOPE, body)
    data = said.data
    if not data.currency:
        return Parsed(event=text(said.event), reason="the sender knows no currency of this payment yet")
    teller = _Teller(ident(data.payment_id, "the payment id"), time_to_ms(said.timestamp, "the timestamp"), data)
    return Parsed(event=text(said.event), facts=tuple(teller.facts()), livemode=data.livemode)


class _Teller(Struct, frozen=True):
    """Whose payment, when, and what is said of it."""

    aggregate: str
    at_ms: int
    data: Data

    def facts(self) -> Iterator[Fact]:
        data = self.data
        yield self.money(Kind.PAYMENT_CREATED, data.amount_minor, detail=self.who())
        if data.status in _HELD:
            yield self.money(Kind.AUTHORIZED, data.authorized_minor)
        if data.captured_minor:
            # A capture that more will follow is a total, so that the next one does not contradict it.
            kind = Kind.CAPTURED_TOTAL if data.status == "partially_captured" else Kind.CAPTURED
            yield self.money(kind, data.captured_minor)
            if data.status not in _HELD and data.captured_minor < data.authorized_minor:
                yield self.money(Kind.VOIDED, data.authorized_minor - data.captured_minor)
        elif attempt := _ATTEMPTS.get(data.status):
            yield Fact(aggregate=self.aggregate, kind=attempt, at_ms=self.at_ms, detail=self.why())
        yield from self.parts()

    def parts(self) -> Iterator[Fact]:
        refund, dispute = self.data.refund, self.data.dispute
        if refund and (kind := _REFUNDS.get(refund.status)):
            yield self.money(kind, refund.amount_minor, ident(refund.gateway_refund_id, "the refund id"))
        elif self.data.refunded_minor:
            yield self.money(Kind.REFUNDED_TOTAL, self.data.refunded_minor)
        if dispute and dispute.status in _STAGES:
            ref = ident(dispute.gateway_dispute_id, "the dispute id")
            yield self.money(Kind.DISPUTE_STATUS, dispute.amount_minor, ref, {"status": dispute.status})

    def money(self, kind: Kind, amount: int, ref: str = "", detail: Mapping[str, str] | None = None) -> Fact:
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=check_minor(amount),
            currency=currency_code(self.data.currency),
            detail=detail or {},
        )

    def who(self) -> dict[str, str]:
        customer = self.data.customer or Customer()
        return details(
            order_id=text(self.data.order_id),
            customer_id=text(customer.id),
            customer_email=text(customer.email),
            customer_name=text(customer.name),
            customer_phone=text(customer.phone),
        )

    def why(self) -> dict[str, str]:
        failure = self.data.failure or Failure()
        return details(failure_code=text(failure.code), failure_message=text(failure.message))
