"""An HTTP/1.1 load generator that does not hide latency.

*Open loop* (``offsets_s`` given): each request has an intended time, and its latency counts from then, whether or not
a connection was free, the server was frozen, or this program was late. *Closed loop* (``offsets_s`` None): every
connection sends as soon as its last request is answered, to find the highest rate; its latencies say little, since a
server that freezes is asked nothing meanwhile.

One request per connection at a time, no pipelining. What is not answered in time stays in the figures with the time
it waited. The generator measures itself: ``lags_s`` says how late it took up each request, which no server can cause; a
run whose 99th percentile lag exceeds :data:`LAG_P99_MAX_S` is void.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Sequence
from itertools import cycle
from typing import Final

from msgspec import Struct

from benchmarks.connection import Connection
from benchmarks.summary import percentile

NO_ANSWER: Final = 0
"""The status of a request whose connection broke."""
TIMED_OUT: Final = 1
"""The status of a request that was not answered (or not even sent) in time."""
LAG_P99_MAX_S: Final = 0.010
TICK_S: Final = 0.001
SWEEP_S: Final = 0.1
RECONNECT_S: Final = 0.05
_UNDECIDED: Final = 0xFFFF


class Load(Struct, frozen=True, kw_only=True):
    """What to send, and where to. ``requests`` are whole HTTP requests; they may be composed when they are asked for.

    ``ports``: connections are opened to each in turn.
    ``offsets_s``: when each is due, in seconds from the start, ascending; None for a closed loop.
    ``seconds_max``: a closed loop sends nothing after that.
    """

    host: str
    ports: Sequence[int]
    requests: Sequence[bytes]
    connections: int
    offsets_s: Sequence[float] | None = None
    seconds_max: float = 60.0
    timeout_s: float = 10.0


class Run(Struct, frozen=True, kw_only=True):
    """What came of a load: one entry per request sent or due, in order. Times in seconds.

    ``started_s`` is on the system-wide monotonic clock; ``due_s`` counts from it. ``wall_s`` is the time from the first
    due to the last answer, ``cpu_s`` what this process spent.
    """

    started_s: float
    due_s: Sequence[float]
    latencies_s: Sequence[float]
    statuses: Sequence[int]
    lags_s: Sequence[float]
    wall_s: float
    cpu_s: float

    @property
    def accepted(self) -> int:
        """How many were answered 2xx."""
        return sum(200 <= status < 300 for status in self.statuses)

    @property
    def lag_p99_s(self) -> float:
        """How late the generator itself was; 0 in a closed loop, where nothing is due."""
        return percentile(sorted(self.lags_s), 0.99)

    @property
    def void(self) -> bool:
        """Whether the generator was too late for the run to mean anything."""
        return self.lag_p99_s > LAG_P99_MAX_S


def evenly(rate: float, seconds: float) -> Sequence[float]:
    """Due times of ``rate`` requests a second for so many seconds."""
    return array("d", (i / rate for i in range(int(rate * seconds))))


async def run(load: Load) -> Run:
    """Open the connections, send everything, wait for the answers; ends by itself in any case."""
    return await _Generator(load).run()


class _Generator:
    """One run. Requests ``[0, _sent)`` were sent, ``[_sent, _released)`` are due and wait for a connection."""

    def __init__(self, load: Load) -> None:
        count = len(load.requests) if load.offsets_s is None else min(len(load.requests), len(load.offsets_s))
        self._load = load
        self._count = count
        self._due = array("d", load.offsets_s[:count] if load.offsets_s is not None else bytes(8 * count))
        self._latencies = array("d", bytes(8 * count))
        self._statuses = array("H", [_UNDECIDED]) * count
        self._lags = array("d")
        self._open_loop = load.offsets_s is not None
        self._idle: deque[Connection] = deque()
        self._connections: set[Connection] = set()
        self._sent = self._released = self._done = 0
        self._start_s = self._last_s = 0.0
        self._ports = cycle(load.ports)
        self._tasks: set[asyncio.Task[None]] = set()
        self._finished = asyncio.Event()
        self._stopping = False

    async def run(self) -> Run:
        """See :func:`run`."""
        connecting = asyncio.gather(*(self._connect() for _ in range(self._load.connections)))
        await asyncio.wait_for(connecting, self._load.timeout_s)
        cpu_s, self._start_s = time.process_time(), time.monotonic()
        work_s = self._due[-1] if self._open_loop and self._count else self._load.seconds_max
        self._sweep()
        self._tick()
        await asyncio.wait([asyncio.ensure_future(self._finished.wait())], timeout=work_s + self._load.timeout_s)
        await self._stop()
        return self._result(time.process_time() - cpu_s)

    # Sending

    def _tick(self) -> None:
        """Release what has become due, and come again when the next one is."""
        if self._stopping:
            return
        now = time.monotonic() - self._start_s
        if self._open_loop:
            self._release(now)
        else:
            self._released = self._count if now < self._load.seconds_max else self._sent
        self._pump()
        if not self._open_loop:
            self._later(SWEEP_S)
        elif self._released < self._count:
            self._later(max(TICK_S, self._due[self._released] - now))
        self._check_finished()

    def _later(self, delay_s: float) -> None:
        asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _release(self, now: float) -> None:
        index, due = self._released, self._due
        while index < self._count and due[index] <= now:
            self._lags.append(now - due[index])
            index += 1
        self._released = index

    def _pump(self) -> None:
        while self._idle and self._sent < self._released:
            self._send(self._idle.popleft())

    def _send(self, connection: Connection) -> None:
        index = self._sent
        self._sent = index + 1
        now = time.monotonic() - self._start_s
        if not self._open_loop:
            self._due[index] = now
        connection.send(index, self._load.requests[index], now)

    # What the connections report

    def answered(self, index: int, status: int) -> None:
        """Note an answer."""
        self._note(index, status)

    def ready(self, connection: Connection) -> None:
        """Let a free connection send the next request at once, if one is due."""
        if self._sent < self._released:
            self._send(connection)
        else:
            self._idle.append(connection)
            self._check_finished()

    def opened(self, connection: Connection) -> None:
        """Use a new connection."""
        self._connections.add(connection)
        self.ready(connection)

    def closed(self, connection: Connection, index: int | None) -> None:
        """Note the request that was under way, and replace the connection."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if index is not None:
            self._note(index, TIMED_OUT if connection.timed_out else NO_ANSWER)
        if not self._stopping:
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._check_finished()

    def _note(self, index: int, status: int) -> None:
        if self._statuses[index] != _UNDECIDED:
            return
        self._last_s = time.monotonic() - self._start_s
        self._latencies[index] = self._last_s - self._due[index]
        self._statuses[index] = status
        self._done += 1

    async def _connect(self) -> None:
        """Open one connection, trying again until the run ends."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            try:
                await loop.create_connection(lambda: Connection(self), self._load.host, next(self._ports))
            except OSError:
                await asyncio.sleep(RECONNECT_S)
            else:
                return

    # Ending

    def _sweep(self) -> None:
        """Break connections whose request has waited too long for its answer."""
        if self._stopping:
            return
        latest_s = time.monotonic() - self._start_s - self._load.timeout_s
        for connection in list(self._connections):
            connection.expire(latest_s)
        asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _check_finished(self) -> None:
        due = self._count if self._open_loop else self._released
        if self._start_s and self._done >= due and self._sent >= due:
            self._finished.set()

    async def _stop(self) -> None:
        self._stopping = True
        due = self._released if self._open_loop else self._sent
        for index in range(due):
            self._note(index, TIMED_OUT)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections):
            connection.abort()
        while self._connections:  # noqa: ASYNC110 - the loop reports each loss in its next turns
            await asyncio.sleep(0)

    def _result(self, cpu_s: float) -> Run:
        count = self._released if self._open_loop else self._sent
        return Run(
            started_s=self._start_s,
            due_s=self._due[:count],
            latencies_s=self._latencies[:count],
            statuses=self._statuses[:count],
            lags_s=self._lags,
            wall_s=self._last_s,
            cpu_s=cpu_s,
        )
