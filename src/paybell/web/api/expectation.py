"""What orders should pay."""

from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import Path, Request, Response
from pydantic import Field, WithJsonSchema

from paybell.errors import AmountError, NotFound
from paybell.model.expectation import ORDER_CHARS_MAX, Expectation, check_expected
from paybell.model.money import AMOUNT_MINOR_MAX, EXPONENTS, to_major, to_minor
from paybell.model.text import STORABLE_PATTERN
from paybell.ports import PageQuery
from paybell.web.api.caller import Calling, Filter, Paging, keyed_router
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_ends, when

router = keyed_router("payment-expectation")

OrderId = Annotated[str, Field(min_length=1, max_length=ORDER_CHARS_MAX, pattern=STORABLE_PATTERN)]
Order = Annotated[str, Path(description="The order's id, as its payments name it.")]
Major = Annotated[
    Decimal,
    WithJsonSchema({"type": "number"}),
    Field(description="In the currency's major unit: 100.00.", examples=[100.0]),
]
Minor = Annotated[
    int, Field(strict=True, ge=1, le=AMOUNT_MINOR_MAX, description="Or in its smallest unit.", examples=[10_000])
]


class _Written(msgspec.Struct):
    """The amount as it stands in the body: a number that became a float on its way has lost digits."""

    amount: Decimal | None = None


class ExpectationIn(Shape):
    """What an order should pay: either ``amount`` or ``amountMinor``."""

    order_id: OrderId
    amount: Major | None = None
    amount_minor: Minor | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])]


class ExpectationOut(Shape):
    """What an order should pay. The newest of an order counts."""

    id: str
    order_id: str
    amount: Major
    amount_minor: int
    currency: str
    created_at: Time


@router.post(
    "/payment-expectation",
    status_code=HTTPStatus.CREATED,
    response_model=ExpectationOut,
    responses={200: {"model": ExpectationOut, "description": "That was expected already; nothing has changed."}},
)
async def expectation_create(body: ExpectationIn, request: Request, caller: Calling) -> Response:
    """Say what an order should pay, before or after it pays; the same again changes nothing."""
    wish = Expectation(
        organisation_id=caller.organisation_id,
        order_id=body.order_id,
        amount_minor=_minor(body, await request.body()),
        currency=body.currency,
        created_at_ms=caller.now_ms(),
    )
    caller.about(body.order_id)
    said = await caller.context.expect(wish)
    return exact(_show(said.expectation), HTTPStatus.CREATED if said.is_new else HTTPStatus.OK)


@router.get("/payment-expectation", response_model=PageOut[ExpectationOut])
async def expectation_list(caller: Calling, paging: Paging, orderId: Filter = "") -> Response:  # noqa: N803 - the name in the URL
    """All that was said of orders, newest first."""
    page = await caller.store.expectation_page(paging.query(order_id=orderId))
    shown = [_show(it) for it in page.data]
    return exact(PageOut[ExpectationOut](data=shown, **page_ends(page)))


@router.get("/payment-expectation/{orderId}", response_model=ExpectationOut)
async def expectation_get(orderId: Order, caller: Calling) -> Response:  # noqa: N803 - the name in the URL
    """What an order should pay."""
    query = PageQuery(organisation_id=caller.organisation_id, limit=1, filters={"order_id": orderId})
    found = (await caller.store.expectation_page(query)).data
    if not found:
        raise NotFound(f"nobody said what order {orderId[:64]!r} should pay")
    return exact(_show(found[0]))


def _minor(body: ExpectationIn, raw: bytes) -> int:
    """The amount in minor units; ``InvalidField`` where it is given twice, not at all, or not exact."""
    if (body.amount is None) == (body.amount_minor is None):
        raise InvalidField("give either amount or amountMinor", "amount")
    place = "amount" if body.amount_minor is None else "amountMinor"
    if body.currency not in EXPONENTS:
        raise InvalidField(f"unknown currency {body.currency!r}: ISO 4217 has none of that name", "currency")
    try:
        written = body.amount_minor
        if written is None:
            written = to_minor(msgspec.json.decode(raw, type=_Written).amount, body.currency)
        return check_expected(written, body.currency)
    except (AmountError, msgspec.ValidationError) as error:
        raise InvalidField(str(error), place) from error


def _show(it: Expectation) -> ExpectationOut:
    return ExpectationOut(
        id=it.id,
        order_id=it.order_id,
        amount=to_major(it.amount_minor, it.currency),
        amount_minor=it.amount_minor,
        currency=it.currency,
        created_at=when(it.created_at_ms),
    )
