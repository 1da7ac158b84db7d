"""Where the HTTP sender connects to, and whom it believes: the guard at work, and TLS."""

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from paybell.clock import SystemClock
from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered
from paybell.transports import HttpSender, HttpSenderConfig
from paybell.transports.dial import Resolver
from tests.integration.http_world import RUNNERS, Run, World, failed, ok


@pytest.fixture(params=list(RUNNERS))
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on both event loops: they report a peer's end in different ways."""
    return RUNNERS[request.param]


# ------------------------------------------------------------------------------------------------ the guard


def resolver_of(*addresses: str) -> Resolver:
    async def resolver(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolver


def test_one_bad_address_refuses_the_host(run: Run) -> None:
    async def main() -> None:
        # 127.0.0.1 is allowed here and comes first; the second address alone refuses the host.
        async with World(ok, resolver=resolver_of("127.0.0.1", "10.0.0.1")) as world:
            failed(await world.send(url=f"http://hooks.example:{world.port}/"), "guard", "10.0.0.1")
            assert not world.connections

    run(main())


def test_a_name_is_connected_at_the_judged_address(run: Run) -> None:
    async def main() -> None:
        async with World(ok, resolver=resolver_of("127.0.0.1")) as world:
            assert isinstance(await world.send(url=f"http://hooks.example:{world.port}/"), Answered)

    run(main())


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::ffff:127.0.0.1]:{}/"])
def test_loopback_is_closed_unless_allowed(run: Run, url: str) -> None:
    async def main() -> None:
        async with World(ok, HttpSenderConfig()) as world:
            failed(await world.send(url=url.format(world.port)), "guard", "not a public address")
            assert not world.connections

    run(main())


def test_a_second_address_is_tried_when_the_first_refuses(run: Run) -> None:
    async def main() -> None:
        # The server listens on 127.0.0.1 alone.
        async with World(ok, resolver=resolver_of("127.0.0.2", "127.0.0.1")) as world:
            assert isinstance(await world.send(url=f"http://hooks.example:{world.port}/"), Answered)

    run(main())


def test_a_name_without_address_is_a_failure(run: Run) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main() -> None:
        for resolver in (unknown, resolver_of()):
            async with World(ok, resolver=resolver) as world:
                failed(await world.send(url="http://hooks.example/"), "resolve", "hooks.example")

    run(main())


# --------------------------------------------------------------------------------------------------- TLS


class Authority:
    """A certificate authority of our own."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._issue("Test CA", self.key.public_key(), None)

    def _issue(self, name: str, key: ec.EllipticCurvePublicKey, alt: x509.GeneralName | None) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = self.certificate.subject if alt is not None else subject
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=alt is None, path_length=None), critical=True)
        if alt is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([alt]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server(self, folder: Path, alt: x509.GeneralName) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem = folder / "server.pem"
        certificate = self._issue("server", key.public_key(), alt).public_bytes(serialization.Encoding.PEM)
        pem.write_bytes(key.private_bytes(*plain) + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


HOST = x509.DNSName("hooks.example")


@pytest.mark.parametrize(
    ("alt", "url"),
    [(HOST, "https://hooks.example:{}/"), (x509.IPAddress(ip_address("127.0.0.1")), "https://127.0.0.1:{}/")],
)
def test_tls_with_the_right_name(run: Run, tmp_path: Path, authority: Authority, alt: x509.DNSName, url: str) -> None:
    async def main() -> None:
        tls, here = authority.server(tmp_path, alt), resolver_of("127.0.0.1")
        async with World(ok, resolver=here, server_tls=tls, client_tls=authority.client()) as world:
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
        tls, here = authority.server(tmp_path, HOST), resolver_of("127.0.0.1")
        client = authority.client() if own_ca else None
        async with World(ok, resolver=here, server_tls=tls, client_tls=client) as world:
            failed(await world.send(url=f"https://{host}:{world.port}/"), "tls", words)

    run(main())


def test_old_tls_is_refused(run: Run, tmp_path: Path, authority: Authority) -> None:
    async def main() -> None:
        tls = authority.server(tmp_path, HOST)
        tls.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLS"):
            tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        here = resolver_of("127.0.0.1")
        async with World(ok, resolver=here, server_tls=tls, client_tls=authority.client()) as world:
            failed(await world.send(url=f"https://hooks.example:{world.port}/"), "tls")

    run(main())


def test_a_tls_context_that_verifies_less_is_refused() -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    laxer = ssl.create_default_context()
    laxer.check_hostname, laxer.verify_mode = False, ssl.CERT_NONE
    for context in (lax, laxer):
        with pytest.raises(ConfigurationError):
            HttpSender(SystemClock(), tls_context=context)
