"""Payments: state, and what happened."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field, WithJsonSchema

from paybell.model.money import to_major
from paybell.model.payment import DisputeStatus, Match, Payment, PaymentStatus, RefundStatus
from paybell.ports import TimelineEntry
from paybell.record.timelines import payment_timeline as timeline_of
from paybell.web.api.caller import Caller, Calling, Filter, Paging, keyed_router
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_ends, when

router = keyed_router("payment")

Name = Annotated[str, Path(description="The payment's id.")]
Amount = Annotated[
    Decimal,
    WithJsonSchema({"type": "number"}),
    Field(description="In the currency's major unit, with all its digits: 100.00.", examples=[100.0]),
]


class RefundOut(Shape):
    """A refund, under the gateway's id."""

    ref: str
    status: RefundStatus
    amount_minor: int


class DisputeOut(Shape):
    """A dispute, under the gateway's id."""

    ref: str
    status: DisputeStatus
    amount_minor: int


class PaymentOut(Shape):
    """A payment. ``…Minor`` are whole numbers of the currency's smallest unit; ``version`` rises with every fact."""

    id: str
    gateway_payment_id: str
    aliases: Annotated[list[str], Field(description="The gateway's other ids of this payment; any of them finds it.")]
    order_id: str
    status: PaymentStatus
    amount: Amount
    amount_minor: int
    currency: str
    version: int
    livemode: bool
    source: Annotated[str, Field(description="The source's uid; its id once it is deleted.")]
    source_id: str
    gateway: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    customer: dict[str, str]
    failure: dict[str, str]
    refunds: list[RefundOut]
    disputes: list[DisputeOut]
    flags: Annotated[list[str], Field(description="What somebody should look at: conflict, needs_fetch, overpaid …")]
    expected_minor: Annotated[int, Field(description="What its order should pay; 0 where nobody said.")]
    expected_currency: str
    match: Annotated[Match | None, Field(description="How it compares with that, once money was captured.")]
    created_at: Time
    updated_at: Time


class TimelineOut(Shape):
    """One thing that happened.

    ``kind`` is notification, fact, merge, transition, posting, silence, message, delivery or attempt.
    """

    at: Time
    kind: str
    id: str
    text: str
    detail: dict[str, Any]


@router.get("/payment", response_model=PageOut[PaymentOut])
async def payment_list(  # noqa: PLR0917 - filters come by name
    caller: Calling,
    paging: Paging,
    source: Filter = "",
    gatewayPaymentId: Filter = "",  # noqa: N803 - the name in the URL
    orderId: Filter = "",  # noqa: N803
    status: PaymentStatus | None = None,
) -> Response:
    """Payments, newest first; ``source`` is an id or uid, ``gatewayPaymentId`` any of a gateway's ids of a payment."""
    query = paging.query(
        source_id=await caller.source_id(source),
        gateway_payment_id=gatewayPaymentId,
        order_id=orderId,
        status=status or "",
    )
    page = await caller.store.payment_page(query)
    shown = [await _show(caller, payment) for payment in page.data]
    return exact(PageOut[PaymentOut](data=shown, **page_ends(page)))


@router.get("/payment/{payment}", response_model=PaymentOut)
async def payment_get(payment: Name, caller: Calling) -> Response:
    """One payment; for the id of one that was merged into another, that other one."""
    return exact(await _show(caller, await caller.store.payment_get(caller.organisation_id, payment)))


@router.get("/payment/{payment}/timeline")
async def payment_timeline(payment: Name, caller: Calling) -> PageOut[TimelineOut]:
    """Everything that happened to a payment, and to those merged into it, oldest first, in one page."""
    entries = await timeline_of(caller.store, caller.organisation_id, payment)
    return PageOut(data=[_show_entry(it) for it in entries], iterator=None, prev_iterator=None, done=True)


async def _show(caller: Caller, payment: Payment) -> PaymentOut:
    state = payment.state
    source = await caller.store.source_get(payment.source_id)
    return PaymentOut(
        id=payment.id,
        gateway_payment_id=payment.gateway_payment_id,
        aliases=list(state.aliases),
        order_id=state.order_id,
        status=state.status,
        amount=to_major(state.amount_minor, state.currency),
        amount_minor=state.amount_minor,
        currency=state.currency,
        version=state.version,
        livemode=payment.livemode,
        source=source.uid if source is not None else payment.source_id,
        source_id=payment.source_id,
        gateway=payment.gateway,
        authorized_minor=state.authorized_minor,
        captured_minor=state.captured_minor,
        refunded_minor=state.refunded_minor,
        disputed_minor=state.disputed_minor,
        customer=dict(state.customer),
        failure=dict(state.failure),
        refunds=[RefundOut(ref=it.ref, status=it.status, amount_minor=it.amount_minor) for it in state.refunds],
        disputes=[DisputeOut(ref=it.ref, status=it.status, amount_minor=it.amount_minor) for it in state.disputes],
        flags=list(state.flags),
        expected_minor=state.expected_minor,
        expected_currency=state.expected_currency,
        match=state.match,
        created_at=when(payment.created_at_ms),
        updated_at=when(payment.updated_at_ms),
    )


def _show_entry(entry: TimelineEntry) -> TimelineOut:
    return TimelineOut(at=when(entry.at_ms), kind=entry.kind, id=entry.id, text=entry.text, detail=dict(entry.detail))
