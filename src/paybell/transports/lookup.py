"""Name look-ups on threads of their own, so that a name server that does not answer delays nobody but its own names.

The system's resolver blocks a thread for as long as a name server lets it, half a minute perhaps. The event loop's own
threads are few and serve others too; concurrent.futures' are waited for when the process ends. These are neither.
"""

import asyncio
import contextlib
import socket
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

LookUp = Callable[[str, int], Sequence[str]]
"""Host and port in, IP literals out, best first; blocks; ``OSError`` when there are none."""

_SLOW_HOSTS_MAX: Final = 4096
_SLOW_SHARE: Final = 4


def ask_system(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _Asked:
    """One look-up, and how many wait for it."""

    __slots__ = ("answer", "begun", "host", "port", "slow", "waiter_count")

    def __init__(self, host: str, port: int, answer: asyncio.Future[Sequence[str]], *, slow: bool) -> None:
        self.host = host
        self.port = port
        self.answer = answer
        self.slow = slow
        self.begun = False
        self.waiter_count = 0


class Lookups:
    """A resolver for one event loop: at most ``threads_max`` look-ups at once, and one per host and port.

    Who asks for a host that is being looked up shares the answer. Nothing is remembered beyond that, but for the hosts
    whose last answer took more than ``slow_s``: all of them together get a quarter of the threads.
    """

    def __init__(self, *, threads_max: int, slow_s: float = 1.0, look_up: LookUp = ask_system) -> None:
        """``look_up`` runs on threads, and never twice at once for the same host and port."""
        self._threads_max = threads_max
        self._slow_max = max(1, threads_max // _SLOW_SHARE)
        self._slow_s = slow_s
        self._look_up = look_up
        self._asked: dict[tuple[str, int], _Asked] = {}
        self._waiting: dict[bool, deque[_Asked]] = {False: deque(), True: deque()}
        self._running: dict[bool, int] = {False: 0, True: 0}
        self._slow_hosts: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses; what ``look_up`` raised. A caller that is cancelled leaves the look-up to the others."""
        asked = self._asked.get((host, port)) or self._queue(host, port)
        asked.waiter_count += 1
        self._start()
        try:
            return await asyncio.shield(asked.answer)
        finally:
            asked.waiter_count -= 1
            if not asked.waiter_count and not asked.begun and not asked.answer.done():
                asked.answer.cancel()
                del self._asked[host, port]

    def _queue(self, host: str, port: int) -> _Asked:
        answer: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
        asked = _Asked(host, port, answer, slow=host in self._slow_hosts)
        self._asked[host, port] = asked
        self._waiting[asked.slow].append(asked)
        return asked

    def _start(self) -> None:
        """Give threads to look-ups that wait, as far as the limits allow."""
        for slow, waiting in self._waiting.items():
            limit = self._slow_max if slow else self._threads_max
            while waiting and self._running[slow] < limit and sum(self._running.values()) < self._threads_max:
                asked = waiting.popleft()
                if not asked.answer.done():  # else all who asked have gone
                    asked.begun = True
                    self._running[slow] += 1
                    loop = asked.answer.get_loop()
                    threading.Thread(target=self._run, args=(loop, asked), name="paybell-lookup", daemon=True).start()

    def _run(self, loop: asyncio.AbstractEventLoop, asked: _Asked) -> None:
        """On a thread."""
        begun_at = loop.time()
        found: Sequence[str] | Exception
        try:
            found = self._look_up(asked.host, asked.port)
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            found = error
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(self._finish, asked, found, loop.time() - begun_at)

    def _finish(self, asked: _Asked, found: Sequence[str] | Exception, took_s: float) -> None:
        self._running[asked.slow] -= 1
        del self._asked[asked.host, asked.port]
        self._slow_hosts.pop(asked.host, None)
        if took_s > self._slow_s:
            self._slow_hosts[asked.host] = None
            if len(self._slow_hosts) > _SLOW_HOSTS_MAX:
                self._slow_hosts.popitem(last=False)
        if isinstance(found, Exception):
            asked.answer.set_exception(found)
            asked.answer.exception()  # seen, even if nobody waits any more
        else:
            asked.answer.set_result(found)
        self._start()
