"""Named SQL: every name is used, every use has a name, and the states in the database are those of the model."""

import re
from collections.abc import Iterable
from enum import StrEnum
from importlib import resources
from pathlib import Path

import pytest

from paybell.errors import SchemaError
from paybell.model.delivery import DeliveryState
from paybell.model.endpoint_state import Breaker
from paybell.model.notification import NotificationState, Origin
from paybell.model.payment import PaymentStatus
from paybell.model.task import TaskState
from paybell.store.named import UP, _split, migrations, queries

STORE = Path(str(resources.files("paybell.store")))
DIALECTS = sorted({it.name.split(".")[-2] for it in (STORE / "migrations").glob("*.sql")})

NOUNS = tuple(
    f"{noun}_"
    for noun in (
        "account_item",
        "alias",
        "answer",
        "api_key",
        "application",
        "archive",
        "attempt",
        "audit",
        "backlog",
        "check",
        "dead_letter",
        "delivery",
        "directory",
        "endpoint",
        "entitlement",
        "event_type",
        "erasure",
        "expectation",
        "fact",
        "fetch",
        "grant",
        "hint",
        "leader",
        "lease",
        "ledger",
        "line",
        "mention",
        "merge",
        "message",
        "node",
        "notification",
        "organisation",
        "payment",
        "posting",
        "product",
        "period",
        "personal",
        "poll",
        "refusal",
        "schema",
        "server",
        "silence",
        "source",
        "status",
        "task",
        "timeline",
        "turn",
        "transaction",
    )
)


def sources(dialect: str) -> str:
    return "\n".join(it.read_text() for it in sorted([*(STORE / dialect).glob("*.py"), *STORE.glob("*.py")]))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_name_is_used_and_every_use_has_a_name(dialect: str) -> None:
    text = sources(dialect)
    names = {it.removesuffix(UP) for it in queries(dialect)}
    quoted = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', text))
    assert names - quoted == set()
    used = set(re.findall(r'(?:sql\[|\.rows\(|\.page\(|\.count\(|change(?:_in)?\()"([a-z_]+)"', text))
    assert used
    assert used - names == set()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_name_begins_with_its_noun(dialect: str) -> None:
    """So that a list of them sorts by noun, like the methods of the port."""
    assert [it for it in queries(dialect) if not it.startswith(NOUNS)] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_query_says_in_a_sentence_what_it_is_for(dialect: str) -> None:
    for name, query in queries(dialect).items():
        first = query.splitlines()[0]
        assert re.fullmatch(r"-- [A-Z].*[.:]", first), name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_migrations_are_numbered_from_one_without_a_gap(dialect: str) -> None:
    numbers = [number for number, _ in migrations(dialect)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_page_is_there_oldest_first_as_well() -> None:
    found = queries("sqlite")
    upwards = {name for name in found if name.endswith(UP)}
    assert upwards == {f"{name}{UP}" for name, query in found.items() if ":limit" in query and not name.endswith(UP)}
    for name in upwards:
        down, up = found[name.removesuffix(UP)], found[name]
        assert " DESC" in down.rpartition("ORDER BY")[2], name
        assert up.rpartition("ORDER BY")[0] == down.rpartition("ORDER BY")[0]
        assert up.rpartition("ORDER BY")[2].replace(" ASC", " DESC") == down.rpartition("ORDER BY")[2]


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(SchemaError, match="twice"):
        _split("-- one_get --\n-- A.\nSELECT 1;\n-- one_get [sqlite] --\n-- B.\nSELECT 2;\n", "sqlite")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("table", "column", "states"),
    [
        ("notification_states", "state", NotificationState),
        ("notifications", "origin", Origin),
        ("deliveries", "state", DeliveryState),
        ("payments", "status", PaymentStatus),
        ("tasks", "state", TaskState),
        ("endpoint_states", "breaker", Breaker),
    ],
)
def test_the_database_checks_the_states_of_the_model(
    dialect: str, table: str, column: str, states: Iterable[StrEnum]
) -> None:
    scripts = "\n".join(script for _, script in migrations(dialect))
    listed = [found for name in PARTS.get((dialect, table), (table,)) for found in states_in(scripts, name, column)]
    assert sorted(listed) == sorted(str(it) for it in states)


PARTS = {
    ("postgres", "notification_states"): ("notification_queue", "notification_ends"),
    ("postgres", "deliveries"): ("delivery_queue", "delivery_ends"),
}
"""Views over what waits and what ended."""


def states_in(scripts: str, table: str, column: str) -> list[str]:
    tables = re.findall(rf"CREATE TABLE {table} \((.*?)\n\)", scripts, re.DOTALL)
    check = re.search(rf"\b{column}\s+TEXT NOT NULL CHECK \({column} IN \((.*?)\)\)", tables[-1], re.DOTALL)
    assert check
    return re.findall(r"'([a-z_]+)'", check[1])
