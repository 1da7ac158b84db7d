"""Coinbase Commerce: the raw body is signed. A charge is a payment, known by its code.

Sources: docs.cdp.coinbase.com/commerce ("Webhooks", "Payment status", "Charges") and the SDKs' tests. The last entry of
a charge's timeline is its status. What was paid is what its confirmed payments are worth in the price's currency.
"""

from typing import Final

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.coinbase_commerce.charge import Charge, facts
from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="x-cc-webhook-signature")


class _Event(Struct, frozen=True):
    type: str
    data: Charge
    id: object = None


class _Outer(Struct, frozen=True):
    event: _Event | None = None


_OUTER: Final = payloads.decoder(_Outer)


class _EventId(Struct):
    id: object = None


class _Identity(Struct):
    event: _EventId


_IDENTITY: Final = payloads.decoder(_Identity)


class CoinbaseCommerce(Base):
    """No options."""

    about = About(
        name="coinbase_commerce",
        title="Coinbase Commerce",
        docs_url="https://docs.cdp.coinbase.com/commerce/docs/webhooks",
        credential="the webhook's shared secret",
        signed="the raw body, HMAC-SHA256 in hex, header x-cc-webhook-signature",
        dedupe="the event's id (the outer id is the delivery's)",
        retries="for 3 days, at most 1 h apart",
        unverified=("the events of a refund",),
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            event_id = payloads.read(_IDENTITY, request.body).event.id
        except MalformedPayload:
            event_id = None
        return Verified(payloads.id_key(event_id, request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the charge, whatever the event is called."""
        event = payloads.read(_OUTER, notification.body).event
        if event is None:
            return Parsed(reason="it holds no event")
        name = payloads.text(event.type)
        if not name.startswith("charge:"):
            return Parsed(event=name, reason="it is about no charge")
        found, reason = facts(event.data)
        return Parsed(event=name, facts=found, reason=reason)


GATEWAY: Final[Gateway] = CoinbaseCommerce()
