"""`paybell db copy` and `paybell db verify` as a user types them: a house moves from one database to another."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest
from msgspec import Struct

from tests.acceptance.cli_world import Shell
from tests.acceptance.world import Server, eventually
from tests.databases import DATABASES, SECRET_KEY, Database, PostgresDatabase, SqliteDatabase, environment

SECRET = "whsec_of_the_shop"
OTHER_KEY = base64.b64encode(bytes(range(32, 64))).decode()
CAPTURED = ("trigger", "stripe", "payment_intent.succeeded", "--source", "shop", "--payment-id")
IDLE = "http://127.0.0.1:1/"


@pytest.fixture
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Database:
    folder = tmp_path / "target"
    folder.mkdir()
    return DATABASES[request.param](folder)


to_each = pytest.mark.parametrize("target", DATABASES, indirect=True)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, PAYBELL_SECRET_KEY=SECRET_KEY)


class House(Struct, frozen=True):
    """A database that was lived in, and what `paybell db verify` says of it. Its server has stopped."""

    database: Database
    report: Mapping[str, Any]


@pytest.fixture(scope="module")
def house(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Two payments, a refused request, and deliveries that wait; tests copy it and do not change it."""
    shell = Shell(tmp_path_factory.mktemp("house"), PAYBELL_SECRET_KEY=SECRET_KEY)
    database = module_database
    with Server(database, PAYBELL_SECRET_KEY=SECRET_KEY) as server:
        shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET, "--test", *at(database))
        server.subscribe(IDLE)
        for payment in ("pi_1", "pi_2"):
            shell.right(*CAPTURED, payment, "--url", server.url, *at(database))
        assert httpx.post(f"{server.url}/in/shop", content=b"{}").status_code == 401
        asyncio.run(eventually(lambda: len(server.payments()) == 2))
        shown = shell.json("db", "verify", *at(database))
        assert (shown["defectCount"], shown["defects"]) == (0, [])  # also while it is served from
    return House(database, shown_of(shell, database))


def at(database: Database) -> tuple[str, str]:
    return ("--database", database.url)


def shown_of(shell: Shell, database: Database) -> dict[str, Any]:
    shown: dict[str, Any] = shell.json("db", "verify", *at(database))
    return shown


@to_each
def test_a_house_moves_and_goes_on_where_it_was(house: House, target: Database, shell: Shell) -> None:
    before = house.report
    rows = {it["name"]: it["rows"] for it in before["tables"]}
    assert (rows["payments"], rows["deliveries"], rows["refusals"]) == (2, 2, 1)
    assert [it["accepted"] for it in before["sources"]] == [2]
    copied = shell.json("db", "copy", "--from", house.database.url, "--to", target.url)
    assert {name: copied[name] for name in ("sha256", "tables")} == {
        name: before[name] for name in ("sha256", "tables")
    }
    assert shown_of(shell, target) == before == shown_of(shell, house.database)
    with Server(target, PAYBELL_SECRET_KEY=SECRET_KEY) as server:
        shell.right(*CAPTURED, "pi_3", "--url", server.url, *at(target))
        found = asyncio.run(eventually(lambda: len(server.payments()) == 3 and server.payments()))
        assert {it["gatewayPaymentId"] for it in found} == {"pi_1", "pi_2", "pi_3"}
    assert shown_of(shell, target)["defectCount"] == 0


def test_people_see_each_table_and_the_digest(database: Database, shell: Shell, tmp_path: Path) -> None:
    shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET, *at(database))
    shown = shell.right("db", "verify", *at(database)).splitlines()
    assert [line.split()[:2] for line in shown[:3]] == [["organisations", "1"], ["api_keys", "0"], ["sources", "1"]]
    assert shown[-1] == "everything adds up"
    *tables, said, digest = shell.right("db", "copy", "--from", database.url, "--to", "sqlite:///new.db").splitlines()
    assert tables == shown[:-2]
    assert (said, digest) == ("3 rows copied; source and target have the same digest", shown[-2].split()[-1])


def test_what_does_not_add_up_is_said_and_is_the_status(house: House, shell: Shell, tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    shell.right("db", "copy", "--from", house.database.url, "--to", database.url)
    connection = apsw.Connection(str(database.path))
    connection.execute("UPDATE payments SET version = 7 WHERE gateway_payment_id = 'pi_1'")
    connection.close()
    shown = shell("db", "verify", *at(database))
    assert (shown.status, shown.err) == (1, "")
    *_, defect, count = shown.out.splitlines()
    assert defect.endswith(": its column version is 7, not 3 as in its state")
    assert defect.startswith("payments pay_")
    assert count == "1 defects"
    asked = shell("db", "verify", *at(database), "--json")
    assert (asked.status, json.loads(asked.out)["defectCount"]) == (1, 1)


def test_a_digest_is_the_same_wherever_it_is_computed(house: House, shell: Shell) -> None:
    for seed, zone, locale in (("0", "Asia/Kolkata", "C"), ("7", "America/St_Johns", "C.UTF-8")):
        elsewhere = {**shell.environment, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        command = [sys.executable, "-m", "paybell", "db", "verify", "--json", *at(house.database)]
        done = subprocess.run(command, env=elsewhere, capture_output=True, check=True, timeout=60)
        assert json.loads(done.stdout) == house.report


# ------------------------------------------------------------------------------------------- what is refused


def refused(shell: Shell, one: str, other: str, **environment: str) -> str:
    shown = shell("db", "copy", "--from", one, "--to", other, **environment)
    assert (shown.status, shown.out, "Traceback" in shown.err) == (1, "", False), shown
    assert shown.err.startswith("paybell: ")
    assert len(shown.err.splitlines()) == 1
    return shown.err.removeprefix("paybell: ")


def test_a_source_that_is_not_there_is_not_made(shell: Shell, tmp_path: Path) -> None:
    assert "there is no database at a.db: name one that is there with --from" in refused(
        shell, "sqlite:///a.db", "sqlite:///b.db"
    )
    assert {it.name for it in tmp_path.iterdir()} == {"stdout", "stderr"}
    assert "no database at a.db" in shell("db", "verify", "--database", "sqlite:///a.db").err


@pytest.mark.parametrize("place", ["nope", "sqlite:///:memory:", "mysql://x/y"])
def test_a_place_that_is_none_is_refused(shell: Shell, place: str) -> None:
    expected = "in memory is known to its own process alone" if "memory" in place else "must be sqlite:///PATH"
    assert expected in refused(shell, place, "sqlite:///b.db")
    shell.right("key", "create", "--database", "sqlite:///a.db")
    assert expected in refused(shell, "sqlite:///a.db", place)


def test_a_database_is_not_copied_into_itself(database: Database, shell: Shell, tmp_path: Path) -> None:
    shell.right("key", "create", *at(database))
    assert "source and target are the same database" in refused(shell, database.url, database.url)
    if isinstance(database, SqliteDatabase):
        (tmp_path / "link.db").symlink_to(database.path)
        assert "source and target are the same database" in refused(shell, database.url, "sqlite:///link.db")
    else:
        spelt = database.url.replace("127.0.0.1", "localhost")
        assert "source and target are the same database" in refused(shell, database.url, spelt)


@to_each
def test_a_target_that_holds_anything_stays_as_it_is(database: Database, target: Database, shell: Shell) -> None:
    for each, uid in ((database, "shop"), (target, "other")):
        shell.right("source", "add", uid, "--gateway", "stripe", *at(each))
    before = shown_of(shell, target)
    assert "the target holds rows already (audit, sources)" in refused(shell, database.url, target.url)
    assert shown_of(shell, target) == before


def test_nothing_is_copied_while_somebody_serves(database: Database, shell: Shell, tmp_path: Path) -> None:
    with Server(database, PAYBELL_SECRET_KEY=SECRET_KEY):
        assert "stop" in refused(shell, database.url, "sqlite:///new.db")
        assert not (tmp_path / "new.db").exists()
        shell.right("key", "create", "--database", "sqlite:///one.db")
        assert "stop" in refused(shell, "sqlite:///one.db", database.url)
    shell.right("db", "copy", "--from", database.url, "--to", "sqlite:///new.db")


def test_postgresql_needs_a_key(shell: Shell, tmp_path: Path) -> None:
    bare = Shell(tmp_path)
    bare.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET, "--database", "sqlite:///a.db")
    said = refused(bare, "sqlite:///a.db", PostgresDatabase(tmp_path).url)
    assert "PAYBELL_SECRET_KEY is needed" in said
    assert "openssl rand -base64 32" in said


# --------------------------------------------------------------------------------------------------- keys


@pytest.fixture
def own_key(tmp_path: Path) -> Shell:
    """A database sealed under the key file beside it."""
    shell = Shell(tmp_path)
    shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET, "--database", "sqlite:///a.db")
    return shell


def test_secrets_are_sealed_again_under_the_key_of_the_target(own_key: Shell, tmp_path: Path) -> None:
    own_key.right("db", "copy", "--from", "sqlite:///a.db", "--to", "sqlite:///b.db")
    assert (tmp_path / "a.db.key").read_text() != (tmp_path / "b.db.key").read_text()
    reports = [own_key.json("db", "verify", "--database", f"sqlite:///{name}") for name in ("a.db", "b.db")]
    assert reports[0] == reports[1]
    (tmp_path / "a.db.key").rename(tmp_path / "b.db.key")
    shown = own_key("db", "verify", "--database", "sqlite:///b.db")
    assert (shown.status, "were sealed under another key" in shown.out) == (1, True)


def test_of_two_keys_the_one_that_opens_the_source_is_taken(own_key: Shell, tmp_path: Path) -> None:
    """PAYBELL_SECRET_KEY is the target's here; the source was sealed under its key file."""
    target = PostgresDatabase(tmp_path)
    given = environment(target)
    shown = own_key("db", "copy", "--from", "sqlite:///a.db", "--to", target.url, **given)
    assert (shown.status, shown.err) == (0, "")
    assert own_key("source", "list", **given).status == 0
    assert own_key("db", "verify", **given).status == 0


def test_a_source_that_no_key_opens_is_refused_and_given_no_new_key(own_key: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.db.key").unlink()
    for given in ({}, {"PAYBELL_SECRET_KEY": OTHER_KEY}):
        assert "the secrets of src_" in refused(own_key, "sqlite:///a.db", "sqlite:///b.db", **given)
        assert {it.name for it in tmp_path.iterdir()} == {"stdout", "stderr", "a.db", "a.db.lock"}
        verified = own_key("db", "verify", "--database", "sqlite:///a.db", **given)
        assert (verified.status, "sources src_" in verified.out) == (1, True)
    assert not (tmp_path / "a.db.key").exists()


# ------------------------------------------------------------------------------------------------- crashes

_DYING = """
import asyncio, os, sys
from paybell.app.archives import copy_database
from paybell.clock import SystemClock

def die(table):
    if table.table == "payments":
        os._exit(9)

asyncio.run(copy_database(sys.argv[1], sys.argv[2], SystemClock(), die))
"""


@to_each
def test_a_copy_that_dies_half_way_leaves_the_target_empty(house: House, target: Database, shell: Shell) -> None:
    given = {**os.environ, "PAYBELL_SECRET_KEY": SECRET_KEY}
    command = [sys.executable, "-c", _DYING, house.database.url, target.url]
    assert subprocess.run(command, env=given, check=False, timeout=60).returncode == 9
    left = shown_of(shell, target)
    assert {it["name"] for it in left["tables"] if it["rows"]} == {"organisations"}
    assert left["defectCount"] == 0
    shell.right("db", "copy", "--from", house.database.url, "--to", target.url)
    assert shown_of(shell, target) == house.report
