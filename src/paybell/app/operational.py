"""Operational webhooks put together: how they are routed, who may get them, and who gets mail by the settings."""

import contextlib
from collections.abc import Callable, Iterable
from typing import Final

from paybell.clock import Clock
from paybell.config import Settings
from paybell.errors import ConfigurationError, Conflict
from paybell.model.endpoint import MAIL_PREFIX, Endpoint
from paybell.model.operational import MAILED_EVENT_TYPES, operational_application, operational_application_id
from paybell.ports import DirectoryStore, Occurrence, Routed, RouteOccurrence
from paybell.route.operational import route_occurrence
from paybell.route.rules import Mint
from paybell.transports import MailSender, address_of, read_mail_config

_UID_PREFIX: Final = "mail_to:"
"""No caller can give such a uid."""


def occurrence_route(clock: Clock) -> RouteOccurrence:
    """What the store asks for each occurrence; all is left due."""

    def route(occurrence: Occurrence, endpoints: tuple[Endpoint, ...]) -> Routed:
        mint = Mint(new_id=clock.new_id, has_room=lambda _: False, now_ms=clock.now_ms(), lease_ends_at_ms=0)
        return route_occurrence(occurrence, endpoints, mint)

    return route


def mail_sender(chosen: Settings) -> MailSender:
    """By the settings' mail server; one that serves nothing where they name none."""
    if chosen.mail_to and not chosen.mail_url:
        raise ConfigurationError("mail_to (PAYBELL_MAIL_TO) needs a mail server: give mail_url (PAYBELL_MAIL_URL), too")
    return MailSender(read_mail_config(chosen.mail_url, chosen.mail_from) if chosen.mail_url else None)


def listener_check(chosen: Settings, check_url: Callable[[str], None]) -> Callable[[str], None]:
    """Refuse, with ``ConfigurationError``, an operational endpoint's URL that can never be delivered to."""

    def check(url: str) -> None:
        if not url.startswith(MAIL_PREFIX):
            check_url(url)
            return
        address_of(url)
        if not chosen.mail_url:
            raise ConfigurationError("this server sends no mail: set PAYBELL_MAIL_URL and PAYBELL_MAIL_FROM first")

    return check


class MailEndpoints:
    """Keeps one operational endpoint of the default organisation per address of the settings, and none for others."""

    def __init__(self, store: DirectoryStore, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_secret = new_secret

    async def ensure(self, chosen: Settings) -> None:
        """A node without a mail server leaves them alone: others may send that mail."""
        if not chosen.mail_url:
            return
        urls = [MAIL_PREFIX + address for address in chosen.mail_to]
        for url in urls:
            address_of(url)
        organisation_id = (await self._store.organisation_default()).id
        endpoints = await self._store.endpoint_list_of(operational_application_id(organisation_id))
        existing = {it.url: it for it in endpoints if it.uid.startswith(_UID_PREFIX)}
        for url in existing.keys() - set(urls):
            await self._store.endpoint_delete(organisation_id, existing[url].id)
        await self._add(organisation_id, [url for url in urls if url not in existing])

    async def _add(self, organisation_id: str, urls: Iterable[str]) -> None:
        for url in urls:
            now_ms = self._clock.now_ms()
            application = operational_application(organisation_id, now_ms)
            with contextlib.suppress(Conflict):  # it is there already
                await self._store.application_create(application)
            with contextlib.suppress(Conflict):  # another node has just made it
                await self._store.endpoint_create(self._endpoint(organisation_id, application.id, url, now_ms))

    def _endpoint(self, organisation_id: str, application_id: str, url: str, now_ms: int) -> Endpoint:
        return Endpoint(
            id=self._clock.new_id("ep"),
            organisation_id=organisation_id,
            application_id=application_id,
            uid=_UID_PREFIX + url.removeprefix(MAIL_PREFIX),
            url=url,
            description="From the setting mail_to.",
            event_types=MAILED_EVENT_TYPES,
            secrets=(self._new_secret(),),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
