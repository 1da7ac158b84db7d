"""dLocal: signed notifications that are the object itself: a payment, a refund, a chargeback or a payout.

Sources: dLocal's docs ("Receive notifications", "Payment status codes", "The refund object", "Chargeback asynchronous
notification", "Notification parameters" of payouts).
"""

from collections.abc import Mapping
from typing import Final

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.dlocal import objects
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_START: Final = b"V2-HMAC-SHA256, Signature: "
_OPTIONS: Final[Mapping[str, options.Check]] = {"xLogin": options.key_like, "toleranceSeconds": options.tolerance}


class DLocal(Base):
    """Options: ``xLogin`` (needed), ``toleranceSeconds`` (300)."""

    about = About(
        name="dlocal",
        title="dLocal",
        docs_url="https://docs.dlocal.com/docs/receive-notifications",
        credential="the secret key of the account",
        signed="{xLogin}{x-date}{body}, HMAC-SHA256 in hex, header authorization (or signature)",
        time_signed="header x-date (ISO 8601), 300 s either way (toleranceSeconds)",
        dedupe="SHA-256 of the body",
        retries="hourly for 6 h, then every 12 h for 4 days, at most 12 times",
        unverified=(
            "whether a repeated notification is signed anew",
            "that payouts' notifications are signed in the same way",
            "the words of a payout's status besides PENDING, PAID, REJECTED and CANCELLED",
        ),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a source without the login."""
        super().check(source)
        if "xLogin" not in source.options:
            raise ConfigurationError(f"option 'xLogin' of {self.where} is required: the X-Login of the account")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The HMAC over the source's own login, the date and the body."""
        date = signatures.header(request, "x-date")
        name = "authorization" if request.header(b"authorization") else "signature"
        raw = signatures.header(request, name)
        if isinstance(raw, Refused):
            return Refused(raw.reason, "there is neither a header authorization nor signature that can be read")
        if isinstance(date, Refused):
            return date
        given = signatures.decoded(raw.removeprefix(_START), "hex", 32)
        if given is None or (name == "authorization" and not raw.startswith(_START)):
            return signatures.malformed(name, f"{_START.decode()!r} and then an HMAC-SHA256 in hex")
        at_ms = _moment(date)
        if at_ms is None:
            return Refused(RefusalReason.TIMESTAMP_MALFORMED, "x-date is no time in ISO 8601")
        return (
            Claim(
                method=Hmac(),
                signed=options.text_option(source.options, "xLogin").encode() + date + request.body,
                given=(given,),
                secrets=source.secrets,
                timestamp=str(at_ms).encode(),
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash: it has no id of its own."""
        return Verified(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the object."""
        return objects.read(notification.body, notification.received_at_ms)


def _moment(raw: bytes) -> int | None:
    try:
        return payloads.time_to_ms(raw.decode("ascii"), "x-date")
    except (ValueError, MalformedPayload):
        return None


GATEWAY: Final[Gateway] = DLocal()
