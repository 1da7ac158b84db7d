"""Razorpay: signed events that carry snapshots of their objects.

Source: razorpay/markdown-docs (``webhooks/*.md``) and the SDKs' tests. The id header ``x-razorpay-event-id`` is not
signed, so the dedupe key is the body's hash. The payload does not say whether it is live or test.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import signatures
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.payloads import (
    Record,
    body_key,
    child,
    decode,
    details,
    first_text,
    ident,
    seconds_to_ms,
    text,
)
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="x-razorpay-signature")
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "created": Kind.REFUND_PENDING,
    "pending": Kind.REFUND_PENDING,
    "processed": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
}
_DISPUTE_STATUSES: Final[Mapping[str, str]] = {
    "open": "open",
    "under_review": "open",
    "action_required": "open",
    "won": "won",
    "lost": "lost",
    "closed": "closed",
}
_INQUIRY_PHASES: Final = frozenset({"retrieval", "fraud"})
"""Phases of a dispute that move no money yet."""


class Razorpay(Base):
    """No options."""

    about = About(
        name="razorpay",
        title="Razorpay",
        docs_url="https://razorpay.com/docs/webhooks/",
        credential="the secret you chose for the webhook in Razorpay's dashboard",
        signed="the raw body, HMAC-SHA256 in hex, header x-razorpay-signature",
        dedupe="SHA-256 of the body (the id header is not signed)",
        retries="for 24 h, then the webhook is switched off",
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from ``payload.{payment,refund,dispute}.entity``, whatever the event is called."""
        event = decode(notification.body)
        name = text(event.get("event"))
        entities = {key: child(event, "payload", key, "entity") for key in ("payment", "refund", "dispute")}
        if not any(entities.values()):
            if not name:
                raise MalformedPayload("the body has neither an event's name nor a payload that can be read")
            return Parsed(event=name, reason="it carries no payment, refund or dispute")
        facts, unknown = _facts(entities, event.get("created_at"))
        return Parsed(event=name, facts=facts, reason="" if facts else unknown)


class _Teller(Struct, frozen=True):
    """Whose payment, when, and in what currency."""

    aggregate: str
    at_ms: int
    currency: str

    def fact(self, kind: Kind, ref: str, amount: object, detail: Mapping[str, str]) -> Fact:
        minor = None if amount is None else to_iso(amount, self.currency, ISO_EXPONENTS)
        currency = "" if amount is None else self.currency
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=minor,
            currency=currency,
            detail=detail,
        )


def _facts(entities: Mapping[str, Record], created_at: object) -> tuple[tuple[Fact, ...], str]:
    payment, refund, dispute = entities["payment"], entities["refund"], entities["dispute"]
    facts: list[Fact] = []
    if payment:
        facts += _payment(payment, created_at, refund)
    if refund:
        facts += _refund(refund, created_at)
    if dispute:
        facts += _dispute(dispute, created_at)
    statuses = ", ".join(f"{name} {text(entity.get('status'))!r}" for name, entity in entities.items() if entity)
    return tuple(facts), f"its status is unknown: {statuses}"


def _teller(entity: Record, aggregate: object, at: object) -> _Teller:
    at_ms = seconds_to_ms(entity.get("created_at") if at is None else at, "created_at")
    return _Teller(ident(aggregate, "the payment's id"), at_ms, currency_code(entity.get("currency")))


def _payment(payment: Record, at: object, refund: Record) -> list[Fact]:
    tell = _teller(payment, payment.get("id"), at)
    status = _payment_status(tell, payment, refund)
    if status is None:
        return []
    started = _teller(payment, payment.get("id"), payment.get("created_at") or at)
    return [started.fact(Kind.PAYMENT_CREATED, "", payment.get("amount"), _customer(payment)), *status]


def _payment_status(tell: _Teller, payment: Record, refund: Record) -> list[Fact] | None:
    ref, amount = tell.aggregate, payment.get("amount")
    match payment.get("status"):
        case "created":
            return []
        case "authorized":
            return [tell.fact(Kind.AUTHORIZED, ref, amount, {})]
        case "captured" | "refunded":
            return [tell.fact(Kind.CAPTURED, ref, amount, {}), *_refunded_total(tell, payment, refund)]
        case "failed":
            code = first_text(payment.get("error_reason"), payment.get("error_code"))
            failure = details(failure_code=code, failure_message=text(payment.get("error_description")))
            return [tell.fact(Kind.FAILED, ref, None, failure)]
        case _:
            return None


def _refunded_total(tell: _Teller, payment: Record, refund: Record) -> list[Fact]:
    # The total counts a refund from its start: beside one that is not processed it would say too much, for ever.
    total = payment.get("amount_refunded")
    unsure = refund and refund.get("status") != "processed"
    return [] if unsure or not total else [tell.fact(Kind.REFUNDED_TOTAL, "", total, {})]


def _refund(refund: Record, at: object) -> list[Fact]:
    kind = _REFUND_KINDS.get(text(refund.get("status")))
    if kind is None:
        return []
    tell = _teller(refund, refund.get("payment_id"), at)
    return [tell.fact(kind, ident(refund.get("id"), "the refund's id"), refund.get("amount"), {})]


def _dispute(dispute: Record, at: object) -> list[Fact]:
    status = _DISPUTE_STATUSES.get(text(dispute.get("status")))
    if status is None:
        return []
    if status == "open" and text(dispute.get("phase")) in _INQUIRY_PHASES:
        status = "warning"
    tell = _teller(dispute, dispute.get("payment_id"), at)
    detail = details(status=status, reason=text(dispute.get("reason_code")))
    ref = ident(dispute.get("id"), "the dispute's id")
    return [tell.fact(Kind.DISPUTE_STATUS, ref, dispute.get("amount"), detail)]


def _customer(payment: Record) -> dict[str, str]:
    return details(
        order_id=text(payment.get("order_id")),
        customer_id=text(payment.get("customer_id")),
        customer_email=text(payment.get("email")),
        customer_phone=text(payment.get("contact")),
        method=text(payment.get("method")),
    )


GATEWAY: Final[Gateway] = Razorpay()
