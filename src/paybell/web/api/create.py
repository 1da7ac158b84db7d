"""Put the resources together."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from paybell.web.api import (
    account,
    addressed,
    api_key,
    application,
    attempt,
    audit,
    background_task,
    client_certificate,
    dead_letter,
    endpoint,
    endpoint_headers,
    endpoint_state,
    entitlement,
    event_type,
    event_type_import,
    expectation,
    health,
    ledger,
    message,
    notification,
    operational_webhook,
    payment,
    poller,
    portal,
    product,
    replay,
    source,
    statistics,
    transformation,
)
from paybell.web.api.caller import bind
from paybell.web.api.edge import Edge
from paybell.web.api.idempotency import describe_key
from paybell.web.api.problems import describe_problems, handle_problems
from paybell.web.api.webhook_schemas import webhooks
from paybell.web.context import WebContext
from paybell.web.rights import need_of

PREFIX: Final = "/api/v1"
_RESOURCES: Final = (
    source,
    notification,
    payment,
    expectation,
    ledger,
    account,
    entitlement,
    product,
    application,
    endpoint,
    endpoint_headers,
    endpoint_state,
    client_certificate,
    transformation,
    message,
    attempt,
    dead_letter,
    addressed,
    replay,
    background_task,
    statistics,
    poller,
    event_type_import,
    event_type,
    operational_webhook,
    api_key,
    portal,
    audit,
)


class _Api(FastAPI):
    """Its document says what the routes themselves need not: that a POST takes an idempotency key, and who may call."""

    def openapi(self) -> dict[str, Any]:
        """See FastAPI; made once."""
        made = self.openapi_schema is not None
        document = super().openapi()
        if not made:
            for path, operations in document["paths"].items():
                if path.startswith(PREFIX) and "post" in operations:
                    describe_key(operations["post"])
                for method, it in operations.items():
                    _describe_need(method, it)
            document["webhooks"] = webhooks()
            describe_problems(document)
        return document


def _describe_need(method: str, operation: dict[str, Any]) -> None:
    """Name the scope that a key needs (OpenAPI 3.1 takes roles, too), and the capability of a token."""
    if "security" not in operation:
        return
    need = need_of(operation["operationId"], method.upper())
    ((scheme, _),) = operation["security"][0].items()
    operation["security"] = [{scheme: [] if need.scope is None else [str(need.scope)]}]
    if need.capability is not None:
        operation["x-portal-capability"] = str(need.capability)


def create_api(context: WebContext) -> FastAPI:
    """The management API under ``/api/v1``, with ``/health``, ``/metrics`` and ``/openapi.json`` beside it."""
    api = _Api(
        title="Paybell",
        summary="Payment gateways' webhooks in, one exactly-once record, signed webhooks out.",
        version=context.version,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name,
    )
    bind(api, context)
    handle_problems(api)
    api.add_middleware(Edge)
    for resource in _RESOURCES:
        api.include_router(resource.router, prefix=PREFIX)
    api.include_router(health.router)
    return api


def _name(route: APIRoute) -> str:
    return route.name
