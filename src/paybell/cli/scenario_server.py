"""The servers of a scenario: a Paybell in this process that can stop and start, and one that is to be killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from paybell.app.bell import Paybell
from paybell.cli.server import listen, server_for
from paybell.clock import Clock
from paybell.config import Settings
from paybell.errors import ConfigurationError

LOOPBACK: Final = "127.0.0.1"
_START_S: Final = 20.0


class Host:
    """A real Paybell behind a real HTTP server on a free port."""

    def __init__(self, chosen: Settings, clock: Clock) -> None:
        self._settings = chosen
        self._clock = clock
        self.bell = Paybell(chosen, clock=clock)

    async def start(self) -> None:
        """Open the database and listen; what an earlier one left is taken up."""
        self.bell = Paybell(self._settings, clock=self._clock)
        await self.bell.start()
        self._socket = listen(LOOPBACK, 0)
        self._server = server_for(self.bell)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def stop(self) -> None:
        """Stop in order."""
        self._server.should_exit = True
        await self._serving
        self._socket.close()
        await self.bell.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return "http://{}:{}".format(*self._socket.getsockname()[:2])


@asynccontextmanager
async def doomed(chosen: Settings) -> AsyncIterator[str]:
    """The URL of a process that keeps what it receives and records nothing; at the end it is killed without a word."""
    command = ("-m", "paybell", "up", "--host", LOOPBACK, "--port", "0", "--role", "receive", "--log-level", "info")
    environment = {**os.environ, "PAYBELL_DATABASE": chosen.database}
    if chosen.secret_key:
        environment["PAYBELL_SECRET_KEY"] = chosen.secret_key
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_START_S):
            url = await _listening(process.stderr)
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class _Line(msgspec.Struct):
    event: str = ""
    url: str = ""


async def _listening(log: asyncio.StreamReader | None) -> str:
    said = b""
    while log is not None and (line := await log.readline()):
        said += line
        try:
            read = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError:
            continue
        if read.event == "server.listening":
            return read.url
    raise ConfigurationError(f"the process that was to be killed did not start: {said.decode('utf-8', 'replace')}")
