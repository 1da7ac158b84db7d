"""Entitlements: what customers may use now."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from paybell.model.entitlement import Entitlement, EntitlementState, Reason
from paybell.web.api.caller import Calling, Filter, Paging, keyed_router
from paybell.web.api.shapes import PageOut, Shape, Time, page_out, when, when_or_none

router = keyed_router("entitlement")

Customer = Annotated[
    str, Path(description="The gateway's id of the customer, the e-mail address, or your own name (paybell_user).")
]


class EntitlementOut(Shape):
    """What a customer may use of one product. ``version`` rises with every change."""

    id: str
    customer: Annotated[str, Field(description="The gateway's id of the customer, else the e-mail address.")]
    product: str
    state: EntitlementState
    allowed: Annotated[bool, Field(description="Whether it may be used: it is granted, or in grace.")]
    reason: Reason
    until: Annotated[Time | None, Field(description="When it ends or gets worse; null for no known time.")]
    who: Annotated[dict[str, str], Field(description="id, email, name, phone, userId: what is known.")]
    version: int
    livemode: bool
    source_id: str
    gateway: str
    created_at: Time
    updated_at: Time


class AccessOut(Shape):
    """Whether a customer may use a product (or any) now, and why."""

    customer: str
    allowed: bool
    data: list[EntitlementOut]


@router.get("/customer/{customer}/entitlement")
async def entitlement_of(customer: Customer, caller: Calling, product: Filter = "") -> AccessOut:
    """What a customer may use now, of every product or of one; of a customer nobody knows, nothing."""
    found = [
        it for it in await caller.store.entitlement_of(caller.organisation_id, customer) if product in {"", it.product}
    ]
    shown = [_show(it) for it in found]
    return AccessOut(customer=customer, allowed=any(it.allowed for it in found), data=shown)


@router.get("/entitlement")
async def entitlement_list(
    caller: Calling, paging: Paging, product: Filter = "", state: EntitlementState | None = None
) -> PageOut[EntitlementOut]:
    """Entitlements, newest first."""
    query = paging.query(product=product, state=str(state or ""))
    return page_out(await caller.store.entitlement_page(query), _show)


def _show(it: Entitlement) -> EntitlementOut:
    return EntitlementOut(
        id=it.id,
        customer=it.customer,
        product=it.product,
        state=it.state,
        allowed=it.allowed,
        reason=it.reason,
        until=when_or_none(it.until_ms),
        who=dict(it.who),
        version=it.version,
        livemode=it.livemode,
        source_id=it.source_id,
        gateway=it.gateway,
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
