"""The HTTP sender against real servers on loopback: each hostile in its own way."""

import asyncio
import socket
from collections.abc import Sequence

import msgspec
import pytest

from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered
from paybell.transports import HttpSenderConfig
from tests.integration.http_world import LOOPBACK, OK, Peer, World, failed, ok, resolver_of
from tests.loops import RUNNERS, Run


@pytest.fixture(params=list(RUNNERS))
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on both event loops: they report a peer's end in different ways."""
    return RUNNERS[request.param]


def test_a_request_arrives_as_written_and_its_answer_comes_back(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        peer.writer.write(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait")
        seen.append(await peer.request())
        peer.writer.write(OK)

    async def main() -> None:
        async with World(script) as world:
            assert await world.send() == Answered(status_code=429, body=b"wait", retry_after_s=7.0)
            assert await world.send(method="GET", body=b"", headers=()) == Answered(status_code=200, body=b"ok")
            host = f"Host: 127.0.0.1:{world.port}\r\n".encode()
        assert seen[0].startswith(b"POST /hook HTTP/1.1\r\n" + host)
        assert seen[0].endswith(b'content-type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}')
        assert seen[1].startswith(b"GET /hook HTTP/1.1\r\n" + host)

    run(main())


def test_a_connection_is_used_again_within_its_pool_only(run: Run) -> None:
    async def main() -> None:
        async with World(ok) as world:
            for pool in ["ep_1", "ep_1", "ep_2", "ep_2", "ep_1"]:
                assert await world.send(pool=pool) == Answered(status_code=200, body=b"ok")
            assert len(world.connections) == 2

    run(main())


def test_a_connection_is_used_again_for_its_origin_only(run: Run) -> None:
    """One endpoint whose URL changes: another host at the same address, in another case, on the same port."""

    async def main() -> None:
        async with World(ok, resolver=resolver_of("127.0.0.1")) as world:
            for host in ["a.example", "b.example", "127.0.0.1", "A.example", "b.example", "a.example.", "127.0.0.1"]:
                assert isinstance(await world.send(url=f"http://{host}:{world.port}/"), Answered)
            assert len(world.connections) == 3

    run(main())


def test_requests_at_the_same_time_have_a_connection_each(run: Run) -> None:
    async def main() -> None:
        async with World(ok) as world:
            await asyncio.gather(*[world.send() for _ in range(5)])
            await asyncio.gather(*[world.send() for _ in range(5)])
            assert len(world.connections) == 5

    run(main())


def test_no_more_idle_connections_are_kept_than_allowed(run: Run) -> None:
    async def main() -> None:
        config = HttpSenderConfig(allowed_networks=LOOPBACK, idle_connections_max=1)
        async with World(ok, config) as world:
            await world.send(pool="ep_1")
            await world.send(pool="ep_2")
            await world.gone.wait()
            await world.send(pool="ep_2")
            assert len(world.connections) == 2
            await world.send(pool="ep_1")
            assert len(world.connections) == 3

    run(main())


def test_an_idle_connection_is_closed_when_its_time_is_over(run: Run) -> None:
    async def main() -> None:
        async with World(ok, HttpSenderConfig(allowed_networks=LOOPBACK, idle_s=0.05)) as world:
            await world.send()
            await asyncio.wait_for(world.gone.wait(), 5)
            assert len(world.connections) == 1

    run(main())


def test_an_old_connection_is_not_used_again(run: Run) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await asyncio.sleep(0.02)  # the connection grows old
            peer.writer.write(OK)

    async def main() -> None:
        async with World(script, HttpSenderConfig(allowed_networks=LOOPBACK, connection_age_max_s=0.01)) as world:
            await world.send()
            await world.send()
            assert len(world.connections) == 2

    run(main())


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"])
def test_the_deadline_holds_when_an_answer_stalls(run: Run, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(said)
        await peer.reader.read()

    async def main() -> None:
        async with World(script) as world:
            failed(await world.send(timeout_s=0.1), "deadline", "0.1 s")
            await asyncio.wait_for(world.gone.wait(), 5)

    run(main())


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"])
def test_the_deadline_is_for_the_whole_answer_however_it_drips(run: Run, start: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(start)
        for byte in b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1_000:
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0.02)

    async def main() -> None:
        async with World(script) as world:
            failed(await world.send(timeout_s=0.3), "deadline", "0.3 s")
            await asyncio.wait_for(world.gone.wait(), 5)

    run(main())


def test_a_later_shorter_deadline_holds_on_a_kept_connection(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(OK)
        await peer.request()
        await peer.reader.read()

    async def main() -> None:
        async with World(script) as world:
            assert isinstance(await world.send(timeout_s=600), Answered)
            failed(await asyncio.wait_for(world.send(timeout_s=0.1), 5), "deadline")

    run(main())


def test_the_deadline_covers_the_resolver(run: Run) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return [host]

    async def main() -> None:
        async with World(ok, resolver=never) as world:
            failed(await world.send(url="http://hooks.example/", timeout_s=0.05), "deadline")

    run(main())


@pytest.mark.parametrize(
    "said", [b"", b"\x16\x03\x03\x40\x00", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(9)]
)
def test_the_deadline_covers_the_tls_handshake(run: Run, said: bytes) -> None:
    """A server that says nothing, or begins a record, or its part of the handshake, and stalls."""

    async def silent(peer: Peer) -> None:
        peer.writer.write(said)
        await peer.reader.read()

    async def main() -> None:
        async with World(silent) as world:
            failed(await world.send(url=f"https://127.0.0.1:{world.port}/", timeout_s=0.1), "deadline")
            await asyncio.wait_for(world.gone.wait(), 5)

    run(main())


def test_a_request_that_nobody_reads_ends_at_the_deadline(run: Run) -> None:
    release: list[asyncio.Event] = []

    async def deaf(peer: Peer) -> None:
        await release[0].wait()

    async def main() -> None:
        release.append(asyncio.Event())
        async with World(deaf) as world:
            failed(await world.send(body=b"x" * 30_000_000, timeout_s=0.3), "deadline")
            release[0].set()

    run(main())


def test_a_long_answer_is_cut_and_its_connection_closed(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 10_000_000)
        await peer.writer.drain()

    async def main() -> None:
        async with World(script) as world:
            assert await world.send() == Answered(status_code=200, body=b"x" * 16_384)
            await asyncio.wait_for(world.gone.wait(), 5)
            await world.send()
            assert len(world.connections) == 2

    run(main())


def test_redirects_are_not_followed_and_cookies_not_kept(run: Run) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            peer.writer.write(b"HTTP/1.1 307 Away\r\nLocation: /other\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    async def main() -> None:
        async with World(script) as world:
            assert [await world.send() for _ in range(2)] == [Answered(status_code=307)] * 2
            assert len(world.connections) == 1
        assert seen[0] == seen[1]
        assert b"\r\nAccept-Encoding: identity\r\n" in seen[0]
        assert b"cookie" not in seen[0].lower()

    run(main())


def test_a_reset_is_a_failure_and_is_not_tried_again(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.writer.transport.abort()

    async def main() -> None:
        async with World(script) as world:
            failed(await world.send(), "answer", "connection")
            assert len(world.connections) == 1

    run(main())


def test_garbage_is_a_failure(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.serve(b"220 mail ready\r\n")

    async def main() -> None:
        async with World(script) as world:
            failed(await world.send(), "answer", "not an HTTP/1.1 answer")

    run(main())


def test_nobody_listening_is_a_failure(run: Run) -> None:
    async def main() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            async with World(ok) as world:
                failed(await world.send(url=f"http://127.0.0.1:{free.getsockname()[1]}/"), "connect", "refused")

    run(main())


def test_a_kept_connection_that_the_peer_closed_is_replaced_once(run: Run) -> None:
    """The peer takes the second request on the kept connection, and closes without a word."""

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(OK)
        await peer.request()

    async def main() -> None:
        async with World(script) as world:
            assert isinstance(await world.send(), Answered)
            assert isinstance(await world.send(), Answered)
            assert len(world.connections) == 2

    run(main())


def test_a_kept_connection_that_broke_within_an_answer_is_not_replaced(run: Run) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(OK)
        await peer.request()
        peer.writer.write(b"HTTP/1.1 2")

    async def main() -> None:
        async with World(script) as world:
            assert isinstance(await world.send(), Answered)
            failed(await world.send(), "answer", "before its answer was over")
            assert len(world.connections) == 1

    run(main())


@pytest.mark.parametrize("more", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"])
def test_close_or_unasked_bytes_end_a_connection(run: Run, more: bytes) -> None:
    async def script(peer: Peer) -> None:
        connection = b"keep-alive" if more else b"close"
        await peer.serve(b"HTTP/1.1 200 OK\r\nConnection: " + connection + b"\r\nContent-Length: 2\r\n\r\nok" + more)

    async def main() -> None:
        async with World(script) as world:
            for _ in range(2):
                assert await world.send() == Answered(status_code=200, body=b"ok")
            assert len(world.connections) == 2

    run(main())


def test_bytes_on_an_idle_connection_end_it(run: Run) -> None:
    speak: list[asyncio.Event] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(OK)
        await speak[0].wait()
        peer.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        await peer.reader.read()

    async def main() -> None:
        speak.append(asyncio.Event())
        async with World(script) as world:
            await world.send()
            speak[0].set()
            await asyncio.wait_for(world.gone.wait(), 5)
            assert await world.send() == Answered(status_code=200, body=b"ok")
            assert len(world.connections) == 2

    run(main())


def test_an_answer_before_the_whole_request_is_read_counts_but_ends_the_connection(run: Run) -> None:
    release: list[asyncio.Event] = []

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.writer.write(b"HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
        await release[0].wait()

    async def main() -> None:
        release.append(asyncio.Event())
        async with World(script) as world:
            assert await world.send(body=b"x" * 30_000_000) == Answered(status_code=413)
            assert await world.send(body=b"x") == Answered(status_code=413)
            assert len(world.connections) == 2
            release[0].set()

    run(main())


def test_a_cancelled_request_takes_its_connection_along(run: Run) -> None:
    asked: list[asyncio.Event] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        asked[0].set()
        await peer.reader.read()

    async def main() -> None:
        asked.append(asyncio.Event())
        async with World(script) as world:
            task = asyncio.create_task(world.send())
            await asked[0].wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(world.gone.wait(), 5)

    run(main())


def test_closing_ends_requests_under_way_and_refuses_later_ones(run: Run) -> None:
    asked: list[asyncio.Event] = []

    async def script(peer: Peer) -> None:
        await peer.request()
        asked[0].set()
        await peer.reader.read()

    async def main() -> None:
        asked.append(asyncio.Event())
        async with World(script) as world:
            task = asyncio.create_task(world.send())
            await asked[0].wait()
            await world.sender.close()
            failed(await task, "answer")
            failed(await world.send(), "connect", "closed")

    run(main())


@pytest.mark.parametrize(
    "changes",
    [{"method": "PUT"}, {"url": "ftp://example.com/"}, {"headers": (("x", "a\r\nb: c"),)}, {"headers": (("x", "€"),)}],
)
def test_what_cannot_be_sent_is_a_failure_before_any_connection(run: Run, changes: dict[str, object]) -> None:
    async def main() -> None:
        async with World(ok) as world:
            failed(await world.send(**changes), "send")
            assert not world.connections

    run(main())


@pytest.mark.parametrize("changes", [{"connect_timeout_s": 0}, {"idle_connections_max": -1}, {"user_agent": "a\r\nb"}])
def test_limits_that_stop_everything_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        msgspec.structs.replace(HttpSenderConfig(), **changes)
