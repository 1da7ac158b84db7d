"""Receivers in trouble are in the trouble that they are named for."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from paybell.testing.trouble import MIX, Trouble

POST = b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}"


async def answer(trouble: Trouble, kind: str, count: int) -> bytes:
    """That many bytes of its answer, and whatever follows within a moment where that is little."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(trouble.urls[kind]).port)
    writer.write(POST)
    found = await reader.readexactly(count)
    if count < 2:
        with contextlib.suppress(TimeoutError):
            found += await asyncio.wait_for(reader.read(65_536), 0.1)
    writer.close()
    return found


def test_each_says_what_it_should() -> None:
    async def scenario() -> None:
        async with Trouble() as trouble:
            assert trouble.urls.keys() == MIX.keys()
            assert await answer(trouble, "hang", 0) == b""
            assert await answer(trouble, "stall", 0) == b""
            assert await answer(trouble, "drip", 1) == b"H"
            assert len(await answer(trouble, "flood", 1_000_000)) == 1_000_000
            assert await answer(trouble, "busy", 13) == b"HTTP/1.1 429 "
            with pytest.raises(ConnectionRefusedError):
                await answer(trouble, "refuse", 1)
            assert [trouble.peak(kind) for kind in ("hang", "flood", "refuse")] == [1, 1, 0]

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_as_a_process_it_tells_where_it_is_and_ends_when_it_is_told_to() -> None:
    command = [sys.executable, "-m", "paybell.testing.trouble"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()).keys() == MIX.keys()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
