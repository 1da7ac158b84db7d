"""The command ``paybell``: thin; parse, call, print."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from paybell import log
from paybell.cli import (
    accounts,
    audit,
    db,
    dead_letters,
    deliveries,
    entitlements,
    keys,
    ledger,
    nodes,
    notifications,
    organisations,
    payments,
    products,
    replays,
    scenario,
    sources,
    tasks,
)
from paybell.cli.demo import demo
from paybell.cli.gateways import gateways
from paybell.cli.shared import Database, fail
from paybell.cli.trigger import trigger
from paybell.cli.verify import verify
from paybell.config import settings
from paybell.errors import PaybellError
from paybell.model.text import is_storable

app = typer.Typer(
    name="paybell",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Receives payment gateways' webhooks, records payments exactly once, delivers signed webhooks.",
)
app.add_typer(keys.app, name="key", help="API keys.")
app.add_typer(organisations.app, name="organisation", help="Who owns sources, applications and keys.")
app.add_typer(sources.app, name="source", help="Accounts at gateways.")
app.add_typer(payments.app, name="payments", help="Payments.")
app.add_typer(accounts.payouts, name="payouts", help="Money that gateways send to the bank.")
app.add_typer(accounts.subscriptions, name="subscriptions", help="What is paid for again and again.")
app.add_typer(accounts.invoices, name="invoices", help="What customers owe.")
app.add_typer(accounts.customers, name="customers", help="Who pays.")
app.add_typer(entitlements.app, name="entitlements", help="What customers may use.")
app.add_typer(products.app, name="products", help="What is sold, and its policy.")
app.add_typer(ledger.app, name="ledger", help="Where the money is: double-entry postings.")
app.add_typer(notifications.app, name="notifications", help="Webhook requests as they came.")
app.add_typer(deliveries.app, name="deliveries", help="Messages on their way to endpoints.")
deliveries.app.command("dead")(dead_letters.dead)
deliveries.app.command("replay")(replays.replay)
app.add_typer(tasks.app, name="tasks", help="Replays, and how far they are.")
app.add_typer(db.app, name="db", help="The database.")
app.add_typer(scenario.app, name="scenario", help="What others got wrong, played against a real Paybell.")
app.command("gateways")(gateways)
app.command("nodes")(nodes.nodes)
app.command("audit")(audit.audit)
app.command("trigger")(trigger)
app.command("verify")(verify)
app.command("demo")(demo)


@app.callback(invoke_without_command=True)
def root(
    *, show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False
) -> None:
    """Say what there is."""
    if not all(map(is_storable, sys.argv)):  # half a pair of surrogates stands for a byte that is no UTF-8
        fail("an argument is not text in UTF-8")
    if show_version:
        sys.stdout.write(f"paybell {version('paybell')}\n")
        raise typer.Exit


@app.command()
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
    from paybell.app.bell import Paybell  # noqa: PLC0415 - other commands start in half the time without a server
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


def run() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    run()
