"""Wise: transfers, which are payouts, and balances. An event of a transfer has no amount, so the API is asked for it.

Sources: Wise's docs ("Webhooks and notifications", "Event handling", "Get transfer") and its
digital-signatures-examples. Wise signs with one key for all its customers and publishes it; the sandbox has another
one. The id header ``x-delivery-id`` is not signed.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import accounts, asking, options, payloads, signatures
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Rsa, public_key
from paybell.model.account import PayoutStatus
from paybell.model.fact import Parsed
from paybell.model.money import to_minor
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

_HEADER: Final = "x-signature-sha256"


BASE_URL: Final = "https://api.wise.com"
_ID: Final = re.compile(r"[0-9]{1,20}")
_OPTIONS: Final[Mapping[str, options.Check]] = {"apiToken": options.key_like, "baseUrl": options.base_url}
_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    **dict.fromkeys(("incoming_payment_waiting", "incoming_payment_initiated"), PayoutStatus.CREATED),
    **dict.fromkeys(("processing", "funds_converted"), PayoutStatus.CREATED),
    # It is on its way back, but may still be sent once more.
    "bounced_back": PayoutStatus.CREATED,
    "outgoing_payment_sent": PayoutStatus.PAID,
    "cancelled": PayoutStatus.CANCELED,
    **dict.fromkeys(("funds_refunded", "charged_back"), PayoutStatus.FAILED),
}


class _Resource(Struct):
    id: int | str | None = None


class _Data(Struct):
    current_state: object = None
    resource: _Resource | None = None


class _Event(Struct):
    event_type: object = None
    data: _Data | None = None


class _Transfer(Struct, rename="camel"):
    id: int | str
    status: str = ""
    source_currency: str | None = None
    source_value: object = None


_EVENT: Final = payloads.decoder(_Event)
_TRANSFER: Final = payloads.decoder(_Transfer)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


class Wise(Base):
    """Options: ``apiToken`` (to ask what a transfer comes to), ``baseUrl``."""

    about = About(
        name="wise",
        title="Wise",
        docs_url="https://docs.wise.com/guides/developer/webhooks",
        credential="Wise's public key for webhooks, in PEM, as its docs publish it (the sandbox has another one)",
        signed="the raw body, RSA-SHA256 in base64, header x-signature-sha256",
        dedupe="SHA-256 of the body (the delivery id is not signed)",
        retries="25 times within 2 weeks",
        believed="which transfer an event is about; how it stands and its amount are asked of the API",
        unverified=("that a transfer's sourceValue is all that leaves the balance, its fee included",),
        secret_options=frozenset({"apiToken"}),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a secret that is no public key."""
        super().check(source)
        if any(public_key(secret) is None for secret in source.secrets):
            raise ConfigurationError(
                "the secret of a source of gateway 'wise' is Wise's public key in PEM ('-----BEGIN PUBLIC KEY-----'): "
                "copy it from Wise's docs on webhooks"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's signature; no time is signed."""
        raw = signatures.header(request, _HEADER)
        if isinstance(raw, Refused):
            return raw
        given = signatures.unbase64(raw)
        if given is None:
            return signatures.malformed(_HEADER, "a signature in base64")
        return (Claim(method=Rsa(), signed=request.body, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:
        """Known by its body's hash; a hint where the API can be asked for the transfer."""
        key = payloads.body_key(request.body)
        # That it is a test stands in a header, which is not signed: it must not keep the API from being asked.
        is_hint = "apiToken" in source.options and _ID.fullmatch(_transfer_id(request.body))
        return Hint(key) if is_hint else Verified(key)

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Where a transfer stands, from an answer of the API (``origin`` poll); an event says only what it is about."""
        if notification.origin is Origin.POLL:
            return _answered(notification)
        if dict(notification.headers).get("x-test-notification", "").lower() == "true":
            return Parsed(event="test", reason="a test notification of Wise")
        event = payloads.read(_EVENT, notification.body)
        name = payloads.text(event.event_type)
        if name.startswith("transfers#"):
            state = payloads.text(event.data.current_state) if event.data else ""
            what = f"a transfer ({state})" if state else "a transfer"
            return Parsed(event=name, reason=f"{what}: its amount is asked of the API, with option apiToken")
        return Parsed(event=name, reason="it names no transfer: Wise tells of transfers and balances")

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the transfer; None without a token."""
        found = _transfer_id(notification.body)
        if not _ID.fullmatch(found):
            raise MalformedPayload(f"it names no transfer that could be asked about: {payloads.shown(found)}")
        token = options.text_option(source.options, "apiToken")
        if not token:
            return None
        headers = (("authorization", f"Bearer {token}"), ("accept", "application/json"))
        url = f"{asking.base_url(source, BASE_URL)}/v1/transfers/{found}"
        return FetchPlan(url=url, headers=headers, subject=found)

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while the transfer stands as it did."""
        return "poll:" + sha256(_ENCODER.encode([subject, payloads.read(_TRANSFER, body)])).hexdigest()


def _transfer_id(body: bytes) -> str:
    """The transfer that an event is about; '' where it is about none."""
    try:
        event = payloads.read(_EVENT, body)
    except MalformedPayload:
        return ""
    resource = event.data.resource if event.data else None
    is_transfer = payloads.text(event.event_type).startswith("transfers#")
    return str(resource.id) if is_transfer and resource else ""


def _answered(notification: Notification) -> Parsed:
    """A transfer dates nothing but its beginning: how it stands is dated by the moment of the answer."""
    transfer = payloads.read(_TRANSFER, notification.body)
    transfer_id, name = str(transfer.id), payloads.text(transfer.status)
    if transfer_id != asking.subject(notification):
        return Parsed(reason="the answer is about another transfer", final=False)
    status = _STATUSES.get(name)
    if status is None:
        return Parsed(event=name, reason="the transfer's status is unknown")
    if not transfer.source_value:
        return Parsed(event=name, reason="the transfer does not say yet what it comes to", final=False)
    currency = currency_code(transfer.source_currency)
    money = (to_minor(transfer.source_value, currency), currency)
    aggregate = payloads.ident(transfer_id, "the transfer's id")
    told = accounts.payout(aggregate, status, at_ms=notification.received_at_ms, money=money)
    return Parsed(event=name, facts=(told,))


GATEWAY: Final[FetchingGateway] = Wise()
