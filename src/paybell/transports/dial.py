"""Opening a connection: resolve once, judge every address, connect to a judged one by number, then TLS.

Nothing here ever hands a name to the system to connect to, so that what was judged is what is connected to; a name
that resolves differently a moment later (DNS rebinding) changes nothing.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import zip_longest
from typing import Final

from paybell.model.delivery import Failed
from paybell.transports.config import HttpSenderConfig
from paybell.transports.connection import Connection
from paybell.transports.guard import AddressGuard
from paybell.transports.reasons import words
from paybell.transports.tls import TlsContexts
from paybell.transports.url import Target

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port in, IP literals out, best first; ``OSError`` when there are none."""
_HANDSHAKE_SPARE_S: Final = 1.0


class Dialler:
    """Opens connections to targets that the guard lets through."""

    def __init__(
        self,
        config: HttpSenderConfig,
        resolver: Resolver,
        tls: TlsContexts,
        on_gone: Callable[[Connection], None],
    ) -> None:
        """``on_gone`` hears of each connection's end."""
        self._config = config
        self._guard = AddressGuard(config.allowed_networks)
        self._resolver = resolver
        self._tls = tls
        self._on_gone = on_gone

    async def open(self, target: Target, certificate: str, deadline: float) -> Connection | Failed:
        """A connection to ``target`` by ``deadline`` (loop time), or why there is none; ``certificate`` may be ''."""
        if certificate and not target.tls:
            return Failed(phase="tls", reason="a client certificate is shown over https only; change the URL to https")
        try:
            async with asyncio.timeout_at(deadline):
                return await self._open(target, certificate, deadline)
        except TimeoutError:
            return Failed(phase="deadline", reason="the time was over before there was a connection")

    async def _open(self, target: Target, certificate: str, deadline: float) -> Connection | Failed:
        context = await self._tls.get(certificate) if target.tls else None
        if isinstance(context, Failed):
            return context
        addresses = await self._judged_addresses(target)
        if isinstance(addresses, Failed):
            return addresses
        connected = await self._connect(addresses, target.port)
        return connected if isinstance(connected, Failed) else await self._wrap(connected, target, context, deadline)

    async def _judged_addresses(self, target: Target) -> Sequence[str] | Failed:
        if target.literal:
            addresses: Sequence[str] = (target.host,)
        else:
            try:
                addresses = await self._resolver(target.host, target.port)
            except TimeoutError:
                raise
            except (OSError, ValueError) as error:
                return Failed(phase="resolve", reason=f"{target.host} does not resolve ({words(error)})")
        if not addresses:
            return Failed(phase="resolve", reason=f"{target.host} has no address")
        # One bad address refuses them all: who mixes them is trying, and the order of answers is theirs to choose.
        refusal = next(filter(None, map(self._guard.refusal, addresses)), "")
        return Failed(phase="guard", reason=refusal) if refusal else by_turns(addresses)[: self._config.addresses_max]

    async def _connect(self, addresses: Sequence[str], port: int) -> socket.socket | Failed:
        """The first that answers. The next is tried when all before it have failed, or have taken their time."""
        ahead, trying, reason = deque(addresses), set[asyncio.Task[socket.socket | str]](), ""
        try:
            while ahead or trying:
                if ahead:
                    trying.add(asyncio.create_task(self._try(ahead.popleft(), port)))
                limit_s = self._config.connect_stagger_s if ahead else None
                done, _ = await asyncio.wait(trying, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    trying.remove(task)
                    found = task.result()
                    if isinstance(found, socket.socket):
                        return found
                    reason = found
            return Failed(phase="connect", reason=reason)
        finally:
            for task in trying:
                task.cancel()
                task.add_done_callback(_close_unused)

    async def _try(self, address: str, port: int) -> socket.socket | str:
        try:
            return await self._connect_one(address, port)
        except OSError as error:
            return f"{address} port {port}: {words(error)}"

    async def _connect_one(self, address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        limit = asyncio.timeout(self._config.connect_timeout_s)
        try:
            sock.settimeout(0)
            async with limit:
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        except BaseException as error:
            sock.close()
            if isinstance(error, TimeoutError) and limit.expired():
                raise OSError(f"no connection within {self._config.connect_timeout_s:g} s") from None
            raise
        return sock

    async def _wrap(
        self, sock: socket.socket, target: Target, context: ssl.SSLContext | None, deadline: float
    ) -> Connection | Failed:
        loop = asyncio.get_running_loop()
        # The deadline ends it. This timer is for what uvloop holds on to when that comes just before the handshake.
        limit_s = max(0.0, deadline - loop.time()) + _HANDSHAKE_SPARE_S
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop, self._on_gone),
                sock=sock,
                ssl=context,
                server_hostname=target.host if target.tls else None,
                ssl_handshake_timeout=limit_s if target.tls else None,
            )
        except (asyncio.CancelledError, TimeoutError):
            sock.close()
            raise
        except (OSError, ValueError) as error:
            sock.close()
            return Failed(phase="tls" if target.tls else "connect", reason=f"{target.host}: {words(error)}")
        return connection


def by_turns(addresses: Sequence[str]) -> Sequence[str]:
    """IPv6 and IPv4 by turns, each in its order: one family may be cut off, and only a few addresses are tried."""
    sixes = [it for it in addresses if ":" in it]
    fours = [it for it in addresses if ":" not in it]
    first, second = (sixes, fours) if ":" in addresses[0] else (fours, sixes)
    return [it for pair in zip_longest(first, second) for it in pair if it is not None]


def _close_unused(task: asyncio.Task[socket.socket | str]) -> None:
    """It connected at the very moment when it was not wanted any more."""
    if not task.cancelled() and isinstance(found := task.result(), socket.socket):
        found.close()
