"""A worker process, seen from outside: asked one question at a time, and killed when it is late."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

_PROGRAM: Final = Path(__file__).with_name("worker.py")
_HEAD_BYTES: Final = 4


class Worker:
    """One process of ``worker.py``: its own session, no environment, nothing of ours but two pipes."""

    def __init__(self, process: Process, *, answer_bytes_max: int) -> None:
        self._process = process
        self._answer_bytes_max = answer_bytes_max
        self.owner = ""

    @classmethod
    async def start(cls, *, answer_bytes_max: int) -> "Worker":
        """Start one; ``OSError`` where the system gives no more processes."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_PROGRAM),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        return cls(process, answer_bytes_max=answer_bytes_max)

    async def ask(self, question: bytes, *, deadline_s: float) -> bytes | None:
        """Its answer; None where it ended or was late. Then, and when the asker is cancelled, it is dead."""
        answer = None
        try:
            async with asyncio.timeout(deadline_s):
                answer = await self._exchange(question)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            if answer is None:
                self.kill()
        return answer

    async def _exchange(self, question: bytes) -> bytes | None:
        writer, reader = self._process.stdin, self._process.stdout
        if writer is None or reader is None:
            raise BrokenPipeError
        writer.write(len(question).to_bytes(_HEAD_BYTES, "big") + question)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(_HEAD_BYTES), "big")
        return await reader.readexactly(length) if length <= self._answer_bytes_max else None

    @property
    def ended(self) -> bool:
        """Whether it is gone, and nothing of it is left."""
        return self._process.returncode is not None

    def kill(self) -> None:
        """End it and the interpreter that it started."""
        if not self.ended:  # else the number may be somebody else's by now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill it and wait for its end."""
        self.kill()
        await self._process.wait()
