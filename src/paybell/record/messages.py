"""What we tell: which event types a change calls for, and the bytes that say it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from paybell.model.moment import rfc3339
from paybell.model.money import to_major
from paybell.model.payment import (
    DisputeStatus,
    Match,
    Payment,
    PaymentState,
    PaymentStatus,
    RefundStatus,
)

FALLBACK: Final = "payment.updated"
"""Told to those who asked for it and get nothing more special of the same change."""
MISMATCH: Final = "payment.amount_mismatch"

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_OF_STATUS: Final = {
    PaymentStatus.CREATED: "payment.created",
    PaymentStatus.PROCESSING: "payment.processing",
    PaymentStatus.REQUIRES_ACTION: "payment.requires_action",
    PaymentStatus.AUTHORIZED: "payment.authorized",
    PaymentStatus.COMPLETED: "payment.completed",
    PaymentStatus.FAILED: "payment.failed",
    PaymentStatus.CANCELED: "payment.canceled",
    PaymentStatus.EXPIRED: "payment.expired",
}
"""Other statuses are told by the refund's or dispute's own event, or as the sale they began with."""
_SOLD: Final = frozenset(
    {
        PaymentStatus.COMPLETED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
        PaymentStatus.CHARGED_BACK,
    }
)
_OF_REFUND: Final = {
    RefundStatus.PENDING: "refund.created",
    RefundStatus.COMPLETED: "refund.completed",
    RefundStatus.FAILED: "refund.failed",
}
_OF_DISPUTE: Final = {
    DisputeStatus.OPEN: "dispute.opened",
    DisputeStatus.WON: "dispute.won",
    DisputeStatus.LOST: "dispute.lost",
    DisputeStatus.CLOSED: "dispute.closed",
}


class Transition(Struct, frozen=True):
    """One thing to tell. ``ref`` is the refund or dispute it is about ('' for the payment itself)."""

    event_type: str
    ref: str = ""


def transitions(before: PaymentState | None, after: PaymentState) -> tuple[Transition, ...]:
    """What changed, most special first, ending with the fallback; nothing when nobody would see a difference."""
    if before is not None and _seen(before) == _seen(after):
        return ()
    refunds = {} if before is None else {it.ref: it.status for it in before.refunds}
    disputes = {} if before is None else {it.ref: it.status for it in before.disputes}
    return (
        *_of_payment(before, after),
        *_of_mismatch(before, after),
        *(
            Transition(_OF_REFUND[refund.status], refund.ref)
            for refund in after.refunds
            if refunds.get(refund.ref) != refund.status
        ),
        *(
            Transition(_OF_DISPUTE[dispute.status], dispute.ref)
            for dispute in after.disputes
            if dispute.status in _OF_DISPUTE and disputes.get(dispute.ref) != dispute.status
        ),
        Transition(FALLBACK),
    )


def transitions_of_merge(befores: Sequence[PaymentState], after: PaymentState) -> tuple[Transition, ...]:
    """What is news whichever of the payments that became one was heard of, ending with the fallback: an id is gone."""
    first, *others = (transitions(before, after) for before in befores)
    news = [it for it in first if it.event_type != FALLBACK and all(it in told for told in others)]
    return (*news, Transition(FALLBACK))


def told_data(transition: Transition, payment: Payment, merged: Sequence[str] = ()) -> dict[str, object]:
    """A payment and the refund or dispute that a transition is about; ``merged`` are payments that became this one."""
    return {
        **payment_data(payment),
        **_of_ref(transition.ref, payment),
        **({"mergedPaymentIds": merged} if merged else {}),
    }


def envelope(message_id: str, event_type: str, data: Mapping[str, object], now_ms: int) -> bytes:
    """The mission's envelope; amounts are exact decimals with the currency's digits."""
    return _ENCODER.encode({"id": message_id, "event": event_type, "timestamp": rfc3339(now_ms), "data": data})


def payment_data(payment: Payment) -> dict[str, object]:
    """A payment as told to subscribers."""
    state = payment.state
    return {
        "paymentId": payment.id,
        "orderId": state.order_id or None,
        "status": state.status,
        "amount": to_major(state.amount_minor, state.currency),
        "currency": state.currency or None,
        "amountMinor": state.amount_minor,
        "authorizedMinor": state.authorized_minor,
        "capturedMinor": state.captured_minor,
        "refundedMinor": state.refunded_minor,
        "version": state.version,
        "gateway": payment.gateway,
        "gatewayPaymentId": payment.gateway_payment_id,
        "customer": state.customer or None,
        "failure": state.failure or None,
        "livemode": payment.livemode,
        **_expected(state),
        **_belongs(state),
    }


def _belongs(state: PaymentState) -> Mapping[str, object]:
    """What is bought or paid, where anything says so."""
    told = {
        "product": state.product,
        "gatewayInvoiceId": state.invoice_id,
        "gatewaySubscriptionId": state.subscription_id,
    }
    return {name: value for name, value in told.items() if value}


def _expected(state: PaymentState) -> Mapping[str, object]:
    if not state.expected_minor:
        return {}
    return {
        "expectedMinor": state.expected_minor,
        "expectedCurrency": state.expected_currency,
        "match": state.match,
    }


def _of_payment(before: PaymentState | None, after: PaymentState) -> tuple[Transition, ...]:
    if before is not None and before.status == after.status:
        return ()
    if after.status in _SOLD:
        return _of_sale(before, after)
    event_type = _OF_STATUS.get(after.status)
    return () if event_type is None else (Transition(event_type),)


def _of_sale(before: PaymentState | None, after: PaymentState) -> tuple[Transition, ...]:
    """A sale is told once, also where its refund or dispute was heard of first.

    When a refund fails or a dispute is won, it is a sale again: that is told by their own events.
    """
    was_told = before is not None and before.status in _SOLD
    is_whole = after.status is PaymentStatus.COMPLETED or after.captured_minor >= after.authorized_minor
    return (Transition("payment.completed"),) if is_whole and not was_told else ()


def _of_mismatch(before: PaymentState | None, after: PaymentState) -> tuple[Transition, ...]:
    """Told once for each: one of other figures is another one."""
    if after.match in {None, Match.EXACT} or (before is not None and _figures(before) == _figures(after)):
        return ()
    return (Transition(MISMATCH),)


def _figures(state: PaymentState) -> tuple[object, ...]:
    return (state.match, state.expected_minor, state.expected_currency, state.captured_minor)


def _seen(state: PaymentState) -> PaymentState:
    """The state without what no subscriber needs to hear of by itself."""
    return msgspec.structs.replace(state, version=0, started_at_ms=0, changed_at_ms=0, aliases=())


def _of_ref(ref: str, payment: Payment) -> Mapping[str, object]:
    state = payment.state
    for name, parts in (("refund", state.refunds), ("dispute", state.disputes)):
        for part in parts:
            if ref and part.ref == ref:
                amount = to_major(part.amount_minor, state.currency)
                told = {"status": part.status, "amount": amount, "amountMinor": part.amount_minor}
                return {name: {f"gateway{name.capitalize()}Id": ref, **told}}
    return {}
