"""The one place that says what a route needs, and whether a key has it. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.model.key import SCOPES, ApiKey, Capability, KeyScope


class Need(Struct, frozen=True):
    """What a route asks of who calls it."""

    scope: KeyScope | None
    """Of an API key; None refuses them all."""
    capability: Capability | None
    """Of a portal token; None refuses them all."""


_SCOPES: Final[Mapping[str, KeyScope | None]] = {
    "message_create": KeyScope.MESSAGES_WRITE,
    "message_precheck": KeyScope.MESSAGES_WRITE,
    "endpoint_secret": KeyScope.SECRETS_READ,
    "operational_endpoint_secret": KeyScope.SECRETS_READ,
    "api_key_create": KeyScope.KEYS_WRITE,
    "api_key_list": KeyScope.KEYS_WRITE,
    "api_key_get": KeyScope.KEYS_WRITE,
    "api_key_revoke": KeyScope.KEYS_WRITE,
    "audit_list": KeyScope.AUDIT_READ,
    "portal_logout": None,
}
"""By operation; any other needs ``read`` for a GET and ``write`` for what changes something."""
_CAPABILITIES: Final[Mapping[str, Capability]] = {
    "application_get": Capability.VIEW_BASE,
    "endpoint_list": Capability.VIEW_BASE,
    "endpoint_get": Capability.VIEW_BASE,
    "endpoint_create": Capability.MANAGE_ENDPOINT,
    "endpoint_put": Capability.MANAGE_ENDPOINT,
    "endpoint_patch": Capability.MANAGE_ENDPOINT,
    "endpoint_delete": Capability.MANAGE_ENDPOINT,
    "client_certificate_get": Capability.VIEW_BASE,
    "client_certificate_put": Capability.MANAGE_ENDPOINT,
    "client_certificate_delete": Capability.MANAGE_ENDPOINT,
    "transformation_get": Capability.VIEW_BASE,
    "transformation_patch": Capability.MANAGE_TRANSFORMATIONS,
    "transformation_simulate": Capability.MANAGE_TRANSFORMATIONS,
    "endpoint_secret": Capability.VIEW_ENDPOINT_SECRET,
    "endpoint_secret_rotate": Capability.MANAGE_ENDPOINT_SECRET,
    "endpoint_headers_get": Capability.VIEW_BASE,
    "endpoint_headers_put": Capability.MANAGE_ENDPOINT,
    "endpoint_headers_patch": Capability.MANAGE_ENDPOINT,
    "endpoint_state": Capability.VIEW_BASE,
    "endpoint_stats": Capability.VIEW_BASE,
    "endpoint_attempt_stats": Capability.VIEW_BASE,
    "endpoint_send_example": Capability.CREATE_ATTEMPTS,
    "endpoint_list_of_message": Capability.VIEW_BASE,
    "message_list_of_endpoint": Capability.VIEW_BASE,
    "message_list": Capability.VIEW_BASE,
    "message_get": Capability.VIEW_BASE,
    "message_resend": Capability.CREATE_ATTEMPTS,
    "endpoint_recover": Capability.CREATE_ATTEMPTS,
    "endpoint_replay_missing": Capability.CREATE_ATTEMPTS,
    "endpoint_bulk_replay": Capability.CREATE_ATTEMPTS,
    "attempt_list_of_endpoint": Capability.VIEW_BASE,
    "attempt_list_of_message": Capability.VIEW_BASE,
    "attempt_get": Capability.VIEW_BASE,
    "delivery_list": Capability.VIEW_BASE,
    "dead_letter_list": Capability.VIEW_BASE,
    "dead_letter_count": Capability.VIEW_BASE,
    "poller_poll": Capability.VIEW_BASE,
    "poller_consumer_poll": Capability.VIEW_BASE,
    "poller_consumer_seek": Capability.MANAGE_ENDPOINT,
    "event_type_list": Capability.VIEW_BASE,
    "event_type_get": Capability.VIEW_BASE,
    "portal_logout": Capability.VIEW_BASE,
}
"""By operation; any other is closed to portal tokens. What is open is its application's, or nobody's secret."""


def need_of(operation: str, method: str) -> Need:
    """What an operation of the OpenAPI document asks of its caller."""
    usual = KeyScope.READ if method in {"GET", "HEAD"} else KeyScope.WRITE
    return Need(_SCOPES.get(operation, usual), _CAPABILITIES.get(operation))


def lack(key: ApiKey, need: Need) -> str:
    """Why a valid key may not, in a sentence; '' where it may, if the application in the path is its own."""
    if key.portal is not None:
        if need.capability is None:
            return "A portal token cannot do this: it needs an API key."
        return "" if key.portal.can(need.capability) else f"This portal token lacks the capability {need.capability}."
    if need.scope is None:
        return "Only a portal token can do this."
    if key.may(need.scope):
        return ""
    return f"This key lacks the scope {need.scope} ({SCOPES[need.scope].rstrip('.')}): make one that has it."
