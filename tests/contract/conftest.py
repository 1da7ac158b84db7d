"""Every contract test of the store runs once per place."""

from pathlib import Path

import pytest

from tests.contract.stores import PLACES, Place


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return PLACES[request.param](tmp_path)
