"""``paybell demo``."""

from typing import Annotated

import typer

from paybell.cli.shared import Database, fail
from paybell.errors import ConfigurationError, PaybellError


def demo(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    database: Database = None,
    *,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="On a PostgreSQL that is started for it and forgotten afterwards.")
    ] = False,
    exit_: Annotated[
        bool, typer.Option("--exit", help="End when all is delivered; status 1 if anything is not.")
    ] = False,
) -> None:
    """Show what Paybell does: webhooks in, payments right, signed webhooks out."""
    from paybell.cli.demo_play import play  # noqa: PLC0415 - other commands start in half the time without a server

    try:
        if postgres and database:
            raise ConfigurationError("give either --postgres or --database")
        good = play(host=host, port=port, database=database, postgres=postgres, leave=exit_)
    except PaybellError as error:
        fail(str(error))
    if not good:
        raise typer.Exit(1)
