"""Run Paybell under uvicorn: bind first, stop in order."""

import asyncio
import contextlib
import gc
import math
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
import uvloop

from paybell import log
from paybell.app.bell import Paybell
from paybell.cli.http_protocol import HttpLimits, protocol_with
from paybell.errors import ConfigurationError

_BACKLOG: Final = 2048
_KEEP_ALIVE_S: Final = 75
_SPARE_FILES: Final = 1024
"""Open files besides the connections taken: those of deliveries, the database, the log."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GC_THRESHOLDS: Final = (20_000, 20, 50)
"""Requests make many short-lived objects and few cycles: Python's own 700 makes it look for them all the time."""


class _Server(uvicorn.Server):
    """uvicorn, without its own handling of signals: it would end the process before the steps have stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Bind the address; ``ConfigurationError`` says what to do when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise ConfigurationError(f"cannot listen on {host}:{port} ({error}): choose another --host or --port") from None
    bound.listen(_BACKLOG)
    return bound


def server_for(bell: Paybell) -> uvicorn.Server:
    """A server for a Paybell that is started and stopped by its caller."""
    chosen = bell.settings
    config = uvicorn.Config(
        bell,
        loop="none",
        http=protocol_with(
            HttpLimits(header_timeout_s=chosen.header_timeout_s, connections_max=chosen.connections_max)
        ),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(chosen.stop_grace_s),
    )
    return _Server(config)


async def serve(bell: Paybell, *, on_listening: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; then answer what was asked, finish what is being sent, and return.

    All of that shares one grace; a second signal ends the process at once.
    """
    loop = asyncio.get_running_loop()
    with contextlib.closing(listen(bell.settings.host, bell.settings.port)) as bound:
        await bell.start()
        asked = _Asked(server_for(bell), bell)
        try:
            for number in _SIGNALS:
                loop.add_signal_handler(number, asked.stop)
            address = "http://{}:{}".format(*bound.getsockname()[:2])
            log.get("server").info("server.listening", url=address, roles=bell.settings.roles)
            if on_listening is not None:
                on_listening(address)
            await asked.server.serve(sockets=[bound])
        finally:
            await bell.stop(grace_s=asked.left_s())


def run_until_stopped(bell: Paybell) -> None:
    """Serve on uvloop."""
    gc.set_threshold(*_GC_THRESHOLDS)
    _allow_files(bell.settings.connections_max + _SPARE_FILES)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(bell))


class _Asked:
    """Whether and when the server was asked to stop."""

    def __init__(self, server: uvicorn.Server, bell: Paybell) -> None:
        self.server = server
        self._bell = bell
        self._ends_at: float | None = None

    def stop(self) -> None:
        loop = asyncio.get_running_loop()
        self._ends_at = loop.time() + self._bell.settings.stop_grace_s
        self.server.should_exit = True
        self._bell.drain()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # nothing is lost by it: what was acknowledged is on the disk

    def left_s(self) -> float | None:
        """Of the grace; None when nobody asked."""
        return None if self._ends_at is None else max(0.0, self._ends_at - asyncio.get_running_loop().time())


def _allow_files(wanted: int) -> None:
    """Raise the limit of open files as far as it may be, so that the limit of connections is met before it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
