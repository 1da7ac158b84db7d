"""Midtrans Iris: payouts, in Indonesian rupiah. One may still fail after it was completed.

Source: Midtrans' docs ("Payout notification": the header holds the SHA-512 of the body and the merchant key).
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hash
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact, Parsed
from paybell.model.money import to_minor
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HEADER: Final = "iris-signature"


_CURRENCY: Final = "IDR"
_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    **dict.fromkeys(("queued", "approved", "processed"), PayoutStatus.CREATED),
    "completed": PayoutStatus.PAID,
    "rejected": PayoutStatus.CANCELED,
    "failed": PayoutStatus.FAILED,
}


class _Payout(Struct):
    status: object = None
    reference_no: object = None
    amount: object = None
    updated_at: object = None
    error_code: object = None
    error_message: object = None


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
        """Where a payout stands; a top-up is money that comes, and no payment."""
        payout = payloads.read(_PAYOUT, notification.body)
        name = payloads.text(payout.status)
        status = _STATUSES.get(name)
        if status is None or payout.reference_no is None:
            return Parsed(event=name, reason="a top-up, or a payout whose status is unknown")
        return Parsed(event=name, facts=(_fact(payout, status),))


def _fact(payout: _Payout, status: PayoutStatus) -> Fact:
    why = details(failure_code=text(payout.error_code), failure_message=text(payout.error_message))
    return accounts.payout(
        ident(payout.reference_no, "reference_no"),
        status,
        at_ms=time_to_ms(payout.updated_at, "updated_at"),
        money=(to_minor(payout.amount, _CURRENCY), _CURRENCY),
        why=why,
    )


GATEWAY: Final[Gateway] = MidtransIris()
