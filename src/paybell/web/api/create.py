"""Put the resources together."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from paybell.web.api import (
    account,
    application,
    attempt,
    client_certificate,
    endpoint,
    entitlement,
    event_type,
    expectation,
    health,
    ledger,
    message,
    notification,
    operational_webhook,
    payment,
    product,
    source,
    transformation,
)
from paybell.web.api.caller import bind
from paybell.web.api.edge import Edge
from paybell.web.api.idempotency import describe_key
from paybell.web.api.problems import handle_problems
from paybell.web.context import WebContext

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
    client_certificate,
    transformation,
    message,
    attempt,
    event_type,
    operational_webhook,
)


class _Api(FastAPI):
    """Its document says of every POST what the routes themselves need not: that it takes an idempotency key."""

    def openapi(self) -> dict[str, Any]:
        """See FastAPI; made once."""
        made = self.openapi_schema is not None
        document = super().openapi()
        if not made:
            for path, operations in document["paths"].items():
                if path.startswith(PREFIX) and "post" in operations:
                    describe_key(operations["post"])
        return document


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
