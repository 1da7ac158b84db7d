"""``paybell key``."""

from typing import Annotated, Final

import typer

from paybell.cli.shared import OUT, After, AsJson, Database, Limit, OfOrganisation, desk, show_json, show_rows, work
from paybell.cli.views import time_text
from paybell.clock import SystemClock
from paybell.errors import ConfigurationError
from paybell.model.key import SCOPES, ApiKey, KeyScope
from paybell.ports import PageQuery
from paybell.web.auth import hash_key, new_key

app = typer.Typer(no_args_is_help=True, help="API keys.")
_DAY_MS: Final = 86_400_000


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")] = "cli",
    *,
    scope: Annotated[
        list[str] | None, typer.Option(help=f"What it may do (repeatable): {', '.join(SCOPES)}. Else admin.")
    ] = None,
    expires_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="After how many days it ends.")] = None,
    organisation: OfOrganisation = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Make an API key; it is shown once and kept only as a hash."""
    made, key = work(_create(name, scope or [KeyScope.ADMIN], expires_days, organisation, database))
    if json:
        show_json(_view(made) | {"key": key})
    else:
        OUT.print(f"{key}\nIt is shown only now. Send it as: Authorization: Bearer {key}")


@app.command("list")
def list_(
    *,
    limit: Limit = 50,
    after: After = "",
    organisation: OfOrganisation = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List the API keys, newest first, revoked and expired ones, too."""
    columns = ("id", "name", "scopes", "createdAt", "expiresAt", "revokedAt", "usedAt")
    found = work(_list(limit, after, organisation, database))
    show_rows(found, {name: name for name in columns}, json=json)


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id: `paybell key list` shows it.")],
    *,
    organisation: OfOrganisation = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Revoke an API key: within a second no server takes it any more."""
    revoked = work(_revoke(key_id, organisation, database), missing="paybell key list")
    if json:
        show_json(_view(revoked))
    else:
        OUT.print(f"revoked {revoked.id} ({revoked.name})")


def _scopes(words: list[str]) -> frozenset[KeyScope]:
    unknown = set(words) - set(KeyScope)
    if unknown:
        raise ConfigurationError(f"there is no scope {min(unknown)!r} (known: {', '.join(KeyScope)})")
    return frozenset(map(KeyScope, words))


async def _create(
    name: str, words: list[str], expires_days: int | None, organisation: str | None, database: str | None
) -> tuple[ApiKey, str]:
    scopes, clock = _scopes(words), SystemClock()
    async with desk(database, create=True, organisation=organisation) as at:
        key, now_ms = new_key(clock), clock.now_ms()
        made = ApiKey(
            id=clock.new_id("key"),
            organisation_id=at.organisation.id,
            name=name[:100],
            scopes=scopes,
            created_at_ms=now_ms,
            expires_at_ms=None if expires_days is None else now_ms + expires_days * _DAY_MS,
        )
        with at.changing(
            "api_key_create", made.id, fields=("name", "scopes", *(["expiresAt"] if expires_days else []))
        ):
            await at.store.api_key_create(made, hash_key(key))
        return made, key


async def _list(limit: int, after: str, organisation: str | None, database: str | None) -> list[dict[str, object]]:
    async with desk(database, organisation=organisation) as at:
        page = await at.store.api_key_page(PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after))
        return [_view(it) for it in page.data]


async def _revoke(key_id: str, organisation: str | None, database: str | None) -> ApiKey:
    async with desk(database, organisation=organisation) as at:
        found = await at.store.api_key_get(at.organisation.id, key_id)
        with at.changing("api_key_revoke", found.id):
            await at.store.api_key_revoke(at.organisation.id, found.id, at_ms=at.clock.now_ms())
        return await at.store.api_key_get(at.organisation.id, key_id)


def _view(it: ApiKey) -> dict[str, object]:
    return {
        "id": it.id,
        "name": it.name,
        "scopes": sorted(it.scopes),
        "createdAt": time_text(it.created_at_ms),
        "expiresAt": time_text(it.expires_at_ms),
        "revokedAt": time_text(it.revoked_at_ms),
        "usedAt": time_text(it.used_at_ms),
    }
