"""What commands say when PostgreSQL, or the way to it, is not as it must be: one line with what to do, no password."""

import asyncio
import base64
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from paybell.testing.postgres import PostgresServer
from tests.acceptance.cli_world import Shell
from tests.acceptance.world import free_port
from tests.databases import SECRET_KEY

PASSWORD = "hush-hush"
HBA = ("host all postgres 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256")
UP = ("up", "--port", "0")


class Place:
    """A server of its own that asks everybody but its owner for a password, and a shell that knows the right one."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server = server
        self.owner_url = server.new_database()
        self.name = self.owner_url.rpartition("/")[2]
        self.address = f"127.0.0.1:{server.port}"
        self.run(
            "SET password_encryption = 'scram-sha-256'",
            f"CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'",
            f"ALTER DATABASE {self.name} OWNER TO shop",
        )
        self.shell = Shell(folder, PAYBELL_DATABASE=self.url(), PAYBELL_SECRET_KEY=SECRET_KEY)

    def url(self, user: str = f"shop:{PASSWORD}", address: str = "", name: str = "") -> str:
        return f"postgresql://{user}@{address or self.address}/{name or self.name}"

    def run(self, *statements: str) -> None:
        async def main() -> None:
            connection = await asyncpg.connect(self.owner_url)
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(main())

    def ask_for_passwords(self) -> None:
        async def main() -> None:
            connection = await asyncpg.connect(self.owner_url)
            path = await connection.fetchval("SHOW hba_file")
            lines = ", ".join(f"('{line}')" for line in HBA)
            await connection.execute(f"COPY (VALUES {lines}) TO '{path}'")
            await connection.execute("SELECT pg_reload_conf()")
            await connection.close()

        asyncio.run(main())
        while True:  # the server reads its file a moment later
            try:
                asyncio.run(asyncpg.connect(self.url("shop:wrong")))
            except asyncpg.InvalidPasswordError:
                return

    def complaint(self, *typed: str, **environment: str) -> str:
        """What a command that must fail says, in its one line."""
        shown = self.shell(*typed, **environment)
        assert shown.status == 1, shown
        assert shown.err.startswith("paybell: ")
        assert len(shown.err.splitlines()) == 1
        assert PASSWORD not in shown.err + shown.out
        return shown.err


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with PostgresServer() as server:
        it = Place(server, tmp_path_factory.mktemp("shell"))
        it.ask_for_passwords()
        yield it


def test_with_the_right_password_it_works(place: Place) -> None:
    place.shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", "whsec_1")
    assert place.shell.json("db", "status")["url"] == place.url("shop")
    assert PASSWORD not in place.shell.right("db", "status")


@pytest.mark.parametrize("typed", [("payments", "list"), UP], ids=" ".join)
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"user": f"shop:{PASSWORD}-not"}, 'password authentication failed for user "shop"'),
        ({"user": "shop"}, 'password authentication failed for user "shop"'),
        ({"user": f"nobody:{PASSWORD}"}, 'password authentication failed for user "nobody"'),
        ({"name": "nope"}, 'database "nope" does not exist'),
        ({"address": "nowhere.invalid"}, "postgresql://shop@nowhere.invalid/"),
        ({"address": f"127.0.0.1:{free_port()}"}, "check its host and port, and that it runs"),
        ({"name": "nope?sslmode=require"}, "rejected SSL upgrade"),
        ({"name": "nope?sslmode=nope"}, "`sslmode` parameter must be one of"),
        ({"name": "postgres?nope=1"}, 'unrecognized configuration parameter "nope"'),
        ({"user": f"guest:{PASSWORD}"}, "permission denied for"),
        ({"user": f"shop:{PASSWORD}/"}, "percent-encode what is special in a user or password"),
    ],
    ids=lambda it: "-".join(it) if isinstance(it, dict) else "",
)
def test_a_wrong_way_to_the_database_is_told(
    place: Place, wrong: Mapping[str, str], told: str, typed: tuple[str, ...]
) -> None:
    said = place.complaint(*typed, PAYBELL_DATABASE=place.url(**wrong))
    assert told in said
    assert any(advice in said for advice in ("PAYBELL_DATABASE", "check its host and port", "GRANT CREATE"))


def test_a_key_that_is_missing_or_not_the_right_one_is_told(place: Place) -> None:
    place.shell.right("source", "add", "keyed", "--gateway", "stripe", "--secret", "whsec_1")
    other = base64.b64encode(b"another key of thirty-two bytes!").decode()
    for typed in (("source", "list"), UP):
        assert "make them with `openssl rand -base64 32`" in place.complaint(*typed, PAYBELL_SECRET_KEY="")
        assert "PAYBELL_SECRET_KEY must be 32 bytes" in place.complaint(*typed, PAYBELL_SECRET_KEY="short")
        said = place.complaint(*typed, PAYBELL_SECRET_KEY=other)
        assert "sealed under another key" in said
        assert SECRET_KEY not in said


CARELESS = {
    "fsync": ("ALTER SYSTEM SET fsync = {}", "ALTER SYSTEM SET fsync = on"),
    "full_page_writes": ("ALTER SYSTEM SET full_page_writes = {}", "ALTER SYSTEM SET full_page_writes = on"),
    "synchronous_commit": ("ALTER SYSTEM SET synchronous_commit = {}", "ALTER SYSTEM SET synchronous_commit = on"),
    "database": ("ALTER DATABASE {name} SET synchronous_commit = {}", "ALTER DATABASE {name} RESET synchronous_commit"),
    "role": ("ALTER ROLE shop SET synchronous_commit = {}", "ALTER ROLE shop RESET synchronous_commit"),
    "role in database": (
        "ALTER ROLE shop IN DATABASE {name} SET synchronous_commit = {}",
        "ALTER ROLE shop IN DATABASE {name} RESET synchronous_commit",
    ),
}


@pytest.mark.parametrize("where", CARELESS)
def test_a_server_that_could_lose_what_was_acknowledged_is_refused_until_its_advice_is_followed(
    place: Place, where: str
) -> None:
    put_off, remedy = (text.format("off", name=place.name) for text in CARELESS[where])
    place.run(put_off, "SELECT pg_reload_conf()")
    try:
        with contextlib.suppress(AssertionError):  # the server reads its file a moment later
            place.complaint("db", "status")
        for typed in (UP, ("db", "status")):
            said = place.complaint(*typed)
            assert "= off (by its" in said
            assert f"({remedy};" in said
    finally:
        place.run(remedy, "SELECT pg_reload_conf()")
    place.shell.right("db", "status")


def test_what_is_off_by_the_url_or_by_the_command_line_is_told_there(place: Place) -> None:
    said = place.complaint(*UP, PAYBELL_DATABASE=place.url() + "?synchronous_commit=off")
    assert "take it out of PAYBELL_DATABASE" in said
    with PostgresServer({"full_page_writes": "off"}) as server:
        assert "take it out of the command" in place.complaint(*UP, PAYBELL_DATABASE=server.new_database())
