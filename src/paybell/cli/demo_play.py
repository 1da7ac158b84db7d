"""What ``paybell demo`` plays: a server, pretend gateways and a receiver, and what happens between them as a table."""

import asyncio
import base64
import contextlib
import os
from ipaddress import ip_network
from pathlib import Path
from typing import BinaryIO, Final

import uvloop

from paybell import log
from paybell.app.bell import Paybell
from paybell.cli.demo_scenes import SCENES, Scene
from paybell.cli.demo_stage import Stage
from paybell.cli.server import serve
from paybell.cli.shared import OUT, printable
from paybell.clock import SystemClock
from paybell.config import Settings, settings
from paybell.errors import ConfigurationError
from paybell.store.place import without_password
from paybell.store.seal import KEY_BYTES
from paybell.testing.postgres import PostgresServer

_LOG: Final = Path("data/demo.log")
_LOOPBACK: Final = {"allow_private_networks": (ip_network("127.0.0.0/8"),)}
_WIDTHS: Final = (44, 26, 29, 40)
_TITLES: Final = ("what the gateway sent", "verdict", "the payment", "the signed delivery, and its answer")


def play(*, host: str | None, port: int | None, database: str | None, postgres: bool, leave: bool) -> bool:
    """Show it all; whether everything was as expected. ``ConfigurationError`` for settings that cannot be."""
    with contextlib.ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        place = _throw_away(stack) if postgres else _file(database)
        return runner.run(_demo(settings(host=host, port=port, **_LOOPBACK, **place), leave=leave))


def _file(database: str | None) -> dict[str, str]:
    return {"database": database or os.environ.get("PAYBELL_DATABASE") or "sqlite:///data/demo.db"}


def _throw_away(stack: contextlib.ExitStack) -> dict[str, str]:
    OUT.print("Starting a PostgreSQL ...")
    url = stack.enter_context(PostgresServer()).new_database()
    return {"database": url, "secret_key": base64.b64encode(SystemClock().new_secret(KEY_BYTES)).decode()}


async def _demo(chosen: Settings, *, leave: bool) -> bool:
    with contextlib.closing(_open_log()) as stream:
        log.configure("info", stream)
        bell = Paybell(chosen)
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(bell, on_listening=listening.set_result))
        serving.add_done_callback(lambda _: listening.cancel())
        try:
            url = await listening
        except asyncio.CancelledError:
            await serving  # raises what kept it from starting
            return False
        good = await _play(bell, url, serving)
        if leave:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
        else:
            OUT.print("\nPaybell stays up; end it with Ctrl-C.")
            await serving
        return good


def _open_log() -> BinaryIO:
    try:
        _LOG.parent.mkdir(parents=True, exist_ok=True)
        return _LOG.open("ab", buffering=0)
    except OSError as error:
        raise ConfigurationError(f"cannot write {_LOG} ({error}): start it in a folder of your own") from None


async def _play(bell: Paybell, url: str, serving: asyncio.Task[None]) -> bool:
    playing = asyncio.create_task(_scenes(bell, url))
    serving.add_done_callback(lambda _: playing.cancel())  # Ctrl-C in the middle
    try:
        return await playing
    except asyncio.CancelledError:
        return False


async def _scenes(bell: Paybell, url: str) -> bool:
    OUT.print(f"Paybell listens on {url} (API: {url}/api/v1, OpenAPI: {url}/openapi.json)")
    OUT.print(f"database {without_password(bell.settings.database)}, log {_LOG}\n")
    async with Stage(bell, url) as stage:
        _row(_TITLES, "bold")
        _row(tuple("-" * (width - 2) for width in _WIDTHS), "dim")
        failures = [scene for scene in SCENES if not await _show(stage, scene)]
        total = len(SCENES)
        if failures:
            OUT.print(f"\n{len(failures)} of {total} went wrong: see the rows marked NOT AS EXPECTED", style="bold red")
        else:
            OUT.print(f"\nAll {total} as expected; everything that was to be told is delivered.", style="bold green")
        return not failures


async def _show(stage: Stage, scene: Scene) -> bool:
    outcome = await stage.play(scene)
    _row((scene.title, outcome.verdict, outcome.payment, outcome.delivery), "" if outcome.good else "red")
    if not outcome.good:
        OUT.print(f"  NOT AS EXPECTED: {printable(outcome.problem)}", style="bold red")
    return outcome.good


def _row(cells: tuple[str, ...], style: str) -> None:
    text = "".join(cell[: width - 2].ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
    OUT.print(text.rstrip(), style=style or None, highlight=False)
