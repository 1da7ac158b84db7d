"""Klarna Checkout v2: orders signed by a plain hash that holds the shared secret.

Sources: Klarna's own library klarna/kco_python (``digest.py``) and the tests of activemerchant/offsite_payments. The
order is complete when the customer has finished: the money is then reserved, and captured by the merchant, of which
nothing is told here.
"""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hash
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_START: Final = b"Klarna "
_METHOD: Final = Hash(algorithm="sha256", place="after")
_STATUSES: Final = frozenset({"checkout_incomplete", "checkout_complete", "created"})


class _Cart(Struct, frozen=True):
    total_price_including_tax: int | None = None


class _MerchantReference(Struct, frozen=True):
    orderid1: str | None = None


class _Order(Struct, frozen=True):
    status: str
    id: str | None = None
    reference: str | None = None
    order_amount: int | None = None
    cart: _Cart = _Cart()
    merchant_reference: _MerchantReference = _MerchantReference()
    purchase_currency: str | None = None
    completed_at: str | None = None


_ORDER: Final = payloads.decoder(_Order)


class KlarnaLegacy(Base):
    """No options."""

    about = About(
        name="klarna_legacy",
        title="Klarna Checkout v2",
        docs_url="https://github.com/klarna/kco_python",
        credential="the merchant's shared secret",
        signed="the raw body, SHA-256 with the secret after it, in base64, header Authorization: Klarna …",
        dedupe="SHA-256 of the body",
        retries="unknown",
        unverified=(
            "that notifications are signed so: Klarna's own library shows it for requests to Klarna",
            "that an order's reference is the same in all of its notifications",
            "what else than the status, amount and reference a notification holds",
        ),
        secret_headers=frozenset({b"authorization"}),
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body and the secret, hashed; no time is signed."""
        raw = signatures.header(request, "authorization")
        if isinstance(raw, Refused):
            return raw
        given = signatures.decoded(raw.removeprefix(_START), "base64", 32)
        if given is None or not raw.startswith(_START):
            return signatures.malformed("authorization", "'Klarna ' and a SHA-256 in base64")
        return (Claim(method=_METHOD, signed=request.body, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the order."""
        order = payloads.read(_ORDER, notification.body)
        name = payloads.text(order.status)
        if order.status not in _STATUSES:
            return Parsed(event=name, reason=f"the order's status {name!r} is unknown")
        at = order.completed_at
        at_ms = payloads.time_to_ms(at, "completed_at") if at else notification.received_at_ms
        started = _fact(order, Kind.PAYMENT_CREATED, at_ms)
        is_complete = order.status != "checkout_incomplete"
        return Parsed(event=name, facts=(started, _fact(order, Kind.AUTHORIZED, at_ms)) if is_complete else (started,))


def _fact(order: _Order, kind: Kind, at_ms: int) -> Fact:
    aggregate = payloads.ident(order.reference or order.id, "the order's reference")
    currency = currency_code(order.purchase_currency)
    amount = order.cart.total_price_including_tax if order.order_amount is None else order.order_amount
    started = kind is Kind.PAYMENT_CREATED
    return Fact(
        aggregate=aggregate,
        kind=kind,
        ref="" if started else aggregate,
        at_ms=at_ms,
        amount_minor=to_iso(amount, currency, ISO_EXPONENTS),
        currency=currency,
        detail=payloads.details(order_id=payloads.text(order.merchant_reference.orderid1)) if started else {},
    )


GATEWAY: Final[Gateway] = KlarnaLegacy()
