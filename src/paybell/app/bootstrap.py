"""The key that is there from the start, for automation."""

from paybell.clock import Clock
from paybell.model.key import ApiKey, KeyScope
from paybell.ports import Store
from paybell.web.auth import hash_key


async def ensure_bootstrap_key(store: Store, clock: Clock, key: str) -> None:
    """Make a key valid in the first organisation, with every right; '' makes none, and one that is there stays."""
    if not key:
        return
    organisation = await store.organisation_default()
    made = ApiKey(
        id=clock.new_id("key"),
        organisation_id=organisation.id,
        name="bootstrap",
        scopes=frozenset({KeyScope.ADMIN}),
        created_at_ms=clock.now_ms(),
    )
    await store.api_key_create(made, hash_key(key))
