"""Checkout.com: workflow webhooks, whose raw body is signed.

Sources: checkout.com/docs (workflows, webhook event types, format the amount value) and published captures of its
requests.
"""

from typing import Final

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.checkout_com.facts import EXPONENTS, Event, read
from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="cko-signature")


class _Identity(Struct, frozen=True):
    id: str | None = None


_EVENT: Final = payloads.decoder(Event)
_IDENTITY: Final = payloads.decoder(_Identity)


class CheckoutCom(Base):
    """No options."""

    about = About(
        name="checkout_com",
        title="Checkout.com",
        docs_url="https://www.checkout.com/docs/developer-resources/webhooks",
        credential="the signature key of the workflow's webhook action",
        signed="the raw body, HMAC-SHA256 in hex, header Cko-Signature",
        dedupe="the event's id",
        retries="8 times, from 5 min up to 12 h apart",
        unverified=(
            "the data of payment_refund_pending and payment_authentication_failed",
            "that older accounts sign with their secret key",
        ),
        secret_headers=frozenset({b"authorization"}),
        exponents=EXPONENTS,
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            event_id: object = payloads.read(_IDENTITY, request.body).id
        except MalformedPayload:
            event_id = None
        return Verified(payloads.id_key(event_id, request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the event's name and data."""
        event = payloads.read(_EVENT, notification.body)
        facts, name = read(event), payloads.text(event.type)
        return Parsed(event=name, facts=facts, reason="" if facts else f"{name!r} moves no payment")


GATEWAY: Final[Gateway] = CheckoutCom()
