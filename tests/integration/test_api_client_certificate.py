"""An endpoint's client certificate by the API: taken when it is of use, and never shown again."""

from typing import Any

from tests.authority import LOCKED, Authority, key_pem, new_key
from tests.databases import Database
from tests.integration.api_world import World, in_world

AUTHORITY = Authority()


async def endpoint_at(world: World, url: str = "https://example.com/hook") -> str:
    path, endpoint = await world.add_endpoint(url=url)
    return f"{path}/endpoint/{endpoint['id']}"


async def refused(world: World, path: str, pem: str) -> Any:
    answer = await world.ask("PUT", f"{path}/client-certificate", {"certificate": pem}, status=422)
    (told,) = answer["detail"]
    assert told["loc"] == ["body", "certificate"]
    return told["msg"]


def test_a_certificate_is_set_replaced_and_taken_away(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await endpoint_at(world)
        certificate = f"{path}/client-certificate"
        await world.ask("GET", certificate, status=404)
        await world.ask("DELETE", certificate, status=404)
        for name in ("old", "new"):
            shown = await world.ask("PUT", certificate, {"certificate": AUTHORITY.client_pem(name)})
            assert (shown["subject"], len(shown["fingerprint"]), shown["expiresAt"][-1]) == (f"CN={name}", 64, "Z")
            assert await world.ask("GET", certificate) == shown
        await world.ask("DELETE", certificate, status=204)
        await world.ask("GET", certificate, status=404)

    in_world(database, scenario)


def test_nothing_shows_the_private_key(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, pem = await endpoint_at(world), AUTHORITY.client_pem("paybell")
        secrets = pem.splitlines()[1:3]
        shown = [await world.ask("PUT", f"{path}/client-certificate", {"certificate": pem})]
        await world.ask("PATCH", path, {"description": "changed"})
        places = (path, f"{path}/client-certificate", path.rpartition("/")[0])
        shown += [await world.ask("GET", place) for place in places]
        assert not any(secret in str(it) for it in shown for secret in secrets)
        kept = await world.bell.store.endpoint_get(path.rpartition("/")[2])
        assert kept is not None
        assert kept.client_certificate == pem  # a change of something else leaves it
        assert not any(secret in repr(kept) for secret in secrets)

    in_world(database, scenario)


USELESS = [
    (key_pem(new_key()), "must hold its certificate"),
    (AUTHORITY.certificate("a", new_key()), "one private key"),
    (key_pem(new_key(), LOCKED) + AUTHORITY.certificate("a", new_key()), "encrypted"),
    (key_pem(new_key()) + AUTHORITY.certificate("a", new_key()), "does not belong"),
    (AUTHORITY.client_pem("a", days=-1), "expired on"),
    ("no PEM", "one private key"),
    ("x" * 32_769, "at most 32768 characters"),
]


def test_what_could_not_be_used_is_refused_and_the_old_one_stays(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await endpoint_at(world)
        before = await world.ask("PUT", f"{path}/client-certificate", {"certificate": AUTHORITY.client_pem("old")})
        for pem, words in USELESS:
            assert words in await refused(world, path, pem)
            assert await world.ask("GET", f"{path}/client-certificate") == before, words

    in_world(database, scenario)


def test_a_certificate_and_https_go_together(database: Database) -> None:
    async def scenario(world: World) -> None:
        plain = await endpoint_at(world, "http://example.com/hook")
        assert "over https only" in await refused(world, plain, AUTHORITY.client_pem("a"))
        path = await endpoint_at(world)
        await world.ask("PUT", f"{path}/client-certificate", {"certificate": AUTHORITY.client_pem("a")})
        answer = await world.ask("PATCH", path, {"url": "http://example.com/hook"}, status=422)
        assert answer["detail"][0]["loc"] == ["body", "url"]
        await world.ask("DELETE", f"{path}/client-certificate", status=204)
        await world.ask("PATCH", path, {"url": "http://example.com/hook"})

    in_world(database, scenario)
