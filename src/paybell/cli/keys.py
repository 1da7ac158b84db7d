"""``paybell key``."""

from typing import Annotated

import typer

from paybell.cli.shared import OUT, AsJson, Database, desk, show_json, work
from paybell.clock import SystemClock
from paybell.model.source import ApiKey
from paybell.web.auth import hash_key, new_key

app = typer.Typer(no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")] = "cli",
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Make an API key; it is shown once and kept only as a hash."""
    made, key = work(_create(name, database))
    if json:
        show_json({"id": made.id, "name": made.name, "key": key})
    else:
        OUT.print(f"{key}\nIt is shown only now. Send it as: Authorization: Bearer {key}")


async def _create(name: str, database: str | None) -> tuple[ApiKey, str]:
    clock = SystemClock()
    async with desk(database, create=True) as at:
        key = new_key(clock)
        made = ApiKey(
            id=clock.new_id("key"),
            organisation_id=at.organisation.id,
            name=name[:100],
            created_at_ms=clock.now_ms(),
        )
        await at.store.api_key_create(made, hash_key(key))
        return made, key
