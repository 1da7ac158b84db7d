"""Wise: transfers and balances. They are verified and kept; a transfer is money paid out, not a payment.

Sources: Wise's docs ("Webhooks and notifications", "Event handling") and its digital-signatures-examples. Wise signs
with one key for all its customers and publishes it; the sandbox has another one. The id header ``x-delivery-id`` is
not signed.
"""

from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Rsa, public_key
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HEADER: Final = "x-signature-sha256"


class _Data(Struct):
    current_state: object = None


class _Event(Struct):
    event_type: object = None
    data: _Data | None = None


_EVENT: Final = payloads.decoder(_Event)


class Wise(Base):
    """No options."""

    about = About(
        name="wise",
        title="Wise",
        docs_url="https://docs.wise.com/guides/developer/webhooks",
        credential="Wise's public key for webhooks, in PEM, as its docs publish it (the sandbox has another one)",
        signed="the raw body, RSA-SHA256 in base64, header x-signature-sha256",
        dedupe="SHA-256 of the body (the delivery id is not signed)",
        retries="25 times within 2 weeks",
    )

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

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """No facts: says which kind of thing it is."""
        if dict(notification.headers).get("x-test-notification", "").lower() == "true":
            return Parsed(event="test", reason="a test notification of Wise")
        event = payloads.read(_EVENT, notification.body)
        name = payloads.text(event.event_type)
        if name.startswith("transfers#"):
            state = payloads.text(event.data.current_state) if event.data else ""
            what = f"a transfer ({state})" if state else "a transfer"
            return Parsed(event=name, reason=f"{what}: money paid out, not a payment")
        return Parsed(event=name, reason="it names no payment: Wise tells of transfers and balances")


GATEWAY: Final[Gateway] = Wise()
