"""A PgBouncer in transaction mode before a PostgreSQL server, with so few connections that sessions mix."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import pytest

_CONFIG = """
[databases]
* = host={host} port={server_port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 500
logfile = {folder}/log
{more}
"""


def needed() -> None:
    """Skip where PgBouncer is not installed; in CI it must be."""
    if shutil.which("pgbouncer") is None:
        assert os.environ.get("CI") != "true", "pgbouncer must be there in CI"
        pytest.skip("pgbouncer not found: nothing was tried behind a pooler")


class PgBouncer:
    """Where root starts it, it runs under another user, which it asks for."""

    def __init__(self, server_url: str, *, size: int = 3, more: str = "") -> None:
        address, _, self._name = server_url.rpartition("@")[2].partition("/")
        host, _, server_port = address.partition(":")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = Path(tempfile.mkdtemp(prefix="paybell-pgbouncer-"))
        values = {"host": host, "server_port": server_port, "port": self.port, "size": size, "more": more}
        (self._folder / "ini").write_text(_CONFIG.format(folder=self._folder, **values))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            (self._folder / "ini").chmod(0o644)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/{self._name}"

    def __enter__(self) -> Self:
        command = [shutil.which("pgbouncer") or "", "-q", str(self._folder / "ini")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/", **self._as)
        ends = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < ends, (self._folder / "log").read_text()
                time.sleep(0.02)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)
