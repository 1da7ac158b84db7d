"""The commands, each read from its module when it is asked for: to read them all is most of what a start takes."""

from importlib import import_module
from typing import Any, Final

import typer
from msgspec import Struct
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


class Place(Struct, frozen=True):
    """Where a command stands: a function, or a program of commands."""

    module: str
    name: str


COMMANDS: Final = {
    "gateways": Place("gateways", "gateways"),
    "nodes": Place("nodes", "nodes"),
    "audit": Place("audit", "audit"),
    "trigger": Place("trigger", "trigger"),
    "verify": Place("verify", "verify"),
    "demo": Place("demo", "demo"),
    "up": Place("up", "up"),
    "key": Place("keys", "app"),
    "organisation": Place("organisations", "app"),
    "source": Place("sources", "app"),
    "payments": Place("payments", "app"),
    "payouts": Place("accounts", "payouts"),
    "subscriptions": Place("accounts", "subscriptions"),
    "invoices": Place("accounts", "invoices"),
    "customers": Place("accounts", "customers"),
    "entitlements": Place("entitlements", "app"),
    "products": Place("products", "app"),
    "ledger": Place("ledger", "app"),
    "notifications": Place("notifications", "app"),
    "deliveries": Place("deliveries", "app"),
    "tasks": Place("tasks", "app"),
    "db": Place("db", "app"),
    "scenario": Place("scenario", "app"),
}


class Commands(TyperGroup):
    """A program whose commands are those of the table."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Names, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None where there is none."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _read(cmd_name, COMMANDS[cmd_name])
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments begin with; a word that is none is held against all their names."""
        if args and args[0] not in COMMANDS:
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _read(name: str, place: Place) -> TyperCommand | TyperGroup:
    found = getattr(import_module(f"paybell.cli.{place.module}"), place.name)
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    single = typer.Typer(add_completion=False)
    single.command(name)(found)
    command = get_command(single)
    assert isinstance(command, TyperCommand)  # noqa: S101 - one function makes one command
    return command
