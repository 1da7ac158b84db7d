"""``paybell products``."""

from typing import Annotated

import typer
from msgspec.structs import replace

from paybell.cli.shared import OUT, AsJson, Database, desk, printable, show_json, show_rows, work
from paybell.cli.views import product_view
from paybell.model.entitlement import DAYS_MAX, GRACE_DAYS, SUSPENDED_DAYS, OnRefund, Product
from paybell.model.text import is_uid

app = typer.Typer(no_args_is_help=True, help="What is sold, and its policy.")
_COLUMNS = {
    "product": "uid",
    "name": "name",
    "plans": "plans",
    "lasts (days)": "durationDays",
    "grace": "graceDays",
    "suspended": "suspendedDays",
    "on refund": "onRefund",
}


@app.command("list")
def list_(*, database: Database = None, json: AsJson = False) -> None:
    """List the products, by uid."""
    show_rows(work(_list(database)), _COLUMNS, json=json)


@app.command("set")
def set_(  # noqa: PLR0917 - a command's options come by name
    uid: Annotated[str, typer.Argument(help="The product's uid, as metadata names it (paybell_product).")],
    plan: Annotated[
        list[str] | None, typer.Option(help="A gateway's id of a price or plan of it; may be given more than once.")
    ] = None,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    duration_days: Annotated[
        int, typer.Option(min=0, max=DAYS_MAX, help="How long one purchase lasts; 0 for ever.")
    ] = 0,
    grace_days: Annotated[int, typer.Option(min=0, max=DAYS_MAX, help="How long it may be used unpaid.")] = GRACE_DAYS,
    suspended_days: Annotated[
        int, typer.Option(min=0, max=DAYS_MAX, help="How long after that a payment restores it.")
    ] = SUSPENDED_DAYS,
    on_refund: Annotated[OnRefund, typer.Option(help="What a full refund or a lost dispute does.")] = OnRefund.REVOKE,
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Add a product, or replace it; what customers may use of it is computed anew."""
    plans = tuple(dict.fromkeys(plan or ()))
    if not is_uid(uid):
        raise typer.BadParameter(f"{uid!r} cannot be the last part of a URL: write letters, digits, '.', '_', '-'")
    product = Product(
        organisation_id="",
        uid=uid,
        name=name,
        plans=plans,
        duration_days=duration_days,
        grace_days=grace_days,
        suspended_days=suspended_days,
        on_refund=on_refund,
    )
    shown = work(_set(product, database))
    if json:
        show_json(shown)
    else:
        OUT.print(printable(f"{uid}: {', '.join(plans) or 'no plans'}"))


@app.command("remove")
def remove(
    uid: Annotated[str, typer.Argument(help="The product's uid.")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Forget a product: what is bought of it is under the default policy from now on."""
    work(_remove(uid, database), missing="paybell products list")
    if json:
        show_json({"uid": uid})
    else:
        OUT.print(printable(f"{uid} is forgotten"))


async def _list(database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        return [product_view(it) for it in await at.store.product_list(at.organisation.id)]


async def _set(product: Product, database: str | None) -> dict[str, object]:
    async with desk(database) as at:
        before = {it.uid: it for it in await at.store.product_list(at.organisation.id)}.get(product.uid)
        now_ms = at.clock.now_ms()
        created_at_ms = before.created_at_ms if before else now_ms
        put = replace(product, organisation_id=at.organisation.id, created_at_ms=created_at_ms, updated_at_ms=now_ms)
        with at.changing("product_put", put.uid):
            await at.store.product_put(put)
        return product_view(put)


async def _remove(uid: str, database: str | None) -> None:
    async with desk(database) as at:
        with at.changing("product_delete", uid):
            await at.store.product_delete(at.organisation.id, uid)
