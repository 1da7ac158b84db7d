"""Words that senders use for a payment's status, and the facts they stand for."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit.options import Options
from paybell.model.fact import Kind

_KINDS: Final[Mapping[str, Kind]] = {
    "created": Kind.PAYMENT_CREATED,
    "processing": Kind.PROCESSING,
    "requires_action": Kind.REQUIRES_ACTION,
    "authorized": Kind.AUTHORIZED,
    "completed": Kind.CAPTURED,
    "failed": Kind.FAILED,
    "canceled": Kind.CANCELED,
    "voided": Kind.VOIDED,
    "expired": Kind.EXPIRED,
    "refunded": Kind.REFUNDED_TOTAL,
    "partially_refunded": Kind.REFUNDED_TOTAL,
    "refund_pending": Kind.REFUND_PENDING,
    "refund_failed": Kind.REFUND_FAILED,
}
_SAME: Final[Mapping[str, str]] = {
    "pending": "processing",
    "succeeded": "completed",
    "success": "completed",
    "paid": "completed",
    "captured": "completed",
    "failure": "failed",
    "declined": "failed",
    "cancelled": "canceled",
    "void": "voided",
    "authorised": "authorized",
}
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "refunded": Kind.REFUND_SUCCEEDED,
    "partially_refunded": Kind.REFUND_SUCCEEDED,
    "refund_pending": Kind.REFUND_PENDING,
    "refund_failed": Kind.REFUND_FAILED,
}
REFUNDS: Final = frozenset(_REFUND_KINDS)
"""Words whose amount is that of a refund (or, without a refund id, of all refunds so far), not of the payment."""

_NEED_AMOUNT: Final = frozenset({Kind.AUTHORIZED, Kind.CAPTURED, Kind.REFUNDED_TOTAL, *_REFUND_KINDS.values()})


def word_of(status: str, options: Options) -> str:
    """Our word for a sender's status, of either case; '' for one that nobody has explained."""
    theirs = status.strip().lower()
    own = options.get("statusMap")
    if isinstance(own, dict):
        for name, word in own.items():
            if str(name).strip().lower() == theirs:
                return str(word)
    word = _SAME.get(theirs, theirs)
    return word if word in _KINDS else ""


def kind_of(word: str, *, has_refund_id: bool) -> tuple[Kind, bool]:
    """The fact that a word stands for, and whether it is worth nothing without an amount."""
    kind = _REFUND_KINDS[word] if has_refund_id and word in _REFUND_KINDS else _KINDS[word]
    return kind, kind in _NEED_AMOUNT


def check_map(value: object) -> str:
    """An object from their words to ours."""
    fits = isinstance(value, dict) and all(isinstance(word, str) and word in _KINDS for word in value.values())
    return "" if fits else f"an object from the sender's words to these: {', '.join(_KINDS)}"
