import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-postgres.lock", "requirements-test.lock", ".ci/build.lock", ".ci/uv.lock")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


def pins(lock: str) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for name, version, marker in PIN.findall((ROOT / lock).read_text()):
        found.setdefault(name, set()).add((version, marker))
    return found


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=!~ \[;]", line)[0].lower() for line in project["dependencies"]}


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"paybell"}


def test_whatever_the_source_imports_is_declared() -> None:
    owners = packages_distributions()
    names = {name for file in (ROOT / "src").rglob("*.py") for name in imported(file)}
    known = {name for name in names if {owner.lower().replace("_", "-") for owner in owners.get(name, [])} & declared()}
    assert names == known


def test_runtime_lock_holds_every_declared_requirement() -> None:
    assert declared() <= pins("requirements.lock").keys()


@pytest.mark.parametrize("lock", ["requirements-test.lock", "requirements-postgres.lock"])
def test_tests_and_the_demo_run_with_the_versions_that_users_get(lock: str) -> None:
    test_pins = pins(lock)
    assert {name: test_pins.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_hashes_but_no_host_and_no_path(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert sum("==" in line for line in lines) == sum(line.endswith("\\") and "==" in line for line in lines) > 0
    assert not [line for line in lines if "://" in line or line.startswith("-") or " /" in line]
