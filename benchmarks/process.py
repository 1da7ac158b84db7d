"""The processes a benchmark starts, by their own ids, and what they cost; every wait has an end."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from benchmarks.options import Options

START_S: Final = 20.0
STOP_S: Final = 30.0
_HOST: Final = "127.0.0.1"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """The run cannot count; the text says why."""


class Child:
    """A process of our own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Look after ``process``."""
        self._process = process

    def cpu_s(self) -> float:
        """CPU seconds of all its threads so far, in steps of 10 ms."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_bytes(self) -> int:
        """The memory it has now."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end, and end it if it does not within :data:`STOP_S`; ``Failed`` when it had to be ended."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Failed(f"process did not stop within {STOP_S:.0f} s of SIGTERM") from None


@contextlib.contextmanager
def child(command: Sequence[str], *, env: Mapping[str, str], log: Path | None = None) -> Iterator[tuple[Child, Any]]:
    """Run ``command`` for the block's time; gives it with its standard output (None when that goes to ``log``)."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(log.open("ab")) if log else None
        process = subprocess.Popen(
            list(command),
            env=os.environ | dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sink or subprocess.PIPE,
            stderr=sink,
        )
        try:
            yield Child(process), process.stdout
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


class Server(Struct, frozen=True):
    """A running ``paybell up``."""

    child: Child
    port: int
    key: str

    @property
    def host(self) -> str:
        """Host and port, as a request's Host header says them."""
        return f"{_HOST}:{self.port}"

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Call the management API; ``Failed`` unless it answers 2xx."""
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=10)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if not 200 <= answer.status < 300:
            raise Failed(f"POST {path} was answered {answer.status}: {text[:500]!r}")
        result: dict[str, Any] = json.loads(text)
        return result

    def create_source(self, secret: str) -> str:
        """Create a Stripe source; gives the path its webhooks go to."""
        wanted = {"uid": "bench", "gateway": "stripe", "secrets": [secret], "livemode": True}
        created = self.post("/api/v1/source", wanted | {"options": {"toleranceSeconds": 3600}})
        path: str = urlsplit(created["url"]).path
        return path


class Nodes(Struct, frozen=True):
    """The nodes of one Paybell."""

    servers: Sequence[Server]

    @property
    def first(self) -> Server:
        """The one that is told what there is."""
        return self.servers[0]

    @property
    def ports(self) -> list[int]:
        """Where they listen."""
        return [server.port for server in self.servers]

    def cpu_s(self) -> list[float]:
        """CPU seconds of each so far."""
        return [server.child.cpu_s() for server in self.servers]

    def stop(self) -> None:
        """Stop them, one after the other."""
        for server in self.servers:
            server.child.stop()


@contextlib.contextmanager
def nodes(folder: Path, options: Options, *, database: str, env: Mapping[str, str], roles: str = "") -> Iterator[Nodes]:
    """Run them on the ``database`` for the block's time, logging to ``folder``; ``roles`` '' means all."""
    given = {"PAYBELL_BOOTSTRAP_KEY": secrets.token_hex(16), **env} | ({"PAYBELL_ROLES": roles} if roles else {})
    command = [sys.executable, "-m", options.module, "up", "--database", database]
    with contextlib.ExitStack() as stack:
        logs = [folder / f"server{number}.log" for number in range(1, options.nodes + 1)]
        yield Nodes([stack.enter_context(_server(command, given, log)) for log in logs])


@contextlib.contextmanager
def _server(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[Server]:
    port = _free_port()
    whole = [*command, "--host", _HOST, "--port", str(port), "--allow-private-networks", "127.0.0.0/8"]
    with child(whole, env={"PAYBELL_LOG_LEVEL": "warning", **env}, log=log) as (process, _):
        _wait_healthy(process, port, log)
        yield Server(process, port, env["PAYBELL_BOOTSTRAP_KEY"])


@contextlib.contextmanager
def receiver(journal: Path, capture: str) -> Iterator[tuple[Child, str]]:
    """Run the fast receiver for the block's time; gives it and its URL."""
    command = [sys.executable, "-m", "paybell.testing.receiver", "--journal", str(journal), "--capture", capture]
    with child(command, env={}) as (process, output):
        yield process, f"http://{_HOST}:{int(output.readline())}/"


@contextlib.contextmanager
def trouble() -> Iterator[tuple[Child, dict[str, str]]]:
    """Run receivers in trouble for the block's time; gives the process and where each is, by its kind."""
    with child([sys.executable, "-m", "paybell.testing.trouble"], env={}) as (process, output):
        urls: dict[str, str] = json.loads(output.readline())
        yield process, urls


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((_HOST, 0))
        port: int = one.getsockname()[1]
        return port


def _wait_healthy(process: Child, port: int, log: Path) -> None:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.alive():
        connection = http.client.HTTPConnection(_HOST, port, timeout=2)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise Failed(f"the server did not become healthy within {START_S:.0f} s; it said: {log.read_text()[-2000:]}")
