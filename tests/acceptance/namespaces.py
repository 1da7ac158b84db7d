"""Network namespaces on one bridge: machines of their own, as far as the network goes. Only root can make them."""

import os
import shutil
import subprocess
from types import TracebackType
from typing import Self

NETWORK = f"10.231.{os.getpid() % 250}"
MISSING = "" if os.geteuid() == 0 and shutil.which("ip") else "needs root and the command ip (apt-get install iproute2)"
"""Why there can be none here; '' where there can."""
ALONE = ("unshare", "--net", "--mount", "--")
"""Before a command of root's: a network and a view of the file system of its own, gone when it ends."""


def _ip(*arguments: str, check: bool = True) -> bool:
    return subprocess.run(["ip", *arguments], check=check, capture_output=True).returncode == 0


class Bridge:
    """The bridge, at ``host`` for those outside of all namespaces, and numbered namespaces behind it."""

    def __init__(self, count: int) -> None:
        self._name = f"pb{os.getpid() % 100_000}"
        self._count = count
        self.host = f"{NETWORK}.1"

    def namespace(self, number: int) -> str:
        return f"{self._name}-{number}"

    def address(self, number: int) -> str:
        return f"{NETWORK}.{10 + number}"

    def __enter__(self) -> Self:
        try:
            _ip("link", "add", self._name, "type", "bridge")
            _ip("addr", "add", f"{self.host}/24", "dev", self._name)
            _ip("link", "set", self._name, "up")
            for number in range(self._count):
                self._add(number)
        except BaseException:
            self.close()
            raise
        return self

    def _add(self, number: int) -> None:
        space, outer = self.namespace(number), self._outer(number)
        _ip("netns", "add", space)
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", outer, "master", self._name, "up")
        _ip("-n", space, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        _ip("-n", space, "link", "set", "lo", "up")

    def _outer(self, number: int) -> str:
        return f"{self._name}v{number}"

    def cut(self, number: int) -> None:
        """Pull the namespace's cable: nothing of what it sends or is sent arrives, and nobody is told."""
        _ip("link", "set", self._outer(number), "down")

    def mend(self, number: int) -> None:
        _ip("link", "set", self._outer(number), "up")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for number in range(self._count):
            _ip("netns", "del", self.namespace(number), check=False)
        _ip("link", "del", self._name, check=False)
