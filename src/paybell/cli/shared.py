"""What the commands share: options, the open store, and printing for people or as JSON."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Final, Never, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from paybell import log
from paybell.app import open_store
from paybell.clock import SystemClock
from paybell.config import settings
from paybell.errors import PaybellError
from paybell.model.source import Organisation
from paybell.ports import Store

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Database = Annotated[
    str | None, typer.Option("--database", help="sqlite:///PATH; else PAYBELL_DATABASE, else data/paybell.db.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=250, help="How many rows at most.")]
After = Annotated[str, typer.Option("--after", help="Rows after the one with this id (the last of the page before).")]

OUT: Final = Console(soft_wrap=True)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Desk(msgspec.Struct, frozen=True):
    """An open store and the organisation that commands work for."""

    store: Store
    organisation: Organisation
    clock: SystemClock


@asynccontextmanager
async def desk(database: str | None) -> AsyncIterator[Desk]:
    """Open the store beside a server that may be running."""
    clock = SystemClock()
    log.configure("error")
    store = open_store(settings(database=database), clock, serve=False)
    await store.open()
    try:
        yield Desk(store, await store.organisation_default(), clock)
    finally:
        await store.close()


def work(coroutine: Coroutine[object, object, T]) -> T:
    """Run a command's coroutine; an error of ours becomes one line and status 1."""
    try:
        return asyncio.run(coroutine)
    except PaybellError as error:
        fail(str(error))


def fail(text: str) -> Never:
    """Say what is wrong, and what to do, on standard error; end with status 1."""
    sys.stderr.write(f"paybell: {text}\n")
    raise typer.Exit(1)


def show_json(value: object) -> None:
    """Print a value as JSON."""
    text = msgspec.json.format(_ENCODER.encode(value), indent=2).decode()
    sys.stdout.write(text + "\n")


def show_rows(items: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, json: bool) -> None:
    """Print a list: JSON as it is, or for people a table of ``columns`` (title -> key)."""
    if json:
        show_json(items)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=number == 0)
    for item in items:
        table.add_row(*(printable(item[key]) for key in columns.values()))
    OUT.print(table if items else "nothing yet")


def printable(cell: object) -> str:
    """A cell's text with control characters made visible, so that foreign text cannot drive the terminal."""
    text = "" if cell is None else str(cell)
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text).replace("[", "\\[")
