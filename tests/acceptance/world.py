"""A real `paybell up` in a process of its own, and what tests ask of it over HTTP."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

import httpx

from tests.acceptance.forked import Forked
from tests.databases import Database, environment

KEY = "key_for_acceptance_tests"
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process(Protocol):
    """A program that runs, as :class:`subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...

    def send_signal(self, sig: int, /) -> None: ...


class Server:
    """`paybell up` on a free port of loopback, with a database that outlives it."""

    def __init__(
        self,
        database: Database,
        *,
        loopback: bool = True,
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
        **given: str,
    ) -> None:
        """``within`` is a command that starts it, such as ``ip netns exec NAME``."""
        self.database = database
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"
        self.api = httpx.Client(base_url=f"{self.url}/api/v1", headers={"authorization": f"Bearer {KEY}"}, timeout=20)
        self._environment = {**os.environ, "PAYBELL_BOOTSTRAP_KEY": KEY, "PAYBELL_LOG_LEVEL": "error"}
        self._environment |= environment(database) | given
        self._within = within
        self.arguments = ["up", "--host", host, "--port", str(self.port)]
        self.arguments += ["--allow-private-networks", "127.0.0.0/8"] if loopback else []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.api.close()

    def start(self) -> None:
        self.process: Process = self._begin()
        self._await_health()

    def _begin(self) -> Process:
        if not self._within:
            return Forked(self.arguments, self._environment)
        command = [*self._within, sys.executable, "-m", "paybell", *self.arguments]
        return subprocess.Popen(command, env=self._environment)

    def _await_health(self, *, may_die: bool = False) -> None:
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            if may_die and self.process.poll() is not None:
                return
            assert self.process.poll() is None, "the server ended by itself"
            try:
                if httpx.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.02)
        raise TimeoutError("the server did not answer within 30 s")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        answer = self.api.post(path, json=body)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        answer = self.api.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def source(self, uid: str, gateway: str, *secrets: str, **options: object) -> dict[str, Any]:
        body = {"uid": uid, "gateway": gateway, "secrets": secrets, "livemode": False, "options": options}
        return self.post("/source", body)

    def subscribe(self, url: str, *event_types: str) -> tuple[str, str, str]:
        """Application id, endpoint id and signing secret of a new endpoint."""
        application = self.post("/app", {"name": "Shop"})["id"]
        endpoint = self.post(f"/app/{application}/endpoint", {"url": url, "eventTypes": event_types})["id"]
        return application, endpoint, self.get(f"/app/{application}/endpoint/{endpoint}/secret")["key"]

    def payments(self, **filters: str) -> list[dict[str, Any]]:
        """All payments, page by page."""
        found: list[dict[str, Any]] = []
        iterator = ""
        while True:
            page = self.get("/payment", limit="250", **({"iterator": iterator} if iterator else {}), **filters)
            found += page["data"]
            iterator = page["iterator"]
            if page["done"]:
                return found


async def eventually(look: Callable[[], T | Awaitable[T]], timeout_s: float = 20) -> T:
    """What `look` finds, once it is true; AssertionError when the time is up."""
    ends = time.monotonic() + timeout_s
    while True:
        looked = look()
        found = await looked if isinstance(looked, Awaitable) else looked
        if found:
            return found
        assert time.monotonic() < ends, "it did not happen in time"
        await asyncio.sleep(0.05)
