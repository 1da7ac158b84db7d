"""Tests that ask for a database run on each; those whose module shares one run whole on one, then on the other."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgres
from tests.databases import DATABASES, Database

settings.register_profile("paybell", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("paybell")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay as long as the run: nobody need look among them for garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Here, and not when the process ends: xdist gives it ten seconds for that, too few to delete gigabytes."""
    postgres.stop()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return DATABASES[request.param](tmp_path)


@pytest.fixture(scope="module", params=DATABASES)
def module_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Database:
    return DATABASES[request.param](tmp_path_factory.mktemp("database"))
