"""Keys: who may do what. A portal token is a key that is held to one application."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct


class KeyScope(StrEnum):
    """What an API key may do: a closed set (docs/decisions/0028)."""

    READ = "read"
    WRITE = "write"
    MESSAGES_WRITE = "messages:write"
    SECRETS_READ = "secrets:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    ADMIN = "admin"


SCOPES: Final[Mapping[KeyScope, str]] = {
    KeyScope.READ: "See everything but secrets, keys and the audit log.",
    KeyScope.WRITE: "Change everything but keys, and post messages.",
    KeyScope.MESSAGES_WRITE: "Post messages, and nothing else.",
    KeyScope.SECRETS_READ: "See endpoints' signing secrets, and the tokens in sources' URLs.",
    KeyScope.KEYS_WRITE: "See, make and revoke API keys that may do no more than this one.",
    KeyScope.AUDIT_READ: "See the audit log.",
    KeyScope.ADMIN: "Everything, whatever is added later.",
}
_INCLUDED: Final[Mapping[KeyScope, frozenset[KeyScope]]] = {
    KeyScope.WRITE: frozenset({KeyScope.WRITE, KeyScope.MESSAGES_WRITE}),
    KeyScope.ADMIN: frozenset(KeyScope),
}


@lru_cache(maxsize=256)
def rights(scopes: frozenset[KeyScope]) -> frozenset[KeyScope]:
    """Everything that some scopes allow."""
    return frozenset(right for scope in scopes for right in _INCLUDED.get(scope, (scope,)))


class Capability(StrEnum):
    """What a portal token may do, in the words of Svix's SDKs."""

    VIEW_BASE = "ViewBase"
    VIEW_ENDPOINT_SECRET = "ViewEndpointSecret"  # noqa: S105 - a word, no secret
    MANAGE_ENDPOINT_SECRET = "ManageEndpointSecret"  # noqa: S105 - the same
    MANAGE_TRANSFORMATIONS = "ManageTransformations"
    CREATE_ATTEMPTS = "CreateAttempts"
    MANAGE_ENDPOINT = "ManageEndpoint"


_MANAGED: Final = frozenset({Capability.VIEW_ENDPOINT_SECRET, Capability.MANAGE_ENDPOINT_SECRET})
_GIVEN_BY: Final[Mapping[Capability, frozenset[KeyScope]]] = {
    Capability.VIEW_BASE: frozenset({KeyScope.READ}),
    Capability.VIEW_ENDPOINT_SECRET: frozenset({KeyScope.SECRETS_READ}),
    Capability.MANAGE_ENDPOINT_SECRET: frozenset({KeyScope.SECRETS_READ, KeyScope.WRITE}),
    Capability.MANAGE_TRANSFORMATIONS: frozenset({KeyScope.WRITE}),
    Capability.CREATE_ATTEMPTS: frozenset({KeyScope.WRITE}),
    Capability.MANAGE_ENDPOINT: frozenset({KeyScope.SECRETS_READ, KeyScope.WRITE}),
}


def given_by(capabilities: Iterable[Capability]) -> frozenset[KeyScope]:
    """What a key must be allowed, to hand out tokens with these capabilities."""
    return frozenset(scope for it in capabilities for scope in _GIVEN_BY[it])


class Portal(Struct, frozen=True, kw_only=True):
    """What a portal token is held to."""

    application_id: str
    capabilities: frozenset[Capability]
    feature_flags: frozenset[str] = frozenset()
    """Event types under a feature flag are shown to whoever has it."""
    session_id: str = ""
    """The caller's own name for whom it was made for, to end those tokens together."""

    def can(self, capability: Capability) -> bool:
        """Whether the token may do that; managing an endpoint includes its secret."""
        held = self.capabilities
        return capability in held or (
            (capability in _MANAGED and Capability.MANAGE_ENDPOINT in held)
            or (capability is Capability.VIEW_ENDPOINT_SECRET and Capability.MANAGE_ENDPOINT_SECRET in held)
        )


class ApiKey(Struct, frozen=True, kw_only=True):
    """A bearer key, known by its hash alone. With a ``portal`` it is a portal token, and has no scopes."""

    id: str
    organisation_id: str
    name: str
    scopes: frozenset[KeyScope]
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    """From when on it is not taken any more; it may lie ahead."""
    used_at_ms: int | None = None
    """When it was last seen, give or take some minutes."""
    portal: Portal | None = None

    def is_valid(self, now_ms: int) -> bool:
        """Whether it is neither expired nor revoked."""
        return all(it is None or it > now_ms for it in (self.expires_at_ms, self.revoked_at_ms))

    def may(self, scope: KeyScope) -> bool:
        """Whether its scopes allow that."""
        return scope in rights(self.scopes)
