"""``paybell organisation``."""

from typing import Annotated

import typer

from paybell.cli.shared import OUT, AsJson, Database, desk, show_json, show_rows, work
from paybell.cli.views import time_text
from paybell.errors import ConfigurationError
from paybell.model.source import Organisation
from paybell.model.text import is_uid

app = typer.Typer(no_args_is_help=True, help="Who owns sources, applications and keys.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Its name, by which commands find it.")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Add an organisation: sources, applications, payments and keys of its own."""
    made = work(_create(name, database))
    if json:
        show_json(_view(made))
    else:
        OUT.print(f"added {made.id}; make it a key with: paybell key create NAME --organisation {made.name}")


@app.command("list")
def list_(*, database: Database = None, json: AsJson = False) -> None:
    """List the organisations, oldest first: the first is the one that commands work for by themselves."""
    columns = ("id", "name", "createdAt")
    show_rows(work(_list(database)), {name: name for name in columns}, json=json)


async def _create(name: str, database: str | None) -> Organisation:
    if not is_uid(name):
        raise ConfigurationError(f"{name[:64]!r} cannot be a name: write letters, digits, '_', '-' and '.'")
    async with desk(database, create=True) as at:
        made = Organisation(id=at.clock.new_id("org"), name=name, created_at_ms=at.clock.now_ms())
        with at.changing("organisation_create", made.id, fields=("name",)):
            await at.store.organisation_create(made)
        return made


async def _list(database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        return [_view(it) for it in await at.store.organisation_list()]


def _view(it: Organisation) -> dict[str, object]:
    return {"id": it.id, "name": it.name, "createdAt": time_text(it.created_at_ms)}
