"""Whatever the pages name is there: files, links, commands, settings, event types, Python names."""

import importlib
import re
from pathlib import Path

import pytest

from paybell.config import Settings
from paybell.model.message import EVENT_TYPES
from tests.acceptance.cli_world import program

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
OF_GATEWAYS = ROOT / "docs" / "gateways"
"""These pages name other companies' event types."""
FOR_SCRIPTS = {"PAYBELL_PYTHON", "PAYBELL_TEST_TIER"}  # of ./run and ./test
FILE_NAMES = re.compile(r"[\w.*/-]+/|(?:[\w*-]+/)*[\w*-]+\.(?:py|sql|md|toml|lock)")
COMMAND = re.compile(r"^(?:\./run|paybell) ([a-z].*)$")
EVENT = re.compile(r"(?:payment|refund|dispute|payout|subscription|invoice|membership)\.[a-z_]+")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def spans(page: Path) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", prose(page))


def words(page: Path) -> list[str]:
    return [word for span in spans(page) for word in span.split()]


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pages
def test_files_and_folders_are_there(page: Path) -> None:
    for word in words(page):
        if FILE_NAMES.fullmatch(word) and not word.startswith(("data/", "/")):
            pattern = word.rstrip("/").removeprefix("./").replace("NAME", "*")
            found = any(next(folder.rglob(pattern), None) for folder in (ROOT / "src", ROOT / "tests"))
            assert found or next(ROOT.glob(pattern), None), word


@pages
def test_commands_are_there(page: Path) -> None:
    lines = re.findall(r"^(?:\./run|paybell) .*$", page.read_text(), re.MULTILINE)
    for line in [*spans(page), *lines]:
        if typed := COMMAND.match(line.partition("#")[0].strip()):
            command = program()
            for word in typed[1].split():
                if not hasattr(command, "commands"):
                    break
                assert word in command.commands, line
                command = command.commands[word]
            known = {name for it in command.params for name in it.opts}
            assert set(re.findall(r"(?<!\S)--[a-z-]+", typed[1])) <= known, line


@pages
def test_settings_are_there(page: Path) -> None:
    known = {f"PAYBELL_{name.upper()}" for name in Settings.model_fields} | FOR_SCRIPTS
    assert set(re.findall(r"PAYBELL_[A-Z_]+[A-Z]", page.read_text())) <= known


@pages
def test_event_types_are_there(page: Path) -> None:
    if page.parent == OF_GATEWAYS:
        return
    named = {it for it in spans(page) if EVENT.fullmatch(it)}
    named |= set(re.findall(r'"((?:payment|refund|dispute)\.[a-z_]+)"', page.read_text()))
    assert named <= set(EVENT_TYPES)


@pages
def test_python_names_are_there(page: Path) -> None:
    for dotted in re.findall(r"`(paybell(?:\.\w+)+)`", prose(page)):
        module, _, name = dotted.rpartition(".")
        assert hasattr(importlib.import_module(module), name), dotted
