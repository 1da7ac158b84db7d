"""`paybell db migrate`, and what programs say of a schema that is older or newer than they are."""

import asyncio
from pathlib import Path

import pytest

from paybell import Paybell
from paybell.errors import SchemaError
from tests.acceptance.cli_world import Shell
from tests.contract.migrating import GROUNDS, Ground, PostgresGround, SqliteGround, raised_to
from tests.databases import SECRET_KEY

UP = ("up", "--port", "0")
EVERY_DOOR = (
    UP,
    ("db", "migrate"),
    ("db", "migrate", "--plan"),
    ("db", "status"),
    ("payments", "list"),
    ("source", "add", "shop", "--gateway", "stripe"),
)
NO_MIGRATION = {"PAYBELL_DATABASE_MIGRATE": "false"}
SECOND = {"sqlite": "0002_rowids", "postgres": "0002_nodes"}


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    return GROUNDS[request.param](tmp_path / "database")


@pytest.fixture
def shell(ground: Ground, tmp_path: Path) -> Shell:
    return Shell(tmp_path, PAYBELL_DATABASE=ground.url, PAYBELL_SECRET_KEY=SECRET_KEY)


def complaint(shell: Shell, *typed: str, **environment: str) -> str:
    """The one line of a command that must fail."""
    shown = shell(*typed, **environment)
    assert (shown.status, shown.out) == (1, ""), shown
    assert shown.err.startswith("paybell: ")
    assert len(shown.err.splitlines()) == 1
    return shown.err


def steps(listed: object) -> list[tuple[int, str]]:
    assert isinstance(listed, list)
    assert all(it["sentence"] for it in listed)
    return [(it["number"], it["name"]) for it in listed]


def test_the_plan_names_what_is_pending_and_does_nothing(ground: Ground, shell: Shell) -> None:
    raised_to(ground, 1)
    before, beside = ground.shape(), files_beside(ground)
    planned = shell.json("db", "migrate", "--plan")
    assert steps(planned)[0] == (2, SECOND[ground.dialect])
    told = shell.right("db", "migrate", "--plan").splitlines()
    assert [line.split("  ")[:2] for line in told] == [["to do", it["name"]] for it in planned]
    assert (ground.shape(), files_beside(ground)) == (before, beside)
    done = shell.right("db", "migrate").splitlines()
    assert done == [line.replace("to do", "done") for line in told]
    assert ground.version() == planned[-1]["number"]
    for plan in ((), ("--plan",)):
        assert shell.json("db", "migrate", *plan) == []
        assert shell.right("db", "migrate", *plan) == "the schema is up to date\n"


def files_beside(ground: Ground) -> set[str]:
    """What lies in a file's folder, but for what SQLite makes and takes away while it is open."""
    return {it.name for it in ground.path.parent.iterdir()} if isinstance(ground, SqliteGround) else set()


def test_migrating_makes_a_database_that_is_not_there_and_a_plan_does_not(tmp_path: Path) -> None:
    shell = Shell(tmp_path, PAYBELL_DATABASE="sqlite:///new/paybell.db")
    assert "there is no database at new/paybell.db" in complaint(shell, "db", "migrate", "--plan")
    assert not (tmp_path / "new").exists()
    assert steps(shell.json("db", "migrate"))[0] == (1, "0001_frame")
    shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", "whsec_1")


def test_on_an_empty_database_all_is_pending(tmp_path: Path) -> None:
    ground = PostgresGround(tmp_path)
    shell = Shell(tmp_path, PAYBELL_DATABASE=ground.url)  # no key is needed for that
    planned = steps(shell.json("db", "migrate", "--plan"))
    assert (planned[0], ground.shape()) == ((1, "0001_frame"), [])
    assert steps(shell.json("db", "migrate")) == planned


def test_a_schema_newer_than_the_program_is_refused_by_every_command(ground: Ground, shell: Shell) -> None:
    shell.right("db", "migrate")
    ground.set_version(99)
    before = ground.shape()
    for typed in EVERY_DOOR:
        said = complaint(shell, *typed)
        assert "the database has schema 99, this program knows " in said
        assert "install a newer Paybell, or restore the backup made before the upgrade" in said
    with pytest.raises(SchemaError, match="this program knows"):
        asyncio.run(Paybell(database=ground.url, secret_key=SECRET_KEY).start())
    assert ground.shape() == before


def test_where_a_start_may_not_migrate_an_older_one_is_refused_until_it_is_migrated(
    ground: Ground, shell: Shell
) -> None:
    raised_to(ground, 1)
    before = ground.shape()
    for typed in (UP, ("db", "status"), ("payments", "list")):
        said = complaint(shell, *typed, **NO_MIGRATION)
        assert f"({SECOND[ground.dialect]} …): run `paybell db migrate` (with --plan to see them first)" in said
    assert ground.shape() == before
    assert shell("db", "migrate", **NO_MIGRATION).status == 0
    assert shell("db", "status", **NO_MIGRATION).status == 0


@pytest.mark.parametrize("typed", EVERY_DOOR, ids=" ".join)
def test_another_programs_database_is_refused(ground: Ground, shell: Shell, typed: tuple[str, ...]) -> None:
    ground.run("CREATE TABLE payments (id INTEGER PRIMARY KEY)")
    before = ground.shape()
    if ground.dialect == "postgres" and "--plan" in typed:
        shell.right(*typed)  # its tables may bear other names than ours: that shows when they are made
    else:
        assert "give PAYBELL_DATABASE a" in complaint(shell, *typed)
    assert ground.shape() == before


@pytest.mark.parametrize("typed", [("db", "migrate"), UP], ids=" ".join)
def test_a_user_who_may_not_create_anything_is_told_so(tmp_path: Path, typed: tuple[str, ...]) -> None:
    ground = PostgresGround(tmp_path)
    name = ground.url.rpartition("/")[2]
    ground.run(f"DROP ROLE IF EXISTS guest_of_{name}", f"CREATE ROLE guest_of_{name} LOGIN")
    url = ground.url.replace("postgres@", f"guest_of_{name}@")
    said = complaint(Shell(tmp_path, PAYBELL_DATABASE=url, PAYBELL_SECRET_KEY=SECRET_KEY), *typed)
    assert "permission denied for schema public" in said
    assert "GRANT CREATE" in said
