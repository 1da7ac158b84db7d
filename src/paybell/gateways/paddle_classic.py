"""Paddle Classic: every field of the form but ``p_signature`` is signed, with RSA-SHA1 over what PHP's serialize gives.

Sources: developer.paddle.com/classic ("Verifying webhooks", the webhook reference) and the ``pay`` gem's fixtures. The
order is the payment: a payment's alerts, its refunds and its dispute all name it. A refund has no id but its alert's.
"""

import base64
from collections.abc import Mapping
from typing import Final

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import accounts, payloads, signatures
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.links import link
from paybell.gateways.kit.methods import Rsa, public_key
from paybell.model.account import PayoutStatus, SubscriptionStatus
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor
from paybell.model.notification import Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_SIGNATURE: Final = "p_signature"
_KINDS: Final[Mapping[str, Kind]] = {
    "payment_succeeded": Kind.CAPTURED,
    "subscription_payment_succeeded": Kind.CAPTURED,
    "payment_refunded": Kind.REFUND_SUCCEEDED,
    "subscription_payment_refunded": Kind.REFUND_SUCCEEDED,
    "subscription_payment_failed": Kind.FAILED,
    "payment_dispute_created": Kind.DISPUTE_STATUS,
    "payment_dispute_closed": Kind.DISPUTE_STATUS,
}
_AMOUNTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.CAPTURED: ("sale_gross",),
    Kind.REFUND_SUCCEEDED: ("gross_refund", "amount"),
    Kind.DISPUTE_STATUS: ("amount",),
}
_DISPUTES: Final = {"payment_dispute_created": "open", "payment_dispute_closed": "won"}
_STARTS: Final = frozenset({Kind.CAPTURED, Kind.FAILED})
_PAYOUTS: Final[Mapping[str, PayoutStatus]] = {
    "transfer_created": PayoutStatus.CREATED,
    "transfer_paid": PayoutStatus.PAID,
}
_SUBSCRIPTIONS: Final = frozenset({"subscription_created", "subscription_updated", "subscription_cancelled"})
_STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    "trialing": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "paused": SubscriptionStatus.PAUSED,
    "deleted": SubscriptionStatus.CANCELED,
}
_BILLED: Final = frozenset({"trialing", "active"})
"""Statuses in which the next bill comes at the end of what is paid; in the others it is a further try."""


class PaddleClassic(Base):
    """No options."""

    about = About(
        name="paddle_classic",
        title="Paddle Classic",
        docs_url="https://developer.paddle.com/classic/webhook-reference",
        credential="your public key, in PEM, as Paddle shows it under Developer Tools",
        signed="the form's fields as PHP serializes them, RSA-SHA1 in base64, field p_signature",
        dedupe="the alert's id",
        retries="unknown",
        unverified=("retries", "that gross_refund is in the currency of the field currency"),
    )

    def check(self, source: Source) -> None:
        """Refuse a secret that is no public key."""
        super().check(source)
        if any(public_key(secret) is None for secret in source.secrets):
            raise ConfigurationError(
                f"the secret of {self.where} is your public key in PEM ('-----BEGIN PUBLIC KEY-----'): "
                "copy it whole from Developer Tools, Public Key"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """All fields, sorted by name; no time is signed that could be judged."""
        try:
            fields = payloads.form(request.body)
        except MalformedPayload as error:
            return Refused(RefusalReason.MALFORMED_SIGNATURE, str(error))
        text = fields.get(_SIGNATURE)
        if not text:
            return Refused(RefusalReason.HEADER_MISSING, f"the form has no field {_SIGNATURE}")
        given = _unbase64(text)
        if given is None:
            return signatures.malformed(_SIGNATURE, "a signature in base64")
        return (Claim(method=Rsa("sha1"), signed=serialized(fields), given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the alert's id."""
        return Verified(payloads.id_key(payloads.form(request.body).get("alert_id"), request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the alert's fields; its name says what they are about."""
        fields = payloads.form(notification.body)
        name = payloads.text(fields.get("alert_name"))
        if name in _SUBSCRIPTIONS:
            status = payloads.text(fields.get("status"))
            told = _subscription(fields)
            return Parsed(event=name, facts=told, reason="" if told else f"the status {status!r} is unknown")
        if name in _PAYOUTS:
            return Parsed(event=name, facts=_payout(fields, _PAYOUTS[name]))
        kind = _KINDS.get(name)
        if kind is None:
            return Parsed(event=name, reason="it tells of no payment, refund, dispute, subscription or payout")
        return Parsed(event=name, facts=_facts(fields, name, kind))


def serialized(fields: Mapping[str, str]) -> bytes:
    """The fields but the signature as ``serialize()`` of PHP writes an array of texts sorted by key."""
    kept = sorted((name.encode(), value.encode()) for name, value in fields.items() if name != _SIGNATURE)
    texts = [b's:%d:"%s";' % (len(part), part) for pair in kept for part in pair]
    return b"a:%d:{%s}" % (len(kept), b"".join(texts))


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode(), validate=True)
    except ValueError:
        return None


def _facts(fields: Mapping[str, str], name: str, kind: Kind) -> tuple[Fact, ...]:
    payment_id = payloads.ident(fields.get("order_id"), "order_id")
    at_ms = payloads.time_to_ms(fields.get("event_time"), "event_time")
    amount, currency = _amount(fields, kind)
    fact = Fact(
        aggregate=payment_id,
        kind=kind,
        ref=payloads.ident(fields.get("alert_id"), "alert_id") if kind is Kind.REFUND_SUCCEEDED else payment_id,
        at_ms=at_ms,
        amount_minor=amount,
        currency=currency,
        detail=payloads.details(status=_DISPUTES.get(name, ""), reason=payloads.text(fields.get("refund_reason"))),
    )
    if kind not in _STARTS:
        return (fact,)
    started = Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=amount,
        currency=currency,
        detail=_customer(fields),
    )
    subscription_id = payloads.ident_or_none(fields.get("subscription_id"), "subscription_id")
    belongs = link(payment_id, subscription_id, LinkType.SUBSCRIPTION, at_ms)
    return (started, fact, *belongs, *(_subscription(fields) if subscription_id else ()))


def _subscription(fields: Mapping[str, str]) -> tuple[Fact, ...]:
    """How a subscription stands, as its own alerts and those of its payments say."""
    status = _STATUSES.get(fields.get("status", ""))
    if status is None:
        return ()
    ends_at_ms = _moment(fields, "cancellation_effective_date")
    fact = accounts.subscription(
        payloads.ident(fields.get("subscription_id"), "subscription_id"),
        status,
        at_ms=payloads.time_to_ms(fields.get("event_time"), "event_time"),
        plan=payloads.ident_or_none(fields.get("subscription_plan_id"), "subscription_plan_id"),
        period_end_ms=_moment(fields, "next_bill_date") if fields.get("status") in _BILLED else ends_at_ms,
        ends_at_ms=ends_at_ms,
        who=_who(fields),
    )
    return (fact,)


def _payout(fields: Mapping[str, str], status: PayoutStatus) -> tuple[Fact, ...]:
    currency = currency_code(fields.get("currency"))
    fact = accounts.payout(
        payloads.ident(fields.get("payout_id"), "payout_id"),
        status,
        at_ms=payloads.time_to_ms(fields.get("event_time"), "event_time"),
        money=(to_minor(fields.get("amount"), currency), currency),
    )
    return (fact,)


def _moment(fields: Mapping[str, str], name: str) -> int:
    return payloads.time_to_ms(fields[name], name) if fields.get(name) else 0


def _amount(fields: Mapping[str, str], kind: Kind) -> tuple[int | None, str]:
    if kind is Kind.FAILED:
        return None, ""
    currency = currency_code(fields.get("currency"))
    value = next((fields[place] for place in _AMOUNTS[kind] if place in fields), None)
    return to_minor(value, currency), currency


def _customer(fields: Mapping[str, str]) -> dict[str, str]:
    own = fields.get("passthrough", "")
    order_id = payloads.text(fields.get("checkout_id") if not own or own.startswith("{") else own)
    method = payloads.text(fields.get("payment_method"))
    return {**payloads.details(order_id=order_id, method=method), **_who(fields)}


def _who(fields: Mapping[str, str]) -> dict[str, str]:
    return payloads.details(
        customer_id=payloads.text(fields.get("user_id")),
        customer_name=payloads.text(fields.get("customer_name")),
        customer_email=payloads.text(fields.get("email")),
    )


GATEWAY: Final[Gateway] = PaddleClassic()
