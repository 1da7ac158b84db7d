"""The command ``paybell``: thin; parse, call, print."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from paybell.cli.commands import Commands
from paybell.cli.shared import fail
from paybell.model.text import is_storable

app = typer.Typer(
    name="paybell",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Receives payment gateways' webhooks, records payments exactly once, delivers signed webhooks.",
)


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


def run() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    run()
