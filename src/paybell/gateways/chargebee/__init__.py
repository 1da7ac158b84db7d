"""Chargebee: HTTP Basic on the webhook's URL, so each event is a hint, and the API is asked for the event.

Sources: Chargebee's docs ("Webhooks", "Retrieve an event", "Transaction") and its SDK (chargebee-node).
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.chargebee import answer
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Same
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

_HEADER: Final = "authorization"
_EVENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SITE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def _site(value: object) -> str:
    fits = isinstance(value, str) and _SITE.fullmatch(value)
    return "" if fits else "the name of the site: 'acme-test' of https://acme-test.chargebee.com"


_OPTIONS: Final[Mapping[str, options.Check]] = {
    "site": _site,
    "apiKey": options.basic_user,
    "baseUrl": options.base_url,
}


class _Event(Struct):
    id: object = None
    event_type: str | None = None


_EVENT: Final = payloads.decoder(_Event)


class Chargebee(Base):
    """Options: ``site`` and ``apiKey`` (to ask the API), ``baseUrl`` (instead of the site's)."""

    about = About(
        name="chargebee",
        title="Chargebee",
        docs_url="https://www.chargebee.com/docs/billing/2.0/site-configuration/webhook_settings",
        credential="user and password of the webhook's URL, as user:password",
        signed="nothing: header authorization holds the user and the password",
        dedupe="SHA-256 of the body; the same hint again asks again",
        retries="7 times within about 3 days",
        believed="only the event's id: the API is asked for the event",
        unverified=("which payment a refund of several payments is of: such a refund is not recorded",),
        secret_options=frozenset({"apiKey"}),
        secret_headers=frozenset({b"authorization"}),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a secret that is no user and password, and a key without a site."""
        super().check(source)
        if any(":" not in secret for secret in source.secrets):
            raise ConfigurationError(f"the secret of {self.where} is 'user:password', as the webhook has them")
        if "apiKey" in source.options and not _base_url(source):
            raise ConfigurationError(f"option 'site' of {self.where} is required beside 'apiKey': {_site('')}")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The user and the password, which cover nothing of the body."""
        raw = signatures.header(request, _HEADER)
        if isinstance(raw, Refused):
            return raw
        scheme, _, credentials = raw.partition(b" ")
        given = signatures.unbase64(credentials)
        if scheme.lower() != b"basic" or given is None:
            return signatures.malformed(_HEADER, "'Basic' and a user and a password in base64")
        return (Claim(method=Same(), signed=b"", given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint."""
        return Hint(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        event_id = payloads.ident(asking.subject(notification), "the event asked about")
        return answer.read(notification.body, event_id)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the event; None without a key."""
        event_id = payloads.ident(payloads.read(_EVENT, notification.body).id, "the event's id")
        if not _EVENT_ID.fullmatch(event_id):
            raise MalformedPayload(f"the event's id cannot be {payloads.shown(event_id)}")
        key = options.text_option(source.options, "apiKey")
        if not key:
            return None
        return FetchPlan(
            url=f"{_base_url(source)}/api/v2/events/{event_id}",
            headers=(
                asking.basic(key),
                ("accept", "application/json"),
            ),
            subject=event_id,
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while the transaction in the event changes neither its status nor its amount."""
        return answer.key(subject, body)


def _base_url(source: Source) -> str:
    site = options.text_option(source.options, "site")
    own = f"https://{site}.chargebee.com" if site else ""
    return options.text_option(source.options, "baseUrl", own).rstrip("/")


GATEWAY: Final[FetchingGateway] = Chargebee()
