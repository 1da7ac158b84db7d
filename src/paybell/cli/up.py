"""``paybell up``."""

from typing import Annotated

import typer

from paybell import log
from paybell.cli.shared import Database, fail
from paybell.config import settings
from paybell.errors import PaybellError


def up(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on.")] = None,
    *,
    database: Database = None,
    role: Annotated[
        str | None, typer.Option(help="What this process does: receive,record,deliver,reconcile,web (default: all).")
    ] = None,
    allow_private_networks: Annotated[
        list[str] | None,
        typer.Option(help="A private network that deliveries may reach, as CIDR; may be given more than once."),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Start the server."""
    from paybell.app.bell import Paybell  # noqa: PLC0415 - help is shown without a server, in half the time
    from paybell.cli.server import run_until_stopped  # noqa: PLC0415 - the same

    try:
        chosen = settings(
            host=host,
            port=port,
            database=database,
            roles=role,
            allow_private_networks=",".join(allow_private_networks) if allow_private_networks else None,
            log_level=log_level,
        )
        log.configure(chosen.log_level)
        run_until_stopped(Paybell(chosen))
    except PaybellError as error:
        fail(str(error))
