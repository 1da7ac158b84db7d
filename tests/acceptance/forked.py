"""`paybell` in a process of its own, forked from one that has imported it: tests start it some hundred times."""

import contextlib
import multiprocessing
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Final

from paybell.cli.main import run

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "tests.acceptance.cli_world", "paybell.cli.server", __name__])


class Forked:
    """Such a process, as :class:`subprocess.Popen` shows one."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None] | None = None
    ) -> None:
        """``prepare`` is called in the new process, before the program."""
        self._process = _FORKS.Process(target=_run, args=(arguments, dict(environment), prepare))
        self._process.start()
        self._watching = Thread(target=self._watch, daemon=True)
        self._watching.start()

    def _watch(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            descriptor = os.pidfd_open(self.pid)
            waiting = select.poll()
            waiting.register(descriptor, select.POLLIN)
            waiting.poll()
            os.close(descriptor)
        self._died_s = time.monotonic()

    def died_s(self) -> float:
        """When it ended, by the monotonic clock; whoever waits for it may hear of that much later."""
        self._watching.join()
        return self._died_s

    @property
    def pid(self) -> int:
        """Its number."""
        found = self._process.pid
        assert found is not None
        return found

    def poll(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The same, awaited; ``subprocess.TimeoutExpired`` when it goes on."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("paybell", timeout or 0)
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def send_signal(self, number: int) -> None:
        """Any other."""
        os.kill(self.pid, number)


def _run(arguments: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None] | None) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if prepare is not None:
        prepare()
    sys.argv = ["paybell", *arguments]
    run()
