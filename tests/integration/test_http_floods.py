"""Answers without end, and answers that end too early: the sender reads no more than it must, and tells them apart."""

import asyncio
import contextlib
import socket
import threading
from pathlib import Path
from typing import Self

import pytest

from paybell.model.delivery import Answered, Failed
from tests.integration.http_world import Peer, World, failed, ok
from tests.loops import RUNNERS, Run

GIGABYTES_10 = 10 * 2**30
HEAD = b"HTTP/1.1 200 OK\r\n"
ZEROS = bytes(65_536)
SENT_BYTES_MAX = 32 * 2**20
"""What may leave the server before it hears that nobody reads on: the kernel's buffers on both sides."""
GROWTH_KIB_MAX = 24 * 1024


@pytest.fixture(params=list(RUNNERS))
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on both event loops: they report a peer's end in different ways."""
    return RUNNERS[request.param]


class Flood:
    """A server on threads that answers each request with ``start``, then with ``unit`` for ten gigabytes."""

    def __init__(self, start: bytes, unit: bytes) -> None:
        self._start, self._unit = start, unit
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.sent: list[int] = []
        self._ended = threading.Semaphore(0)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=self._listener.accept()[:1], daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError), sock:
            sock.recv(65_536)
            sock.sendall(self._start)
            while sent < GIGABYTES_10:
                sock.sendall(self._unit)
                sent += len(self._unit)
        self.sent.append(sent)
        self._ended.release()

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self._ended.acquire(timeout=20)


def peak_kib(*, anew: bool = False) -> int:
    """The most memory this process has had since the last time it was measured ``anew``."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    return next(int(it.split()[1]) for it in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in it)


def fit(unit: bytes) -> bytes:
    return unit * (len(ZEROS) // len(unit))


WHOLE = Answered(status_code=200, body=bytes(16_384))
FLOODS = {
    "a body of known length": (HEAD + b"Content-Length: 10737418240\r\n\r\n", ZEROS, WHOLE),
    "a body that ends by closing": (HEAD + b"\r\n", ZEROS, WHOLE),
    "one chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n280000000\r\n", ZEROS, WHOLE),
    "chunks of a byte": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", fit(b"1\r\n\0\r\n"), WHOLE),
    "a chunk's extension": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", fit(b"e"), Answered(status_code=200)),
    "trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", fit(b"A: b\r\n"), Answered(status_code=200)),
    "what nobody asked for": (HEAD + b"Content-Length: 0\r\n\r\n", ZEROS, Answered(status_code=200)),
    "a header": (HEAD + b"A: ", fit(b"x"), "longer than 16384 bytes"),
    "headers": (HEAD, fit(b"A: b\r\n"), "longer than 16384 bytes"),
    "interim answers": (b"", fit(b"HTTP/1.1 100 Continue\r\n\r\n"), "longer than 16384 bytes"),
    "hints": (b"", fit(b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"), "longer than 16384 bytes"),
    "a status": (b"HTTP/1.1 200 ", fit(b"x"), "longer than 16384 bytes"),
    "zeros": (b"", ZEROS, "not an HTTP/1.1 answer"),
}


@pytest.mark.parametrize("name", list(FLOODS))
def test_ten_gigabytes_of_anything_cost_no_memory_and_end_at_once(run: Run, name: str) -> None:
    start, unit, expected = FLOODS[name]

    async def main() -> None:
        with Flood(start, unit) as flood:
            async with World(ok) as world:
                await world.send(pool="warm", url=flood.url)  # what is allocated once
                before_kib = peak_kib(anew=True)
                sendings = [world.send(pool=f"ep_{number}", url=flood.url) for number in range(8)]
                for outcome in await asyncio.gather(*sendings):
                    if isinstance(expected, str):
                        failed(outcome, "answer", expected)
                    else:
                        assert outcome == expected
                await asyncio.to_thread(flood.wait, 9)
                assert max(flood.sent) < SENT_BYTES_MAX
                assert peak_kib() - before_kib < GROWTH_KIB_MAX

    run(main())


ENDINGS = {
    "length": (HEAD + b"Content-Length: 5\r\n\r\nhello", False),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: t\r\n\r\n", False),
    "interim": (b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello", False),
    "closing": (HEAD + b"Retry-After: 1\r\n\r\nhello", True),
}


@pytest.mark.parametrize("framing", list(ENDINGS))
@pytest.mark.parametrize("abruptly", [False, True])
def test_an_answer_cut_off_at_any_byte_is_a_failure_unless_closing_ends_it(
    run: Run, framing: str, *, abruptly: bool
) -> None:
    answer, ends_by_closing = ENDINGS[framing]
    ends = iter(range(len(answer) + 1))

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(answer[: next(ends)])
        await peer.writer.drain()
        if abruptly:  # a reset, which may even overtake the bytes
            peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.writer.transport.abort()

    async def main() -> None:
        async with World(script) as world:
            head_bytes = answer.index(HEAD) + answer[answer.index(HEAD) :].index(b"\r\n\r\n") + 4
            for end in range(len(answer) + 1):
                outcome = await world.send()
                told = end >= head_bytes if ends_by_closing else end == len(answer)
                if told and not (abruptly and isinstance(outcome, Failed)):
                    body = answer[head_bytes:end] if ends_by_closing else b"hello"
                    assert outcome == Answered(status_code=200, body=body)
                else:
                    failed(outcome, "answer", "before")
            assert len(world.connections) == len(answer) + 1

    run(main())
