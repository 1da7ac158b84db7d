"""What the commands share: options, the open store, and printing for people or as JSON."""

import asyncio
import getpass
import os
import platform
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Final, Never, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from paybell import log
from paybell.app.stores import open_store
from paybell.clock import SystemClock
from paybell.config import Settings, settings
from paybell.errors import ConfigurationError, NotFound, PaybellError
from paybell.model.audit import CLI, AuditLine
from paybell.model.source import Organisation
from paybell.ports import Changing, Store, changing
from paybell.store.place import is_sqlite, refuse_memory, sqlite_path

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="sqlite:///PATH or postgresql://USER@HOST/NAME; else PAYBELL_DATABASE, else sqlite:///data/paybell.db.",
    ),
]
OfOrganisation = Annotated[
    str | None,
    typer.Option("--organisation", help="An organisation's id or name; else PAYBELL_ORGANISATION, else the first."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=250, help="How many rows at most.")]
After = Annotated[str, typer.Option("--after", help="Rows after the one with this id (the last of the page before).")]

OUT: Final = Console(
    soft_wrap=True, markup=False, emoji=False
)  # what gateways and customers wrote is not ours to style
_PIPE_COLUMNS: Final = 8192
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Desk(msgspec.Struct, frozen=True):
    """An open store and the organisation that commands work for."""

    store: Store
    organisation: Organisation
    clock: SystemClock

    @contextmanager
    def changing(self, operation: str, *objects: str, fields: Sequence[str] = ()) -> Iterator[Changing]:
        """Leave a line in the audit log, if anything is written within the block."""
        line = AuditLine(
            id=self.clock.new_id("aud"),
            organisation_id=self.organisation.id,
            at_ms=self.clock.now_ms(),
            actor=CLI,
            operation=operation,
            objects=objects,
            fields=tuple(sorted(fields)),
            address=_place(),
        )
        with changing(line) as change:
            yield change


def chosen_database(database: str | None, *, create: bool, organisation: str | None = None) -> Settings:
    """The settings; only with ``create`` a file that is not there is no error."""
    log.configure("error")
    chosen = settings(database=database, organisation=organisation)
    refuse_memory(chosen.database, "--database")
    if is_sqlite(chosen.database):
        _check_place(sqlite_path(chosen.database), create=create)
    return chosen


@asynccontextmanager
async def desk(database: str | None, *, create: bool = False, organisation: str | None = None) -> AsyncIterator[Desk]:
    """Open the store beside a server that may be running; only what adds something may ``create`` the file."""
    clock = SystemClock()
    chosen = chosen_database(database, create=create, organisation=organisation)
    store = open_store(chosen, clock, serve=False)
    await store.open()
    try:
        await store.key_check()
        yield Desk(store, await _organisation(store, chosen.organisation), clock)
    finally:
        await store.close()


async def _organisation(store: Store, name: str) -> Organisation:
    if not name:
        return await store.organisation_default()
    for it in await store.organisation_list():
        if name in (it.id, it.name):
            return it
    raise ConfigurationError(f"there is no organisation {name!r}: `paybell organisation list` lists what there is")


def _place() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


def _check_place(path: str, *, create: bool) -> None:
    if not create and not Path(path).exists():
        raise ConfigurationError(
            f"there is no database at {path}: name another with --database, or make it with `paybell up` or "
            "`paybell source add`"
        )


def work(coroutine: Coroutine[object, object, T], *, missing: str = "", status: int = 1) -> T:
    """Run a command's coroutine; an error of ours becomes one line and that status.

    ``missing`` names the command that lists what there is, for those who asked for what is not there.
    """
    try:
        return asyncio.run(coroutine)
    except NotFound as error:
        fail(f"{error}: `{missing}` lists what there is" if missing else str(error), status)
    except PaybellError as error:
        fail(str(error), status)


def fail(text: str, status: int = 1) -> Never:
    """Say what is wrong, and what to do, on standard error; end with that status."""
    sys.stderr.write(f"paybell: {text}\n")
    raise typer.Exit(status)


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
    if not OUT.is_terminal:  # a pipe has no width: rows stay whole, so that grep finds them
        OUT.width = _PIPE_COLUMNS
    OUT.print(table if items else "nothing yet")


def options_of(text: str) -> dict[str, object]:
    """What ``--options`` says."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"--options must be a JSON object: {error}") from None


def printable(cell: object) -> str:
    """A cell's text with control characters made visible, so that foreign text cannot drive the terminal."""
    text = "" if cell is None else str(cell)
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
