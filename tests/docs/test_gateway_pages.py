"""Every gateway has a page that says how to set it up, and no page says what the code does not."""

import re
from pathlib import Path

import pytest

from paybell.errors import ConfigurationError
from paybell.gateways import GATEWAYS
from paybell.ports import Gateway
from tests.unit.gateways.sources import source

PAGES = Path(__file__).resolve().parents[2] / "docs" / "gateways"
HEADINGS = ["Set up", "Subscribe to", "Options", "Pitfalls"]
NAMES = tuple(GATEWAYS)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text()


def section(name: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name}: no section {heading}"
    return found[1]


def options_of(gateway: Gateway, wrong: dict[str, object]) -> set[str]:
    """What a gateway itself says it knows, when it is given what it does not."""
    name = gateway.about.name
    with pytest.raises(ConfigurationError) as raised:
        gateway.check(source(name, secrets=("secret",), options=wrong))
    listed = str(raised.value).partition("it knows: ")[2]
    return set() if listed == "none" else set(listed.split(", "))


def test_no_page_is_of_nobody() -> None:
    assert {each.stem for each in PAGES.glob("*.md")} - {"README"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_parts(name: str) -> None:
    about = GATEWAYS[name].about
    assert page(name).startswith(f"# {about.title}\n")
    last = ["Not verified"] if about.unverified else []
    assert re.findall(r"^## (.+)$", page(name), re.MULTILINE) == [*HEADINGS, *last]
    if about.unverified:
        assert re.findall(r"^- (.+)$", section(name, "Not verified"), re.MULTILINE) == list(about.unverified)


@pytest.mark.parametrize("name", NAMES)
def test_its_options_stand_there_and_no_others(name: str) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", section(name, "Options"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == options_of(GATEWAYS[name], {"nobody": 1})
    assert GATEWAYS[name].about.secret_options <= options_of(GATEWAYS[name], {"nobody": 1})
    assert rows or section(name, "Options").strip() == "None."


def test_the_parts_of_a_verifier_stand_there() -> None:
    found = re.search(r"`verifier` \|.*", section("ippopay", "Options"))
    assert found
    known = options_of(GATEWAYS["ippopay"], {"verifier": {"nobody": 1}})
    assert set(re.findall(r"`(\w+)`", found[0])) == known | {"verifier"}
