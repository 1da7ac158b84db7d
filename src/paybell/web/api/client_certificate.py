"""An endpoint's client certificate (mTLS): what it shows to a server that asks for one."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Response
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import ConfigurationError, NotFound
from paybell.model.text import STORABLE_PATTERN
from paybell.ports import ClientCertificate
from paybell.web.api.application import AppPath
from paybell.web.api.caller import Calling, keyed_router
from paybell.web.api.endpoint import EndpointPath, endpoint_of
from paybell.web.api.endpoint_shapes import check_https
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import Shape, Time, when

router = keyed_router("endpoint")

Pem = Annotated[
    str,
    Field(
        min_length=1,
        max_length=32_768,
        pattern=STORABLE_PATTERN,
        json_schema_extra={"writeOnly": True},
        description="PEM: one private key, not encrypted, and its certificate before the chain's others.",
    ),
]


class ClientCertificateIn(Shape):
    """A private key and its certificates."""

    certificate: Pem


class ClientCertificateOut(Shape):
    """What is shown of a certificate: never the key."""

    subject: str
    expires_at: Time
    fingerprint: Annotated[str, Field(description="SHA-256 of the certificate's DER form, in hex.")]


@router.put("/app/{app}/endpoint/{endpoint}/client-certificate")
async def client_certificate_put(
    app: AppPath, endpoint: EndpointPath, body: ClientCertificateIn, caller: Calling
) -> ClientCertificateOut:
    """Show this client certificate to the endpoint's server from now on, on new connections."""
    before, now_ms = await endpoint_of(caller, app, endpoint), caller.now_ms()
    try:
        check_https(before.url)
        shown = caller.context.read_certificate(body.certificate, now_ms)
    except ConfigurationError as error:
        raise InvalidField(str(error), "certificate") from None
    await caller.store.endpoint_update(replace(before, client_certificate=body.certificate, updated_at_ms=now_ms))
    return _show(shown)


@router.get("/app/{app}/endpoint/{endpoint}/client-certificate")
async def client_certificate_get(app: AppPath, endpoint: EndpointPath, caller: Calling) -> ClientCertificateOut:
    """Whose certificate it is, and when it expires; 404 where there is none."""
    found = await endpoint_of(caller, app, endpoint)
    # As of the beginning of time: an expired one is shown, too.
    return _show(caller.context.read_certificate(_given(found.client_certificate), 0))


@router.delete(
    "/app/{app}/endpoint/{endpoint}/client-certificate",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
)
async def client_certificate_delete(app: AppPath, endpoint: EndpointPath, caller: Calling) -> None:
    """Show no client certificate any more; 404 where there is none."""
    before = await endpoint_of(caller, app, endpoint)
    _given(before.client_certificate)
    await caller.store.endpoint_update(replace(before, client_certificate="", updated_at_ms=caller.now_ms()))


def _given(certificate: str) -> str:
    if not certificate:
        raise NotFound("the endpoint has no client certificate")
    return certificate


def _show(it: ClientCertificate) -> ClientCertificateOut:
    return ClientCertificateOut(subject=it.subject, expires_at=when(it.expires_at_ms), fingerprint=it.fingerprint)
