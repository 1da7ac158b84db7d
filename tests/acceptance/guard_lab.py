"""The HTTP sender in a network of its own, where every address is this machine and no connection is missed.

The system resolves with a name server of ours. ``python -m tests.acceptance.guard_lab SCENARIO FILE`` writes a Report.
"""

import asyncio
import os
import re
import ssl
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from ipaddress import ip_address, ip_network
from itertools import chain, cycle, repeat
from pathlib import Path
from typing import Final, Self, cast

import msgspec
import uvloop

from paybell.clock import SystemClock
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.ports import Sending
from paybell.transports import HttpSender, HttpSenderConfig
from paybell.transports.dial import Dialler
from paybell.transports.lookup import Lookups
from paybell.transports.tls import TlsContexts
from paybell.transports.url import Target
from tests.hostile_urls import BAD, DECOY, PORTS, hostile_urls

Addresses = tuple[str, ...]
PUBLIC_V6: Final = "2606:4700::1111"
VARIANTS: Final = 10_000
ATTEMPTS: Final = 400
_AAAA: Final = 28
_AUTHORITY: Final = re.compile(r"[^/]*/*([^/?#]*).*", re.DOTALL)
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Report(msgspec.Struct):
    """What became of the attempts, and what the machine saw: ``opened`` counts connections begun, wherever they led."""

    outcomes: list[str]
    seen: dict[str, int]
    opened: int
    asked: dict[str, int]


class NameServer(asyncio.DatagramProtocol):
    """Answers with the next set of the name's addresses at each look-up, or with ``otherwise``."""

    def __init__(self) -> None:
        self.names: dict[str, Iterator[Addresses]] = {}
        self.otherwise: Addresses = ()
        self.asked: Counter[str] = Counter()
        self._told: dict[tuple[str, int], Addresses] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1"))
            at += 1 + data[at]
        kind = int.from_bytes(data[at + 1 : at + 3], "big")
        found = self._look_up(".".join(labels).lower(), addr[1])
        records = [_record(kind, it) for it in found if (":" in it) == (kind == _AAAA)]
        head = data[:2] + b"\x81\x80\0\1" + len(records).to_bytes(2, "big") + b"\0\0\0\0"
        self._transport.sendto(head + data[12 : at + 5] + b"".join(records), addr)

    def _look_up(self, name: str, port: int) -> Addresses:
        """The system asks for both kinds of address from one port: that is one look-up, with one set of addresses."""
        told = self._told.pop((name, port), None)
        if told is None:
            self.asked[name] += 1
            told = self._told[name, port] = next(self.names[name]) if name in self.names else self.otherwise
        return told


def _record(kind: int, address: str) -> bytes:
    packed = ip_address(address).packed
    return b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\0" + len(packed).to_bytes(2, "big") + packed


class Canary(asyncio.Protocol):
    """Notes at which address it was reached, and answers."""

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        address = ip_address(transport.get_extra_info("sockname")[0])
        self._lab.seen[str(getattr(address, "ipv4_mapped", None) or address)] += 1

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._lab.answer)


class Lab(AsyncExitStack):
    """The canary, on every address; the name server; a sender as strict as in production."""

    def __init__(self, config: HttpSenderConfig) -> None:
        super().__init__()
        self.dns, self.seen, self.outcomes = NameServer(), Counter[str](), list[str]()
        self.answer = _OK
        self.sender = HttpSender(SystemClock(), config)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self.dns, local_addr=("127.0.0.1", 53))
        for port in PORTS:
            await asyncio.get_running_loop().create_server(lambda: Canary(self), None, port)
        self.opened_before = opened()
        return self

    async def send(self, url: str) -> None:
        sending = Sending(pool="ep_1", url=url, headers=(), body=b"{}", timeout_s=10)
        self.note(await self.sender.send(sending))

    def note(self, outcome: Outcome) -> None:
        self.outcomes.append("answered" if isinstance(outcome, Answered) else f"{outcome.phase}: {outcome.reason}")

    def report(self) -> Report:
        return Report(self.outcomes, dict(self.seen), opened() - self.opened_before, dict(self.dns.asked))


def opened() -> int:
    """TCP connections that this network's programs have begun to open, as the kernel counts them."""
    names, numbers = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Tcp:")
    return int(dict(zip(names, numbers, strict=True))["ActiveOpens"])


def be_everywhere() -> None:
    """Take every address of both families for this machine's own."""
    for arguments in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
        subprocess.run(["ip", *arguments.split()], check=True)


def use_name_server() -> None:
    """In this process's own view of the file system: the resolver asks 127.0.0.1."""
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:5 attempts:1\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    Path(file.name).unlink()


def host_of(url: str) -> str:
    """What a careless reader takes for the host."""
    authority = _AUTHORITY.sub(r"\1", url).rsplit("@", 1)[-1]
    return authority.split("]")[0].strip("[") if "[" in authority else authority.split(":")[0]


async def addresses(lab: Lab) -> None:
    """Each hostile address as it is, as a name's only address, and beside a public one in either order."""
    for number, address in enumerate(BAD):
        await lab.send(url_of(address))
        for place, found in enumerate([(address,), (address, DECOY), (PUBLIC_V6, address), (DECOY, address)]):
            lab.dns.names[f"bad-{number}-{place}.example"] = cycle([found])
            await lab.send(f"http://bad-{number}-{place}.example/")


async def unguarded(lab: Lab) -> None:
    """The same addresses with the guard opened: what the canary can see."""
    for address in [*BAD, DECOY, PUBLIC_V6]:
        await lab.send(url_of(address))


async def variants(lab: Lab) -> None:
    """Every variant as a URL; the name server gives the address that is meant for whatever it is asked."""
    for url, address in hostile_urls(VARIANTS):
        lab.dns.otherwise = (address,)
        await lab.send(url)


async def careless(lab: Lab) -> None:
    """Every variant as if its URL had passed for a good one: the system reads the host, and the guard judges that."""
    tls = TlsContexts(SystemClock(), ssl.create_default_context, kept_max=1)
    dialler = Dialler(HttpSenderConfig(), Lookups(threads_max=4), tls, lambda _: None)
    for url, address in hostile_urls(VARIANTS):
        lab.dns.otherwise = (address,)
        host = host_of(url)
        target = Target(tls=False, host=host, port=80, literal=False, authority=host, origin=host, path="/")
        found = await dialler.open(target, "", asyncio.get_running_loop().time() + 10)
        lab.note(found if isinstance(found, Failed) else Answered(status_code=200))


async def flips(lab: Lab) -> None:
    """A name that is public at one look-up and not at the next, with a new connection for each attempt."""
    lab.dns.names["flip.example"] = cycle([(DECOY,), ("169.254.169.254",), (PUBLIC_V6,), ("::1",)])
    for _ in range(ATTEMPTS):
        await lab.send("http://flip.example/")


async def kept(lab: Lab) -> None:
    """A connection that is kept stays with the address that was judged, wherever the name leads meanwhile."""
    lab.dns.names["flip.example"] = chain([(DECOY,)], repeat(("127.0.0.1",)))
    for _ in range(ATTEMPTS):
        await lab.send("http://flip.example/")


async def proxied(lab: Lab) -> None:
    """With every variable set by which programs are told of a proxy, and a redirect as the answer."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = f"http://{DECOY}:8080"
    lab.answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    for url in (f"http://[{PUBLIC_V6}]/", f"http://[{PUBLIC_V6}]:8080/", f"https://[{PUBLIC_V6}]/"):
        await lab.send(url)


def url_of(address: str) -> str:
    return f"http://[{address}]/" if ":" in address else f"http://{address}/"


_EVERYTHING: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
SCENARIOS: Final[dict[str, tuple[Callable[[Lab], Awaitable[None]], HttpSenderConfig]]] = {
    "addresses": (addresses, HttpSenderConfig()),
    "unguarded": (unguarded, HttpSenderConfig(allowed_networks=_EVERYTHING)),
    "variants": (variants, HttpSenderConfig()),
    "careless": (careless, HttpSenderConfig()),
    "flips": (flips, HttpSenderConfig(idle_connections_max=0)),
    "kept": (kept, HttpSenderConfig()),
    "proxied": (proxied, HttpSenderConfig()),
}


async def main(name: str) -> Report:
    scenario, config = SCENARIOS[name]
    async with Lab(config) as lab:
        await scenario(lab)
        return lab.report()


if __name__ == "__main__":
    be_everywhere()
    use_name_server()
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(uvloop.run(main(sys.argv[1]))))
