"""The page of scenarios lists those there are, in the words that the command says."""

import re
from pathlib import Path

from paybell.testing.scenarios import SCENARIOS

PAGE = (Path(__file__).parents[2] / "docs/scenarios.md").read_text()


def test_every_scenario_stands_there_with_its_sentences() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert rows == [(it.name, it.wrong, it.right) for it in SCENARIOS.values()]
