"""Payouts, subscriptions, invoices and customers: state, as their facts add up."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Path, Response
from msgspec import Struct
from pydantic import Field, WithJsonSchema

from paybell.model.account import (
    AccountItem,
    CustomerState,
    CustomerStatus,
    InvoiceState,
    InvoiceStatus,
    PayoutState,
    PayoutStatus,
    SubscriptionState,
    SubscriptionStatus,
    of_subject,
)
from paybell.model.fact import Subject
from paybell.model.money import to_major
from paybell.ports import Page
from paybell.web.api.caller import Caller, Calling, Filter, Pager, Paging, keyed_router
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_ends, when, when_or_none

router = keyed_router("account")

Name = Annotated[str, Path(description="Its id.")]
Amount = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Customer = Annotated[dict[str, str], Field(description="id, email, name, phone, userId: what is known.")]


class _Asked(Struct, frozen=True):
    """Filters that all lists have."""

    source: str
    gateway_id: str


async def _asked(source: Filter = "", gatewayId: Filter = "") -> _Asked:  # noqa: N803 - the name in the URL
    return _Asked(source, gatewayId)


Asked = Annotated[_Asked, Depends(_asked)]


class ItemOut(Shape):
    """What all of them have. ``version`` rises with every fact."""

    id: str
    gateway_id: str
    version: int
    livemode: bool
    source: Annotated[str, Field(description="The source's uid; its id once it is deleted.")]
    source_id: str
    gateway: str
    created_at: Time
    updated_at: Time


class PayoutOut(ItemOut):
    """Money that the gateway sends to the bank."""

    status: PayoutStatus
    amount: Amount
    amount_minor: int
    currency: str
    failure: dict[str, str]


class SubscriptionOut(ItemOut):
    """What is paid for again and again."""

    status: SubscriptionStatus
    plan: str
    product: str
    period_end: Time | None
    ends_at: Time | None
    cancel_at_period_end: bool
    customer: Customer


class InvoiceOut(ItemOut):
    """What a customer owes."""

    status: InvoiceStatus
    amount: Amount
    amount_minor: int
    currency: str
    gateway_subscription_id: str
    plan: str
    product: str
    period_end: Time | None
    customer: Customer


class CustomerOut(ItemOut):
    """Who pays, as the gateway's own customer object says."""

    status: CustomerStatus
    customer: Customer


@router.get("/payout", response_model=PageOut[PayoutOut])
async def payout_list(caller: Calling, paging: Paging, asked: Asked, status: PayoutStatus | None = None) -> Response:
    """Payouts, newest first; ``source`` is an id or uid."""
    page = await _page(caller, paging, asked, (Subject.PAYOUT, status))
    shown = [await _payout(caller, it) for it in page.data]
    return exact(PageOut[PayoutOut](data=shown, **page_ends(page)))


@router.get("/payout/{payout}", response_model=PayoutOut)
async def payout_get(payout: Name, caller: Calling) -> Response:
    """One payout."""
    found = await caller.store.account_item_get(caller.organisation_id, Subject.PAYOUT, payout)
    return exact(await _payout(caller, found))


@router.get("/subscription", response_model=PageOut[SubscriptionOut])
async def subscription_list(
    caller: Calling, paging: Paging, asked: Asked, status: SubscriptionStatus | None = None
) -> Response:
    """Subscriptions, newest first; ``source`` is an id or uid."""
    page = await _page(caller, paging, asked, (Subject.SUBSCRIPTION, status))
    shown = [await _subscription(caller, it) for it in page.data]
    return exact(PageOut[SubscriptionOut](data=shown, **page_ends(page)))


@router.get("/subscription/{subscription}", response_model=SubscriptionOut)
async def subscription_get(subscription: Name, caller: Calling) -> Response:
    """One subscription."""
    found = await caller.store.account_item_get(caller.organisation_id, Subject.SUBSCRIPTION, subscription)
    return exact(await _subscription(caller, found))


@router.get("/invoice", response_model=PageOut[InvoiceOut])
async def invoice_list(caller: Calling, paging: Paging, asked: Asked, status: InvoiceStatus | None = None) -> Response:
    """Invoices, newest first; ``source`` is an id or uid."""
    page = await _page(caller, paging, asked, (Subject.INVOICE, status))
    shown = [await _invoice(caller, it) for it in page.data]
    return exact(PageOut[InvoiceOut](data=shown, **page_ends(page)))


@router.get("/invoice/{invoice}", response_model=InvoiceOut)
async def invoice_get(invoice: Name, caller: Calling) -> Response:
    """One invoice."""
    found = await caller.store.account_item_get(caller.organisation_id, Subject.INVOICE, invoice)
    return exact(await _invoice(caller, found))


@router.get("/customer", response_model=PageOut[CustomerOut])
async def customer_list(
    caller: Calling, paging: Paging, asked: Asked, status: CustomerStatus | None = None
) -> Response:
    """Customers that gateways have told of by themselves, newest first; ``source`` is an id or uid."""
    page = await _page(caller, paging, asked, (Subject.CUSTOMER, status))
    shown = [await _customer(caller, it) for it in page.data]
    return exact(PageOut[CustomerOut](data=shown, **page_ends(page)))


@router.get("/customer/{customer}", response_model=CustomerOut)
async def customer_get(customer: Name, caller: Calling) -> Response:
    """One customer that a gateway has told of by itself."""
    found = await caller.store.account_item_get(caller.organisation_id, Subject.CUSTOMER, customer)
    return exact(await _customer(caller, found))


async def _page(caller: Caller, paging: Pager, asked: _Asked, of: tuple[Subject, StrEnum | None]) -> Page[AccountItem]:
    subject, status = of
    query = paging.query(
        subject=str(subject),
        source_id=await caller.source_id(asked.source),
        gateway_id=asked.gateway_id,
        status=str(status or ""),
    )
    return await caller.store.account_item_page(query)


async def _common(caller: Caller, item: AccountItem) -> dict[str, Any]:
    source = await caller.store.source_get(item.source_id)
    return {
        "id": item.id,
        "gateway_id": item.gateway_id,
        "status": item.state.status,
        "version": item.state.version,
        "livemode": item.livemode,
        "source": source.uid if source is not None else item.source_id,
        "source_id": item.source_id,
        "gateway": item.gateway,
        "created_at": when(item.created_at_ms),
        "updated_at": when(item.updated_at_ms),
    }


def _money(state: PayoutState | InvoiceState) -> dict[str, Any]:
    return {
        "amount": to_major(state.amount_minor, state.currency),
        "amount_minor": state.amount_minor,
        "currency": state.currency,
    }


async def _payout(caller: Caller, item: AccountItem) -> PayoutOut:
    state = of_subject(item, PayoutState)
    return PayoutOut(**await _common(caller, item), **_money(state), failure=dict(state.failure))


async def _subscription(caller: Caller, item: AccountItem) -> SubscriptionOut:
    state = of_subject(item, SubscriptionState)
    return SubscriptionOut(
        **await _common(caller, item),
        plan=state.plan,
        product=state.product,
        period_end=when_or_none(state.period_end_ms or None),
        ends_at=when_or_none(state.ends_at_ms or None),
        cancel_at_period_end=state.cancel_at_period_end,
        customer=dict(state.customer),
    )


async def _invoice(caller: Caller, item: AccountItem) -> InvoiceOut:
    state = of_subject(item, InvoiceState)
    return InvoiceOut(
        **await _common(caller, item),
        **_money(state),
        gateway_subscription_id=state.subscription_id,
        plan=state.plan,
        product=state.product,
        period_end=when_or_none(state.period_end_ms or None),
        customer=dict(state.customer),
    )


async def _customer(caller: Caller, item: AccountItem) -> CustomerOut:
    return CustomerOut(**await _common(caller, item), customer=dict(of_subject(item, CustomerState).customer))
