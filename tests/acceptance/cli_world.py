"""`paybell` as a user types it: a process per command, forked from one that has imported the program already."""

import json
import multiprocessing
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from msgspec import Struct

from paybell.cli.commands import COMMANDS
from paybell.cli.main import app, run

_FORKS = multiprocessing.get_context("forkserver")
_COMMANDS = sorted({f"paybell.cli.{it.module}" for it in COMMANDS.values()})
_FORKS.set_forkserver_preload(["pytest", *_COMMANDS, __name__])


class Shown(Struct, frozen=True):
    """What a command left: its exit status, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What stands on standard error in one line, without the frame around it."""
        return " ".join(re.sub(r"[│╭╮╰╯─]", " ", self.err).split())


class Shell:
    """A folder and an environment to type commands in."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PAYBELL_")}
        self.environment = {**kept, **environment}

    def __call__(self, *arguments: str, **environment: str) -> Shown:
        out, err = self.folder / "stdout", self.folder / "stderr"
        given = (arguments, self.folder, {**self.environment, **environment}, out, err)
        process = _FORKS.Process(target=_type, args=given)
        process.start()
        process.join(30)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{arguments} did not end within 30 s")
        status = process.exitcode
        process.close()
        return Shown(status, out.read_text(), err.read_text())

    def right(self, *arguments: str) -> str:
        """What a command that must go well prints."""
        shown = self(*arguments)
        assert shown.status == 0, shown
        return shown.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.right(*arguments, "--json"))


def program() -> Any:
    """The whole program, with all its commands read."""
    whole: Any = typer.main.get_command(app)
    for name in COMMANDS:
        whole.get_command(None, name)
    return whole


def command_names() -> set[str]:
    """Every command, such as `payments list`."""
    return set(_names(program()))


def _names(command: Any, path: str = "") -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path.strip()
    else:
        for name, each in inner.items():
            yield from _names(each, f"{path} {name}")


def _type(arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], out: Path, err: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    sys.argv = ["paybell", *arguments]
    run()
