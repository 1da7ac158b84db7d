"""One log gives one database, byte for byte, whatever process records it, in whatever batches, by however many."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from paybell.model.ledger import Posting
from paybell.store import ledger_rows
from tests.acceptance import replaying
from tests.contract.archives import verified
from tests.contract.ledger_world import DUMP, rows_of
from tests.contract.stores import Place, PostgresPlace, SqlitePlace, world
from tests.unit.books import standing

_ROOT: Final = Path(__file__).parents[2]
_TABLES: Final = ("payments", "facts", "postings", "account_items", "grants", "entitlements", "mentions")
_PLACES: Final = (SqlitePlace, PostgresPlace)
VARIANTS: Final = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C", "batch": "100"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "de_DE.UTF-8", "batch": "1"},
    {"PYTHONHASHSEED": "12345", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "batch": "7"},
)


def received(place: Place) -> int:
    """Let the log wait in that database; how many notifications."""

    async def main() -> int:
        async with world(place) as it:
            return await replaying.fill(it)

    return asyncio.run(main())


def start(place: Place, variant: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A process of its own that records it."""
    given = {name: value for name, value in variant.items() if name != "batch"}
    assert isinstance(place, SqlitePlace | PostgresPlace)
    database = str(place.path) if isinstance(place, SqlitePlace) else place.url
    command = [sys.executable, "-m", "tests.acceptance.replaying", database, variant["batch"]]
    return subprocess.Popen(command, env=os.environ | given, cwd=_ROOT)


def replayed(place: Place, *variants: Mapping[str, str]) -> None:
    processes = [start(place, variant) for variant in variants]
    assert [process.wait(120) for process in processes] == [0] * len(processes)
    states = rows_of(place, "SELECT DISTINCT state FROM notification_states")
    assert {state for (state,) in states} <= {"recorded", "unmapped"}
    assert verified(place).examples == ()


def digest(dump: object) -> str:
    return hashlib.sha256(msgspec.json.encode(dump)).hexdigest()


def rows_digest(place: Place) -> str:
    """Every payment, fact and posting with all its ids (but the organisation's, which each installation makes up)."""
    (organisation_id,) = {row[1] for row in rows_of(place, DUMP["payments"])}
    tables = [sorted(rows_of(place, DUMP[table])) for table in _TABLES]
    return digest([[[it for it in row if it != organisation_id] for row in rows] for rows in tables])


def meaning_digest(place: Place) -> str:
    """The same without what says who came first: each payment's state, facts, and what stands in its books.

    Two recorders decide between them which notification is the first to tell of a payment or of a fact, and so the
    ids that are made of it, and how often a running total is corrected.
    """
    facts: dict[str, list[bytes]] = {}
    for payment_id, fact_digest, _, _ in rows_of(place, DUMP["facts"]):
        facts.setdefault(payment_id, []).append(fact_digest)
    posted: dict[str, list[Posting]] = {}
    for row in rows_of(place, DUMP["postings"]):
        it = ledger_rows.posting((*row, 0))
        posted.setdefault(it.payment_id, []).append(it)
    return digest(
        sorted(
            (source_id, gateway_payment_id, state, sorted(facts[payment_id]), books(posted.get(payment_id, [])))
            for payment_id, _, source_id, gateway_payment_id, *_, state in rows_of(place, DUMP["payments"])
        )
    )


def books(posted: list[Posting]) -> Sequence[object]:
    return sorted((kind, ref, lines) for (kind, ref), lines in standing(posted).items())


@pytest.fixture(scope="module")
def digests(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, int], tuple[str, str]]:
    """Of each database after each variant: the rows, and what they mean."""
    found = {}
    for kind in _PLACES:
        for number, variant in enumerate(VARIANTS):
            place = kind(tmp_path_factory.mktemp("replay"))
            assert received(place) > 500
            replayed(place, variant)
            found[kind.__name__, number] = rows_digest(place), meaning_digest(place)
    return found


def test_other_hashes_zones_locales_and_batches_give_the_same_rows(
    digests: Mapping[tuple[str, int], tuple[str, str]],
) -> None:
    assert len(digests) == len(_PLACES) * len(VARIANTS)
    assert len(set(digests.values())) == 1


def test_two_recorders_give_what_means_the_same(
    tmp_path: Path, digests: Mapping[tuple[str, int], tuple[str, str]]
) -> None:
    place = PostgresPlace(tmp_path)
    received(place)
    replayed(place, VARIANTS[2], VARIANTS[1])
    assert meaning_digest(place) == digests["PostgresPlace", 0][1]
