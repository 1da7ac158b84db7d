"""``paybell db``."""

import typer

from paybell.cli.shared import OUT, AsJson, Database, desk, show_json, work
from paybell.ports import StoreStatus

app = typer.Typer(no_args_is_help=True)


@app.callback()
def db() -> None:
    """The database."""


@app.command("status")
def status(*, database: Database = None, json: AsJson = False) -> None:
    """Say where the database is, its schema, its size, and how many rows of each kind it holds."""
    found = work(_status(database))
    if json:
        show_json(
            {
                "url": found.url,
                "schemaVersion": found.schema_version,
                "sizeBytes": found.size_bytes,
                "counts": found.counts,
            }
        )
        return
    OUT.print(f"{found.url}  schema {found.schema_version}  {found.size_bytes:,} bytes")
    for name, count in sorted(found.counts.items()):
        OUT.print(f"{name:32}{count:>12,}")


async def _status(database: str | None) -> StoreStatus:
    async with desk(database) as at:
        return await at.store.status()
