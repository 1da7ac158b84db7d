"""``paybell db``."""

from collections.abc import Sequence
from typing import Annotated

import typer

from paybell import log
from paybell.app.archives import copy_database, verify_database
from paybell.app.stores import open_schema
from paybell.cli.shared import OUT, AsJson, Database, chosen_database, desk, printable, show_json, work
from paybell.clock import SystemClock
from paybell.model.migration import Migration
from paybell.ports import StoreStatus
from paybell.store.archive import TableDigest, digest_of_all
from paybell.store.checking import Report
from paybell.store.place import without_password

app = typer.Typer(no_args_is_help=True, help="The database.")


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


@app.command("migrate")
def migrate(
    *,
    database: Database = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing.")] = False,
    json: AsJson = False,
) -> None:
    """Bring the schema up to date, number by number; safe beside running nodes, and to start again when broken off."""
    steps = work(_migrate(database, plan=plan))
    if json:
        show_json([{"number": it.number, "name": it.name, "sentence": it.sentence} for it in steps])
        return
    for it in steps:
        OUT.print(f"{'to do' if plan else 'done'}  {it.name}  {it.sentence}")
    if not steps:
        OUT.print("the schema is up to date")


@app.command("copy")
def copy(
    source: Annotated[str, typer.Option("--from", help="The database to copy: sqlite:///PATH or postgresql://….")],
    target: Annotated[str, typer.Option("--to", help="The new or empty database that it is copied into.")],
    *,
    json: AsJson = False,
) -> None:
    """Copy a whole database into a new one, of either kind, and compare the two before anything is kept."""
    log.configure("error")
    copied = work(copy_database(source, target, SystemClock(), _ignore if json else _show_table))
    if json:
        show_json({"from": without_password(source), "to": without_password(target), **_digests(copied)})
        return
    row_count = sum(it.row_count for it in copied)
    OUT.print(f"{row_count:,} rows copied; source and target have the same digest\n{digest_of_all(copied)}")


@app.command("verify")
def verify(*, database: Database = None, json: AsJson = False) -> None:
    """Say each table's digest, and whether everything adds up; status 1 when something does not."""
    log.configure("error")
    report = work(verify_database(database, SystemClock()))
    if json:
        show_json(_report_view(report))
    else:
        _show_report(report)
    if report.defect_count:
        raise typer.Exit(1)


def _ignore(_: TableDigest) -> None:
    """Nobody wants to see it."""


def _show_table(table: TableDigest) -> None:
    OUT.print(f"{table.table:20}{table.row_count:>12,}  {table.sha256}")


def _digests(tables: Sequence[TableDigest]) -> dict[str, object]:
    listed = [{"name": it.table, "rows": it.row_count, "sha256": it.sha256} for it in tables]
    return {"sha256": digest_of_all(tables), "tables": listed}


def _report_view(report: Report) -> dict[str, object]:
    return {
        **_digests(report.tables),
        "sources": [{"id": it.source_id, "accepted": it.accepted, **it.states} for it in report.sources],
        "defectCount": report.defect_count,
        "defects": [{"table": it.table, "id": it.id, "what": it.what} for it in report.examples],
    }


def _show_report(report: Report) -> None:
    for table in report.tables:
        _show_table(table)
    OUT.print(f"{'all':20}{sum(it.row_count for it in report.tables):>12,}  {digest_of_all(report.tables)}")
    for defect in report.examples:
        OUT.print(printable(f"{defect.table} {defect.id}: {defect.what}"))
    more = report.defect_count - len(report.examples)
    if more:
        OUT.print(f"… and {more:,} more")
    OUT.print(f"{report.defect_count:,} defects" if report.defect_count else "everything adds up")


async def _migrate(database: str | None, *, plan: bool) -> tuple[Migration, ...]:
    store = open_schema(chosen_database(database, create=not plan), SystemClock())
    return await (store.schema_pending() if plan else store.schema_migrate())


async def _status(database: str | None) -> StoreStatus:
    async with desk(database) as at:
        return await at.store.status()
