"""TLS as the HTTP sender does it: whom it believes, and the certificate that it shows."""

import asyncio
import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509

from paybell.clock import SystemClock
from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, Failed
from paybell.testing.fake_clock import FakeClock
from paybell.transports import HttpSender, HttpSenderConfig
from tests.authority import LOCKED, Authority, key_pem, new_key
from tests.integration.http_world import LOOPBACK, OK, Peer, World, failed, ok, resolver_of
from tests.loops import RUNNERS, Run

HOST = x509.DNSName("hooks.example")
HERE = resolver_of("127.0.0.1")


@pytest.fixture(params=list(RUNNERS))
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on both event loops: they report a peer's end in different ways."""
    return RUNNERS[request.param]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


# ------------------------------------------------------------------------------------------- whom it believes


@pytest.mark.parametrize(
    ("alt", "url"),
    [(HOST, "https://hooks.example:{}/"), (x509.IPAddress(ip_address("127.0.0.1")), "https://127.0.0.1:{}/")],
)
def test_tls_with_the_right_name(run: Run, tmp_path: Path, authority: Authority, alt: x509.DNSName, url: str) -> None:
    async def main() -> None:
        tls = authority.server(tmp_path, alt)
        async with World(ok, resolver=HERE, server_tls=tls, client_tls=authority.client) as world:
            for _ in range(2):
                assert await world.send(url=url.format(world.port)) == Answered(status_code=200, body=b"ok")
            assert len(world.connections) == 1

    run(main())


@pytest.mark.parametrize(
    ("host", "own_ca", "words"),
    [("other.example", True, "ostname mismatch"), ("127.0.0.1", True, "mismatch"), ("hooks.example", False, "issuer")],
)
def test_tls_with_the_wrong_name_or_authority_is_refused(
    run: Run, tmp_path: Path, authority: Authority, host: str, *, own_ca: bool, words: str
) -> None:
    async def main() -> None:
        tls = authority.server(tmp_path, HOST)
        client = authority.client if own_ca else ssl.create_default_context
        async with World(ok, resolver=HERE, server_tls=tls, client_tls=client) as world:
            failed(await world.send(url=f"https://{host}:{world.port}/"), "tls", words)

    run(main())


def test_old_tls_is_refused(run: Run, tmp_path: Path, authority: Authority) -> None:
    async def main() -> None:
        tls = authority.server(tmp_path, HOST)
        tls.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLS"):
            tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        async with World(ok, resolver=HERE, server_tls=tls, client_tls=authority.client) as world:
            failed(await world.send(url=f"https://hooks.example:{world.port}/"), "tls")

    run(main())


def lax() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


def laxer() -> ssl.SSLContext:
    context = lax()
    context.verify_mode = ssl.CERT_NONE
    return context


def older() -> ssl.SSLContext:
    context = ssl.create_default_context()
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.parametrize("new_context", [lax, laxer, older])
def test_a_tls_context_that_verifies_less_is_refused(new_context: object) -> None:
    with pytest.raises(ConfigurationError):
        HttpSender(SystemClock(), new_tls_context=new_context)


def test_a_context_that_leaves_the_oldest_tls_to_the_system_is_told() -> None:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED  # as Debian's own Python makes them
    HttpSender(SystemClock(), new_tls_context=lambda: context)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


# ------------------------------------------------------------------------------------ the certificate it shows


async def name_of_client(peer: Peer) -> None:
    """Answer with the name in the client's certificate."""
    subject = (peer.writer.get_extra_info("peercert") or {}).get("subject", ())
    name = dict(it for part in subject for it in part).get("commonName", "nobody").encode()
    await peer.serve(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name))


def asking(tmp_path: Path, authority: Authority, config: HttpSenderConfig | None = None, **changes: object) -> World:
    """A server that wants to see a client's certificate."""
    tls = authority.server(tmp_path, HOST, clients=authority)
    tls.maximum_version = changes.pop("version", ssl.TLSVersion.TLSv1_3)
    return World(name_of_client, config, resolver=HERE, server_tls=tls, client_tls=authority.client, **changes)


async def name_told(world: World, pool: str, certificate: str) -> str:
    answer = await world.send(
        pool=pool, url=f"https://hooks.example:{world.port}/", client_certificate=certificate, timeout_s=10
    )
    assert isinstance(answer, Answered), answer
    return answer.body.decode()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_each_endpoint_shows_its_own_certificate(
    run: Run, tmp_path: Path, authority: Authority, version: ssl.TLSVersion
) -> None:
    async def main() -> None:
        async with asking(tmp_path, authority, version=version) as world:
            pems = {name: authority.client_pem(name) for name in ("a", "b")}
            for name in ("a", "b", "a", "b"):
                assert await name_told(world, name, pems[name]) == name
            assert len(world.connections) == 2

    run(main())


def test_the_chain_is_shown_to_a_server_that_knows_its_root_alone(
    run: Run, tmp_path: Path, authority: Authority
) -> None:
    async def main() -> None:
        between = Authority("Between", above=authority)
        pem = between.client_pem("far")
        async with asking(tmp_path, authority) as world:
            assert await name_told(world, "ep_1", pem + between.pem) == "far"
            url = f"https://hooks.example:{world.port}/"
            assert isinstance(await world.send(url=url, client_certificate=pem), Failed)

    run(main())


def test_a_connection_is_never_used_under_another_certificate(run: Run, tmp_path: Path, authority: Authority) -> None:
    """One endpoint, whose certificate is replaced, taken away and put back."""

    async def main() -> None:
        tls = authority.server(tmp_path, HOST, clients=authority)
        tls.verify_mode = ssl.CERT_OPTIONAL
        async with World(name_of_client, resolver=HERE, server_tls=tls, client_tls=authority.client) as world:
            old, new = authority.client_pem("old"), authority.client_pem("new")
            told = [await name_told(world, "ep_1", pem) for pem in (old, new, "", old, new, "")]
            assert told == ["old", "new", "nobody"] * 2
            assert len(world.connections) == 3

    run(main())


class BlockingServer:
    """One connection, served on a thread by OpenSSL itself: asyncio's servers send no alerts when a handshake fails."""

    def __init__(self, tls: ssl.SSLContext, serve: Callable[[ssl.SSLSocket], None]) -> None:
        self._tls, self._serve = tls, serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://hooks.example:{self._listener.getsockname()[1]}/"

    async def __aenter__(self) -> Self:
        self._served = asyncio.create_task(asyncio.to_thread(self._run))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        await self._served

    def _run(self) -> None:
        with contextlib.suppress(OSError), self._listener.accept()[0] as sock:
            sock.settimeout(10)
            with self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False) as peer:
                try:
                    peer.do_handshake()
                except ssl.SSLError:
                    # The request is read all the same: to close with unread bytes would overtake the alert.
                    while socket.socket.recv(peer, 65_536):
                        pass
                    return
                self._serve(peer)


def serve_one(peer: ssl.SSLSocket) -> None:
    peer.recv(65_536)
    peer.send(OK)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("whose", ["nobody's", "a stranger's"])
def test_a_server_that_does_not_take_the_certificate_is_a_failure_of_tls(
    run: Run, tmp_path: Path, authority: Authority, whose: str, version: ssl.TLSVersion
) -> None:
    """With TLS 1.3 that is heard only after the handshake, when the request is on its way."""

    async def main() -> None:
        pem = Authority("Other CA").client_pem("a") if whose == "a stranger's" else ""
        tls = authority.server(tmp_path, HOST, clients=authority)
        tls.maximum_version = version
        async with World(ok, resolver=HERE, client_tls=authority.client) as world, BlockingServer(tls, serve_one) as it:
            failed(await world.send(url=it.url, client_certificate=pem), "tls", "alert")

    run(main())


def spoilt(authority: Authority) -> Iterator[tuple[str, str]]:
    key = new_key()
    certificate = authority.certificate("a", key)
    yield "at most", "x" * 40_000
    yield "one private key", "certificate"
    yield "one private key", certificate
    yield "one private key", key_pem(key) + key_pem(key) + certificate
    yield "its certificate", key_pem(key)
    yield "encrypted", key_pem(key, LOCKED) + certificate
    yield "does not belong", key_pem(new_key()) + certificate
    yield "expired on 2", authority.client_pem("a", days=-1)


def test_a_certificate_that_cannot_be_used_fails_before_any_connection(
    run: Run, tmp_path: Path, authority: Authority
) -> None:
    async def main() -> None:
        async with asking(tmp_path, authority) as world:
            for words, pem in spoilt(authority):
                for _ in range(2):
                    url = f"https://hooks.example:{world.port}/"
                    failed(await world.send(url=url, client_certificate=pem), "tls", words)
            assert not world.connections

    run(main())


def test_a_certificate_that_expires_while_it_is_kept_is_not_shown_any_more(
    run: Run, tmp_path: Path, authority: Authority
) -> None:
    async def main() -> None:
        clock, pem = FakeClock(SystemClock().now_ms()), authority.client_pem("a")
        async with asking(tmp_path, authority, clock=clock) as world:
            assert await name_told(world, "ep_1", pem) == "a"
            clock.advance(2 * 86_400)
            url = f"https://hooks.example:{world.port}/"
            failed(await world.send(pool="ep_2", url=url, client_certificate=pem), "tls", "expired on 2")
            assert len(world.connections) == 1

    run(main())


def test_no_certificate_is_shown_in_the_clear(run: Run, authority: Authority) -> None:
    async def main() -> None:
        async with World(ok) as world:
            failed(await world.send(client_certificate=authority.client_pem("a")), "tls", "https")
            assert not world.connections

    run(main())


def test_contexts_are_made_once_each_and_no_more_are_kept_than_allowed(
    run: Run, tmp_path: Path, authority: Authority
) -> None:
    made = []

    def new_context() -> ssl.SSLContext:
        made.append(threading.current_thread().name)
        return authority.client()

    async def main() -> None:
        config = HttpSenderConfig(allowed_networks=LOOPBACK, tls_contexts_max=2, idle_connections_max=0)
        async with asking(tmp_path, authority, config) as world:
            world.sender = HttpSender(SystemClock(), config, resolver=HERE, new_tls_context=new_context)
            pems = [authority.client_pem(name) for name in "abc"]
            names = await asyncio.gather(*[name_told(world, "ep_1", pems[0]) for _ in range(8)])
            assert (names, len(made)) == (["a"] * 8, 2)
            for pem, name in zip(pems * 2, "abc" * 2, strict=True):
                assert await name_told(world, "ep_1", pem) == name
            assert len(made) == 1 + 6  # "a" was kept at first, and two are never enough for three in turn
            assert len(world.sender._tls) == 2
            assert {name.split("_")[0] for name in made[1:]} == {"paybell-tls"}

    run(main())


def test_a_server_may_ask_for_the_certificate_after_it_has_seen_the_path(
    run: Run, tmp_path: Path, authority: Authority
) -> None:
    """As web servers do that want it for some of their paths only (TLS 1.3, post-handshake authentication)."""
    told: list[str] = []

    def serve(peer: ssl.SSLSocket) -> None:
        peer.recv(65_536)
        told.append(str(peer.getpeercert()))
        peer.verify_client_post_handshake()
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.settimeout(0)
        while not peer.getpeercert() and select.select([peer], [], [], 5)[0]:
            with contextlib.suppress(ssl.SSLWantReadError):
                peer.recv(1)
        told.append(str(peer.getpeercert()))
        peer.send(OK)

    async def main() -> None:
        tls = authority.server(tmp_path, HOST, clients=authority)
        tls.verify_mode, tls.post_handshake_auth = ssl.CERT_OPTIONAL, True
        async with World(ok, resolver=HERE, client_tls=authority.client) as world, BlockingServer(tls, serve) as server:
            answer = await world.send(url=server.url, client_certificate=authority.client_pem("late"))
            assert answer == Answered(status_code=200, body=b"ok")
            assert [("late" in it) for it in told] == [False, True]

    run(main())
