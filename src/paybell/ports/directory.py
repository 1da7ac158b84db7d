"""What all ask of the store about who may send and who wants to hear."""

from typing import Protocol

from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import Product
from paybell.model.message import Application, EventType
from paybell.model.source import Organisation, Source
from paybell.ports.paging import Page, PageQuery


class DirectoryStore(Protocol):
    """The first organisation, sources, applications, endpoints, event types."""

    async def key_check(self) -> None:
        """``ConfigurationError`` for a key that does not open what is sealed; the first that opens all is kept to."""
        ...

    async def organisation_default(self) -> Organisation:
        """The organisation that a fresh installation has."""
        ...

    async def source_create(self, source: Source) -> None:
        """Conflict when the uid is taken."""
        ...

    async def source_update(self, source: Source) -> None:
        """Write uid, secrets, options, enabled."""
        ...

    async def source_delete(self, organisation_id: str, source_id: str) -> None:
        """Forget a source; its notifications and payments stay."""
        ...

    async def source_page(self, query: PageQuery) -> Page[Source]:
        """Sources, newest first."""
        ...

    async def source_lookup(self, organisation_id: str, name: str) -> Source:
        """By id or uid; NotFound otherwise."""
        ...

    async def application_create(self, application: Application) -> None:
        """Conflict when the uid is taken."""
        ...

    async def application_update(self, application: Application) -> None:
        """Write name and uid."""
        ...

    async def application_delete(self, organisation_id: str, application_id: str) -> None:
        """Delete an application and its endpoints; waiting deliveries become dead letters."""
        ...

    async def application_page(self, query: PageQuery) -> Page[Application]:
        """Applications, newest first; from memory, never staler than 1 s.

        Filters, of which any word means yes: with_endpoints (any at all), all_enabled (none of them disabled).
        """
        ...

    async def application_lookup(self, organisation_id: str, name: str) -> Application:
        """By id or uid; NotFound otherwise; from memory, never staler than 1 s."""
        ...

    async def endpoint_create(self, endpoint: Endpoint) -> None:
        """Conflict when the uid is taken in the application."""
        ...

    async def endpoint_update(self, endpoint: Endpoint) -> None:
        """Write everything but its ids."""
        ...

    async def endpoint_delete(self, organisation_id: str, endpoint_id: str) -> None:
        """Delete an endpoint; its waiting deliveries become dead letters."""
        ...

    async def endpoint_page(self, query: PageQuery) -> Page[Endpoint]:
        """Endpoints of the application in ``filters['application_id']``, newest first."""
        ...

    async def endpoint_lookup(self, organisation_id: str, application_id: str, name: str) -> Endpoint:
        """By id or uid; NotFound otherwise."""
        ...

    async def endpoint_list(self, organisation_id: str) -> tuple[Endpoint, ...]:
        """All endpoints of an organisation; from memory, never staler than 1 s."""
        ...

    async def endpoint_list_of(self, application_id: str) -> tuple[Endpoint, ...]:
        """All endpoints of an application; from memory, never staler than 1 s."""
        ...

    async def product_put(self, product: Product) -> None:
        """Write a product; what is bought of it is computed anew at once."""
        ...

    async def product_delete(self, organisation_id: str, uid: str) -> None:
        """Forget a product, and compute anew what was bought of it; NotFound when there is none."""
        ...

    async def product_list(self, organisation_id: str) -> tuple[Product, ...]:
        """An organisation's products, by uid."""
        ...

    async def event_type_create(self, event_type: EventType) -> None:
        """Conflict when the name is taken."""
        ...

    async def event_type_update(self, event_type: EventType) -> None:
        """Write everything but its name."""
        ...

    async def event_type_delete(self, organisation_id: str, name: str) -> None:
        """Forget an event type; messages of it stay."""
        ...

    async def event_type_find(self, organisation_id: str, name: str) -> EventType | None:
        """One of the organisation's own event types; from memory, never staler than 1 s."""
        ...

    async def event_type_list(self, organisation_id: str) -> tuple[EventType, ...]:
        """The organisation's own event types, by name; from memory, never staler than 1 s."""
        ...
