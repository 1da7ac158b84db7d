"""Midtrans Iris: payouts. They are verified and kept, and none of them is a payment.

Source: Midtrans' docs ("Payout notification": the header holds the SHA-512 of the body and the merchant key).
"""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hash
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HEADER: Final = "iris-signature"


class _Payout(Struct):
    status: object = None


_PAYOUT: Final = payloads.decoder(_Payout)


class MidtransIris(Base):
    """No options."""

    about = About(
        name="midtrans_iris",
        title="Midtrans Iris",
        docs_url="https://docs.midtrans.com/reference/notification-payload-1",
        credential="the merchant key of Iris",
        signed="the raw body and the merchant key, SHA-512 in hex, header iris-signature",
        dedupe="SHA-256 of the body",
        retries="unknown",
        unverified=("retries",),
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The hash of the body and the key; no time is signed."""
        raw = signatures.header(request, _HEADER)
        if isinstance(raw, Refused):
            return raw
        given = signatures.decoded(raw, "hex", 64)
        if given is None:
            return signatures.malformed(_HEADER, "a SHA-512 in hex")
        return (Claim(method=Hash("sha512", "after"), signed=request.body, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """No facts: money that leaves the merchant's balance is no payment."""
        payout = payloads.read(_PAYOUT, notification.body)
        return Parsed(event=payloads.text(payout.status), reason="a payout or a top-up, not a payment")


GATEWAY: Final[Gateway] = MidtransIris()
