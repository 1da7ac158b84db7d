"""The reference names everything there is, and nothing that is not."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

import paybell
from paybell import errors
from paybell.app.bell import Paybell
from paybell.config import Settings
from paybell.model.message import EVENT_TYPES
from paybell.model.operational import OPERATIONAL_EVENT_TYPES
from tests.acceptance.cli_world import program

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference.md").read_text()
NO_JSON = {"up", "demo", "ledger export"}
SHARED_OPTIONS = {"--help", "--json", "--database", "--limit", "--after"}


def section(title: str) -> str:
    return re.split(r"^## ", REFERENCE.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", section(title), re.MULTILINE)


def commands(group: Any, path: str = "paybell") -> Iterator[tuple[str, Any]]:
    inner = getattr(group, "commands", None)
    if inner is not None:
        for name, command in inner.items():
            yield from commands(command, f"{path} {name}")
    else:
        yield path, group


def test_every_setting_stands_there_with_its_sentence() -> None:
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `PAYBELL_{name.upper()}` \(`{name}`\) \| (.+?) \| (.+?) \|$", REFERENCE, re.MULTILINE)
        assert row, name
        assert row[2] == field.description, name
        assert row[1].strip("`") == default_of(field.default), name
    assert len(first_cells("Settings")) == len(Settings.model_fields)


def default_of(value: Any) -> str:
    """A default as it is written in the environment."""
    return (",".join(value) if isinstance(value, tuple) else str(value)) or "none"


def test_every_command_and_option_stands_there() -> None:
    found = dict(commands(program()))
    assert {re.sub(r"( [A-Z]+)+$", "", it.partition(" --")[0]) for it in first_cells("Commands")} == set(found)
    for path, command in found.items():
        line = next(it for it in section("Commands").splitlines() if it.startswith(f"| `{path}"))
        options = {name for it in command.params for name in it.opts if name.startswith("--")} - SHARED_OPTIONS
        assert {it for it in options if it not in line} == set(), path
        assert set(re.findall(r"--[a-z-]+", line)) <= options | SHARED_OPTIONS, path
        assert ("--json" in {name for it in command.params for name in it.opts}) is (
            path.removeprefix("paybell ") not in NO_JSON
        ), path


def test_every_event_type_stands_there_with_its_sentence() -> None:
    assert dict(re.findall(r"^\| `([a-z_.]+)` \| (.+?) \|$", section("Event types"), re.MULTILINE)) == EVENT_TYPES


def test_every_operational_event_type_stands_there_with_its_sentence() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.+?) \|$", section("Operational webhooks"), re.MULTILINE)
    assert dict(rows) == OPERATIONAL_EVENT_TYPES


def test_every_error_stands_there() -> None:
    raised = {name: it for name, it in vars(errors).items() if isinstance(it, type) and issubclass(it, Exception)}
    assert sorted(first_cells("Errors")) == sorted(raised)
    for name, error in raised.items():
        assert re.search(rf"^ *[├└│ ]*(?:[├└]── )?{name}\b", errors.__doc__ or "", re.MULTILINE), name
        assert error.__doc__, name


def test_every_route_stands_there_with_its_sentence() -> None:
    bell = Paybell(database="sqlite:///:memory:")
    document = asyncio.run(openapi(bell))
    wanted = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": it["description"].replace("``", "`")
        for path, operations in document["paths"].items()
        for method, it in operations.items()
        if path.startswith("/api/v1")
    }
    assert dict(re.findall(r"^\| `([A-Z]+ [^`]+)` \| (.+?) \|$", section("API"), re.MULTILINE)) == wanted
    assert {path for path in document["paths"] if not path.startswith("/api/v1")} == {"/health", "/metrics"}


async def openapi(bell: Paybell) -> dict[str, Any]:
    async with bell, httpx.AsyncClient(transport=httpx.ASGITransport(app=bell), base_url="http://docs") as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


def test_every_public_name_stands_there() -> None:
    for name in paybell.__all__:
        assert f"`paybell.{name}`" in section("Library"), name


def test_decisions_are_numbered_and_say_what_they_cost() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(it.name[:4]) for it in decisions] == list(range(1, len(decisions) + 1))
    for file in decisions:
        text = file.read_text()
        assert text.startswith(f"# {int(file.name[:4])}. "), file.name
        for part in ("**Context.**", "**Decision.**", "**Cost.**"):
            assert part in text, (file.name, part)
