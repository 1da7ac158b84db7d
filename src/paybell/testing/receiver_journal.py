"""The receiver as a process of its own, which journals what it gets: ``python -m paybell.testing.receiver``.

Prints its port on the first line. Each request becomes one line of the journal, ``webhook-id TAB arrival TAB capture
TAB path``, where arrival is in nanoseconds of the system-wide monotonic clock, and capture is what ``--capture``'s
group found in the body ('' for nothing). Lines are written every 20 ms, and all of them on SIGTERM.
"""

import argparse
import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import IO, Final

import uvloop

from paybell.testing.receiver import Received, Receiver, Reply

FLUSH_S: Final = 0.02
_REPLY: Final = Reply()


class Journal:
    """Appends a line per request to ``file``; an answered request may be up to 20 ms ahead of its line."""

    def __init__(self, file: IO[bytes], capture: str) -> None:
        """Write to ``file``; ``capture`` is a regular expression with one group, '' for none."""
        self._file = file
        self._pattern = re.compile(capture.encode()) if capture else None
        self._lines: list[bytes] = []

    def answer(self, received: Received) -> Reply:
        """Note the request and answer 200."""
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        match = self._pattern.search(received.body) if self._pattern else None
        captured = match[1] if match else b""
        arrived_ns = int(received.arrived_s * 1e9)
        line = (received.webhook_id.encode(), arrived_ns, captured, received.path.encode())
        self._lines.append(b"%b\t%d\t%b\t%b\n" % line)
        return _REPLY

    def flush(self) -> None:
        """Hand all lines to the file system."""
        self._file.write(b"".join(self._lines))
        self._file.flush()
        self._lines.clear()


async def serve(port: int, journal_path: Path, capture: str, seconds_max: float) -> None:
    """Receive until SIGTERM or SIGINT, ``seconds_max`` at most."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with journal_path.open("ab") as file:
        journal = Journal(file, capture)
        async with Receiver(port=port, answer=journal.answer, keep=False) as receiver:
            sys.stdout.write(f"{receiver.port}\n")
            sys.stdout.flush()
            await asyncio.wait([asyncio.ensure_future(stopped.wait())], timeout=seconds_max)
        journal.flush()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m paybell.testing.receiver", description="Journal webhooks.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--journal", type=Path, required=True, help="file to append to")
    parser.add_argument("--capture", default="", help="regular expression with one group, looked for in each body")
    parser.add_argument("--seconds-max", type=float, default=3600.0, help="end by itself after so long (default: 3600)")
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.journal, given.capture, given.seconds_max))
