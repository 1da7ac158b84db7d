"""Results as a markdown table that says on what and how it was measured; no paths, no host names."""

import hmac
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import apsw

RESULTS: Final = Path(__file__).parent / "results"
_LIBRARIES: Final = ("uvloop", "httptools", "apsw", "asyncpg", "msgspec", "uvicorn")
_SYNCS: Final = 200

Row = Mapping[str, str]


def write(name: str, *, title: str, date: str, command: str, rows: Sequence[Row], notes: Sequence[str]) -> Path:
    """Write ``results/{name}.md`` (and give its path): one column per row of ``rows``, which all have the same keys."""
    facts = [f"- Date: {date}", f"- Command: `{command}`", *(f"- {line}" for line in machine())]
    text = "\n".join([f"# {title}", "", *facts, "", table(rows), "", *(f"- {note}" for note in notes), ""])
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text(text)
    return path


def table(rows: Sequence[Row]) -> str:
    """Figures down, runs across."""
    names = list(rows[0])
    head = f"| | {' | '.join(f'run {number}' for number in range(1, len(rows) + 1))} |"
    lines = [f"| {name} | {' | '.join(row[name] for row in rows)} |" for name in names]
    return "\n".join([head, "|---" * (len(rows) + 1) + "|", *lines])


def machine() -> list[str]:
    """What it ran on: processor, cores, Python, libraries, and what the disk takes for a durable write."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return [
        f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}, {libraries}, SQLite {apsw.sqlite_lib_version()}",
        f"Speed: {python_speed_ms():.1f} ms for fib(24), {hmac_us():.1f} µs for HMAC-SHA256 of 1 KiB (best of 5)",
        f"Disk: {disk_sync_us():.0f} µs for a 4 KiB append and fdatasync (median of {_SYNCS})",
    ]


def load() -> str:
    """How busy others keep the machine; asked before a run, since a run is busy itself."""
    averages = ", ".join(f"{it:.2f}" for it in os.getloadavg())
    return f"Load average of the machine when the first run began: {averages} (1, 5 and 15 minutes)"


def disk_sync_us() -> float:
    """How long a small durable write takes where the databases of these runs are, in microseconds."""
    spent = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(_SYNCS):
            begun = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - begun)
    return sorted(spent)[_SYNCS // 2] * 1e6


def python_speed_ms() -> float:
    """What a piece of plain Python takes now: a rented processor's speed differs by a factor of three in a day."""
    return _best_s(lambda: _fib(24)) * 1e3


def hmac_us() -> float:
    """What a piece of compiled code takes here and now."""
    return _best_s(lambda: [hmac.digest(b"k" * 32, b"b" * 1024, "sha256") for _ in range(2000)]) / 2000 * 1e6


def _best_s(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return min(spent)


def _fib(number: int) -> int:
    return number if number < 2 else _fib(number - 1) + _fib(number - 2)


def ms(seconds: float) -> str:
    """Milliseconds with two digits."""
    return f"{seconds * 1e3:.2f}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown processor")
