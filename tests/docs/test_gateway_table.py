"""The table of gateways in the docs is the one that the program prints."""

import re
from pathlib import Path
from typing import Any

import pytest

from paybell.cli.gateway_table import (
    BEGIN,
    COLUMNS,
    END,
    TABLE_WIDTH_MIN,
    cells,
    full,
    in_full,
    lines,
    markdown,
    narrow,
)
from paybell.gateways import GATEWAYS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gateways" / "README.md"
NAMES = tuple(GATEWAYS)


def test_the_table_is_as_paybell_gateways_prints_it() -> None:
    begin, end = f"{BEGIN}\n", END
    assert (PAGE.read_text().count(begin), PAGE.read_text().count(end)) == (1, 1)
    table = PAGE.read_text().partition(begin)[2].partition(end)[0]
    assert table == markdown(tuple(GATEWAYS.values())), "put `paybell gateways --markdown` between the two comments"


def test_each_row_leads_to_its_page_and_has_every_column() -> None:
    rows = markdown(tuple(GATEWAYS.values())).splitlines()
    links = [re.match(r"\| \[[^\]]+\]\((\w+)\.md\) \| `(\w+)` \|", row) for row in rows[2:]]
    assert [found and (found[1], found[2]) for found in links] == [(name, name) for name in NAMES]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {len(COLUMNS) + 1}


@pytest.mark.parametrize("width", [24, 41, 42, 80, TABLE_WIDTH_MIN - 1])
def test_no_line_is_wider_than_the_terminal_but_for_words_that_are(width: int) -> None:
    texts = [narrow(tuple(GATEWAYS.values()), width)]
    texts += [lines(tuple(in_full(each)), width) for each in GATEWAYS.values()]
    text_at = 22 if width >= 42 else 2  # below that, texts stand under their labels
    for line in "\n".join(texts).splitlines():
        assert len(line) <= width or " " not in line[text_at:], line


@pytest.mark.parametrize("name", NAMES)
def test_everything_about_a_gateway_is_shown(name: str) -> None:
    gateway = GATEWAYS[name]
    about = gateway.about
    shown = dict.fromkeys(text for _, text in in_full(gateway))
    said: Any = full(gateway)
    for value in (*cells(gateway).values(), *about.unverified, *said["events"], about.credential or "none"):
        assert value in shown
    assert {option for option, it in said["options"].items() if it["secret"]} == about.secret_options
    for option, it in said["options"].items():
        assert it["mustBe"]
        assert f"{option}: {it['mustBe']}{' (a credential)' if it['secret'] else ''}" in shown
