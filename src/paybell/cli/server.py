"""Run Paybell under uvicorn: bind first, stop in order."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
import uvloop

from paybell import log
from paybell.app import Paybell
from paybell.errors import ConfigurationError

_BACKLOG: Final = 2048
_KEEP_ALIVE_S: Final = 75
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
    grace_s = int(bell.settings.stop_grace_s) or None
    config = uvicorn.Config(
        bell,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
    )
    return _Server(config)


async def serve(bell: Paybell, *, on_listening: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; then answer what was asked, finish what is being sent, and return."""
    with contextlib.closing(listen(bell.settings.host, bell.settings.port)) as bound:
        async with bell:
            server = server_for(bell)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, _stop, server)
            address = "http://{}:{}".format(*bound.getsockname()[:2])
            log.get("server").info("server.listening", url=address, roles=bell.settings.roles)
            if on_listening is not None:
                on_listening(address)
            await server.serve(sockets=[bound])


def run_until_stopped(bell: Paybell) -> None:
    """Serve on uvloop."""
    gc.set_threshold(*_GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(bell))


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True
