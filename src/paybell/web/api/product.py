"""Products: what is sold, and what a missed payment, a refund or the end of a period means for it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Response
from pydantic import Field

from paybell.errors import NotFound
from paybell.model.entitlement import DAYS_MAX, GRACE_DAYS, SUSPENDED_DAYS, OnRefund, Product
from paybell.model.text import STORABLE_PATTERN
from paybell.web.api.application import check_new_uid
from paybell.web.api.caller import Caller, Calling, keyed_router
from paybell.web.api.shapes import PageOut, Shape, Time, when

router = keyed_router("product")

ProductName = Annotated[str, Path(description="The product's uid.")]
Days = Annotated[int, Field(ge=0, le=DAYS_MAX)]
PlanName = Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE_PATTERN)]


class ProductIn(Shape):
    """What you sell, and its policy."""

    name: Annotated[str, Field(max_length=255, pattern=STORABLE_PATTERN)] = ""
    plans: Annotated[
        list[PlanName], Field(max_length=100, description="Gateways' ids of prices or plans that are of it.")
    ] = []  # noqa: RUF012 - pydantic copies it
    duration_days: Annotated[Days, Field(description="How long one purchase lasts; 0 for ever.")] = 0
    grace_days: Annotated[Days, Field(description="How long it may be used unpaid.")] = GRACE_DAYS
    suspended_days: Annotated[Days, Field(description="How long after that a payment restores it.")] = SUSPENDED_DAYS
    on_refund: Annotated[OnRefund, Field(description="What a full refund or a lost dispute does.")] = OnRefund.REVOKE


class ProductOut(ProductIn):
    """A product."""

    uid: str
    created_at: Time
    updated_at: Time


@router.put(
    "/product/{product}",
    responses={201: {"model": ProductOut, "description": "There was none of that uid; now there is."}},
)
async def product_put(product: ProductName, body: ProductIn, caller: Calling, response: Response) -> ProductOut:
    """Add a product, or replace it; what customers may use of it is computed anew at once."""
    before = await _find(caller, product)
    if before is None:
        check_new_uid(product, product)
        response.status_code = HTTPStatus.CREATED
    now_ms = caller.now_ms()
    put = Product(
        organisation_id=caller.organisation_id,
        uid=product,
        name=body.name,
        plans=tuple(dict.fromkeys(body.plans)),
        duration_days=body.duration_days,
        grace_days=body.grace_days,
        suspended_days=body.suspended_days,
        on_refund=body.on_refund,
        created_at_ms=before.created_at_ms if before else now_ms,
        updated_at_ms=now_ms,
    )
    await caller.store.product_put(put)
    return _show(put)


@router.get("/product")
async def product_list(caller: Calling) -> PageOut[ProductOut]:
    """All products, by uid."""
    found = await caller.store.product_list(caller.organisation_id)
    return PageOut(data=[_show(it) for it in found], iterator=None, prev_iterator=None, done=True)


@router.get("/product/{product}")
async def product_get(product: ProductName, caller: Calling) -> ProductOut:
    """One product."""
    found = await _find(caller, product)
    if found is None:
        raise NotFound(f"no product {product}")
    return _show(found)


@router.delete("/product/{product}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def product_delete(product: ProductName, caller: Calling) -> None:
    """Forget a product: what is bought of it is under the default policy from now on."""
    await caller.store.product_delete(caller.organisation_id, product)


async def _find(caller: Caller, uid: str) -> Product | None:
    found = await caller.store.product_list(caller.organisation_id)
    return next((it for it in found if it.uid == uid), None)


def _show(it: Product) -> ProductOut:
    return ProductOut(
        uid=it.uid,
        name=it.name,
        plans=list(it.plans),
        duration_days=it.duration_days,
        grace_days=it.grace_days,
        suspended_days=it.suspended_days,
        on_refund=it.on_refund,
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
