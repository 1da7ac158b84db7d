"""A test that has never been seen red counts as absent: each of these bugs turns one red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exam.bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/paybell"
_FAILED = 1
"""What pytest ends with when tests failed, and not when it could not run them."""


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_can_still_be_put_in_and_its_test_is_there(name: str) -> None:
    bug = BUGS[name]
    assert (SOURCE / bug.file).read_text().count(bug.old) == 1
    file, _, test = bug.test.partition("::")
    assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text() if test else (ROOT / file).exists()


@pytest.mark.long
@pytest.mark.parametrize("name", BUGS)
def test_the_bug_is_caught(name: str, tmp_path: Path) -> None:
    assert run(tmp_path, BUGS[name]) == _FAILED


@pytest.mark.long
def test_without_a_bug_the_same_tests_pass(tmp_path: Path) -> None:
    assert run(tmp_path, None, *sorted({bug.test for bug in BUGS.values()})) == 0


def run(folder: Path, bug: Bug | None, *tests: str) -> int:
    """How pytest ends over a copy of the program with the bug in it."""
    shutil.copytree(SOURCE, folder / "src/paybell", ignore=shutil.ignore_patterns("__pycache__"))
    if bug is not None:
        file = folder / "src/paybell" / bug.file
        file.write_text(file.read_text().replace(bug.old, bug.new))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        *(tests if bug is None else (bug.test,)),
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=300, check=False)
    return done.returncode
