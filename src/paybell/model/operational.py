"""Operational webhooks: what an organisation hears of its own endpoints and deliveries.

They are messages like any other, of an application that each organisation has without seeing it: what listens there
are its operational endpoints.
"""

from typing import Final

from paybell.model.message import Application

_PREFIX: Final = "opw_"

ENDPOINT_CREATED: Final = "endpoint.created"
ENDPOINT_UPDATED: Final = "endpoint.updated"
ENDPOINT_DELETED: Final = "endpoint.deleted"
ENDPOINT_FAILING: Final = "endpoint.failing"
ENDPOINT_DISABLED: Final = "endpoint.disabled"
ATTEMPT_FAILING: Final = "message.attempt.failing"
ATTEMPT_EXHAUSTED: Final = "message.attempt.exhausted"
ATTEMPT_RECOVERED: Final = "message.attempt.recovered"

OPERATIONAL_EVENT_TYPES: Final[dict[str, str]] = {
    ENDPOINT_CREATED: "An endpoint was added.",
    ENDPOINT_UPDATED: "An endpoint was changed, or its secret rotated.",
    ENDPOINT_DELETED: "An endpoint was deleted, alone or with its application.",
    ENDPOINT_FAILING: "Every attempt has failed for half the time after which the endpoint is disabled.",
    ENDPOINT_DISABLED: "An endpoint was disabled: every attempt has failed for days, or it answered 410.",
    ATTEMPT_FAILING: "A message has failed four times at an endpoint, and is tried further.",
    ATTEMPT_EXHAUSTED: "The last attempt to deliver a message has failed: it is a dead letter now.",
    ATTEMPT_RECOVERED: "A message of which one of these two was told was delivered after all.",
}
"""What is told, and when."""
MAILED_EVENT_TYPES: Final = frozenset({ENDPOINT_FAILING, ENDPOINT_DISABLED})
"""Of what people want a mail."""


def operational_application_id(organisation_id: str) -> str:
    """The application whose endpoints are an organisation's operational ones; nobody sees it."""
    return _PREFIX + organisation_id.removeprefix("org_")


def operational_application(organisation_id: str, now_ms: int) -> Application:
    """The same, made with the first of them."""
    return Application(
        id=operational_application_id(organisation_id),
        organisation_id=organisation_id,
        uid="",
        name="Operational webhooks",
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def is_operational(application_id: str) -> bool:
    """Whether an application is one of these."""
    return application_id.startswith(_PREFIX)
