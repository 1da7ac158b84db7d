"""Adyen's webhooks for platforms, management, tokens and disputes of issued cards: the whole body is signed.

Sources: docs.adyen.com (verify HMAC signatures, payout webhooks), Adyen's OpenAPI files of these webhooks and the tests
of its SDKs. Only transfers are read. Those to a bank are payouts. Those of a platform's payments tell of payments: each
is the part that one balance account has of a payment, under the payment's own ``pspPaymentReference``. So a payment's
amounts here are the sums of its parts. Disputes of issued cards are those of the platform's own cardholders: no payment
to the merchant.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.gateways.adyen.facts import EXPONENTS
from paybell.gateways.kit import accounts, payloads, signatures
from paybell.gateways.kit.amounts import currency_code, to_iso
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac, key_bytes
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_METHOD: Final = Hmac(key="hex")
_KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("payment", "authorised"): Kind.AUTHORIZED,
    ("capture", "captured"): Kind.CAPTURED,
    ("refund", "refundPending"): Kind.REFUND_PENDING,
    ("refund", "refunded"): Kind.REFUND_SUCCEEDED,
}
"""What a transfer says by its type and status; a capture's own authorisation is no further one."""

_DISPUTES: Final[Mapping[str, str]] = {
    "chargebackPending": "open",
    "chargeback": "open",
    "chargebackReversed": "won",
    "secondChargeback": "lost",
}
_PAYOUTS: Final[Mapping[str, PayoutStatus]] = {
    **dict.fromkeys(("received", "authorised", "pendingApproval", "pending"), PayoutStatus.CREATED),
    **dict.fromkeys(("booked", "credited"), PayoutStatus.PAID),
    **dict.fromkeys(("failed", "refused", "returned"), PayoutStatus.FAILED),
    "cancelled": PayoutStatus.CANCELED,
}
"""How a transfer out of a balance account to a bank stands."""

_LIVE: Final[Mapping[str, bool]] = {"live": True, "test": False}


class _Amount(Struct, frozen=True):
    value: int | None = None
    currency: str | None = None


class _Category(Struct, frozen=True):
    pspPaymentReference: str | None = None  # noqa: N815 - their spelling
    modificationPspReference: str | None = None  # noqa: N815 - their spelling
    paymentMerchantReference: str | None = None  # noqa: N815 - their spelling


class _Data(Struct, frozen=True):
    id: str | None = None
    category: str | None = None
    type: str | None = None
    direction: str | None = None
    reason: str | None = None
    categoryData: _Category = _Category()  # noqa: N815 - their spelling
    status: str | None = None
    amount: _Amount = _Amount()


class _Event(Struct, frozen=True):
    type: str
    environment: str | None = None
    timestamp: str | None = None
    data: _Data | None = None


_EVENT: Final = payloads.decoder(_Event)


class AdyenPlatforms(Base):
    """No options."""

    about = About(
        name="adyen_platforms",
        title="Adyen for Platforms",
        docs_url="https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/",
        credential="the webhook's HMAC key, 64 hex digits",
        signed="the raw body, HMAC-SHA256 in base64, header HmacSignature",
        dedupe="SHA-256 of the body",
        retries="3 times at once, then from 2 min up to 8 h apart for 30 days",
        unverified=(
            "the types and statuses of a platform payment's transfers",
            "that the transfers of one payment add up to its amount",
            "that the events of one dispute have the same modificationPspReference",
        ),
        secret_headers=frozenset({b"authorization"}),
        exponents=EXPONENTS,
    )

    def check(self, source: Source) -> None:
        """Refuse a secret that is no HMAC key, too."""
        super().check(source)
        if not all(key_bytes(secret, "hex") for secret in source.secrets):
            raise ConfigurationError(f"a secret of {self.where} is not in hex: copy the webhook's HMAC key from Adyen")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        raw = signatures.header(request, "hmacsignature")
        if isinstance(raw, Refused):
            return raw
        given = signatures.decoded(raw, "base64", 32)
        if given is None:
            return signatures.malformed("hmacsignature", "an HMAC-SHA256 in base64")
        return (Claim(method=_METHOD, signed=request.body, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts of the transfers of platform payments, and of those to banks; everything else has none."""
        event = payloads.read(_EVENT, notification.body)
        facts, reason = _facts(event, notification.received_at_ms)
        return Parsed(
            event=payloads.text(event.type), facts=facts, reason=reason, livemode=_LIVE.get(event.environment or "")
        )


def _facts(event: _Event, received_at_ms: int) -> tuple[tuple[Fact, ...], str]:
    data = event.data
    at_ms = payloads.time_to_ms(event.timestamp, "timestamp") if event.timestamp else received_at_ms
    if data is not None and data.category == "bank" and data.direction == "outgoing":
        return _payout(data, at_ms)
    if data is None or data.category != "platformPayment" or not data.categoryData.pspPaymentReference:
        return (), "it is about no payment of a shopper, and no payout"
    kind, status = _KINDS.get((data.type or "", data.status or "")), _DISPUTES.get(data.status or "")
    if kind is not None:
        return (_fact(data, at_ms, kind, data.id, {"order_id": data.categoryData.paymentMerchantReference}),), ""
    if status is not None:
        ref = data.categoryData.modificationPspReference or data.id
        return (_fact(data, at_ms, Kind.DISPUTE_STATUS, ref, {"status": status}),), ""
    return (), f"a transfer of status {payloads.text(data.status)!r} moves no payment"


def _payout(data: _Data, at_ms: int) -> tuple[tuple[Fact, ...], str]:
    status = _PAYOUTS.get(data.status or "")
    if status is None:
        return (), f"a payout's status {payloads.text(data.status)!r} is unknown"
    currency = currency_code(data.amount.currency)
    told = accounts.payout(
        payloads.ident(data.id, "the transfer's id"),
        status,
        at_ms=at_ms,
        money=(to_iso(data.amount.value, currency, EXPONENTS), currency),
        why=payloads.details(failure_code=payloads.text(data.reason)) if status is PayoutStatus.FAILED else {},
    )
    return (told,), ""


def _fact(data: _Data, at_ms: int, kind: Kind, ref: str | None, detail: Mapping[str, str | None]) -> Fact:
    currency = currency_code(data.amount.currency)
    return Fact(
        aggregate=payloads.ident(data.categoryData.pspPaymentReference, "pspPaymentReference"),
        kind=kind,
        ref=payloads.ident(ref, "the transfer's id"),
        at_ms=at_ms,
        amount_minor=to_iso(data.amount.value, currency, EXPONENTS),
        currency=currency,
        detail={name: text for name, value in detail.items() if (text := payloads.text(value))},
    )


GATEWAY: Final[Gateway] = AdyenPlatforms()
