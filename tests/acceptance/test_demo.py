"""The demo ends with 0 when all is delivered, also the second time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.world import free_port


@pytest.mark.parametrize("options", [(), ("--postgres",)], ids=["sqlite", "postgres"])
def test_the_demo_twice(tmp_path: Path, options: tuple[str, ...]) -> None:
    for _ in range(2):
        command = [sys.executable, "-m", "paybell", "demo", "--exit", "--port", str(free_port()), *options]
        shown = subprocess.run(
            command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
        )
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert "All 9 as expected" in shown.stdout
        assert "payment.completed → 200, signature ok" in shown.stdout
        assert "401 refused" in shown.stdout
