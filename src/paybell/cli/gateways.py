"""``paybell gateways``."""

import sys
from typing import Annotated

import typer

from paybell.cli import gateway_table
from paybell.cli.shared import OUT, AsJson, fail, printable, show_json, show_rows
from paybell.errors import PaybellError
from paybell.gateways import GATEWAYS
from paybell.gateways import gateway as gateway_of


def gateways(
    name: Annotated[str, typer.Argument(help="One gateway, in full; else all of them.")] = "",
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as docs/gateways has it.")] = False,
    json: AsJson = False,
) -> None:
    """List the gateways: what each signs, what is believed of it, how it tries again."""
    if markdown and (name or json):
        fail("--markdown prints the table of all gateways: give it alone")
    if name:
        _show(name, json=json)
    elif markdown:
        sys.stdout.write(gateway_table.markdown(tuple(GATEWAYS.values())))
    else:
        _list(json=json)


def _list(*, json: bool) -> None:
    known = tuple(GATEWAYS.values())
    if json:
        show_json([gateway_table.row(each) for each in known])
    elif OUT.is_terminal and OUT.width < gateway_table.TABLE_WIDTH_MIN:
        OUT.print(gateway_table.narrow(known, OUT.width), highlight=False)
    else:
        show_rows([gateway_table.cells(each) for each in known], gateway_table.COLUMNS, json=False)


def _show(name: str, *, json: bool) -> None:
    try:
        found = gateway_of(name)
    except PaybellError as error:
        fail(str(error))
    if json:
        show_json(gateway_table.full(found))
        return
    pairs = [(label, printable(text)) for label, text in gateway_table.in_full(found)]
    OUT.print(gateway_table.lines(pairs, OUT.width if OUT.is_terminal else 0), highlight=False)
