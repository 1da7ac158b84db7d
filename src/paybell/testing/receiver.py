"""A fast webhook receiver for tests and benchmarks: keeps what comes, answers what it is told.

In a test::

    async with Receiver() as receiver:
        ...                                      # let something post to receiver.url
        first, second = await receiver.wait_for(2, timeout_s=10)

As a process of its own: ``python -m paybell.testing.receiver --port 0 --journal FILE`` (see :mod:`.receiver_journal`).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from msgspec import structs

from paybell.testing.listening import close
from paybell.testing.received import Answer, Received, Reply, StandardWebhooks, Verify
from paybell.testing.receiver_protocol import Connection

__all__ = ["Answer", "Received", "Receiver", "Reply", "StandardWebhooks", "Verify"]


class Receiver:
    """An HTTP/1.1 server that keeps every request in ``requests``, in order of arrival.

    ``answer`` decides the replies; without it those of :meth:`script`, else 200 with no body. With ``verify`` set
    (at any time) a request that fails it is kept too, with ``verified`` False, and answered 401. ``keep`` False
    counts the requests and hands them to ``answer``, but keeps none. ``now`` is the clock: by default the system-wide
    monotonic one, comparable between processes of one machine.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        answer: Answer | None = None,
        verify: Verify | None = None,
        keep: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up; nothing is opened before :meth:`start`. Port 0 takes a free one."""
        self.now = now
        self.verify = verify
        self.requests: list[Received] = []
        self.count = 0
        self.connections: set[Connection] = set()
        self._address = (host, port)
        self._answer = answer or self._scripted
        self._keep = keep
        self._scripts: dict[str, deque[Reply]] = {}
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Start listening."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and drop every connection."""
        await self.stop()

    async def start(self) -> None:
        """Listen; ``OSError`` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), *self._address, backlog=1024)
        self._address = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            await close(self._server)
        while self.connections:
            for connection in list(self.connections):
                connection.close()
            await asyncio.sleep(0)  # the loop reports each loss in its next turn

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._address[1]

    @property
    def url(self) -> str:
        """Where to post to; any path under it is served."""
        return f"http://{self._address[0]}:{self.port}/"

    def script(self, path: str, *replies: Reply) -> None:
        """Answer requests for ``path`` with these replies, one each; the last one stays."""
        if not replies:
            raise ValueError("A script needs at least one reply")
        self._scripts[path] = deque(replies)

    async def wait_for(self, count: int, timeout_s: float) -> Sequence[Received]:
        """The first ``count`` requests, once they are there; ``TimeoutError`` says how many came."""
        if self.count < count:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((count, future))
            try:
                await asyncio.wait_for(future, timeout_s)
            except TimeoutError as error:
                raise TimeoutError(f"{self.count} of {count} requests came within {timeout_s} s") from error
        return self.requests[:count]

    def take(self, received: Received) -> Reply:
        """Keep a request and decide its reply; the connections call it."""
        genuine = self.verify is None or self.verify(received)
        if not genuine:
            received = structs.replace(received, verified=False)
        if self._keep:
            self.requests.append(received)
        self.count += 1
        if self._waiting:
            self._wake()
        return self._answer(received) if genuine else Reply(status_code=401)

    def _scripted(self, received: Received) -> Reply:
        replies = self._scripts.get(received.path)
        if replies is None:
            return Reply()
        return replies.popleft() if len(replies) > 1 else replies[0]

    def _wake(self) -> None:
        for count, future in self._waiting:
            if count <= self.count and not future.done():
                future.set_result(None)
        self._waiting = [(count, future) for count, future in self._waiting if not future.done()]


if __name__ == "__main__":
    from paybell.testing.receiver_journal import main

    main()
