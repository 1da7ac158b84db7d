"""What Adyen's event codes mean, told by the signed fields alone.

``pspReference`` names the operation (a capture, a refund, a dispute), ``originalReference`` the payment it belongs to;
without one the operation is the payment itself. The reason, the dispute's status and the kind of a modification are not
signed, so an event code counts as what it says of itself.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import currency_code, to_iso
from paybell.gateways.kit.payloads import details, ident, ident_or_none, text
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact, Kind

EXPONENTS: Final[Mapping[str, int]] = {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}
"""Currencies that Adyen writes with other decimals than ISO 4217."""

_DISPUTES: Final[Mapping[str, str]] = {
    "NOTIFICATION_OF_FRAUD": "warning",
    "REQUEST_FOR_INFORMATION": "warning",
    "NOTIFICATION_OF_CHARGEBACK": "open",
    "CHARGEBACK": "open",
    "INFORMATION_SUPPLIED": "open",
    "PREARBITRATION_OPEN": "open",
    "PREARBITRATION_DECLINED": "open",
    "SCHEME_ARBITRATION": "open",
    "CHARGEBACK_REVERSED": "won",
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": "won",
    "PREARBITRATION_WON": "won",
    "PREARBITRATION_ISSUER_WITHDRAWN": "won",
    "SCHEME_ARBITRATION_WON": "won",
    "SECOND_CHARGEBACK": "lost",
    "PREARBITRATION_LOST": "lost",
    "PREARBITRATION_ACCEPTED": "lost",
    "SCHEME_ARBITRATION_LOST": "lost",
}
_FUNDS: Final[Mapping[str, Kind]] = {
    "CHARGEBACK": Kind.DISPUTE_WITHDRAWN,
    "CHARGEBACK_REVERSED": Kind.DISPUTE_REINSTATED,
}
"""A chargeback takes the money at once, its reversal gives it back; what a later stage takes follows from its loss."""

_REFUNDS: Final[Mapping[str, tuple[Kind, Kind | None]]] = {
    "REFUND": (Kind.REFUND_SUCCEEDED, Kind.REFUND_FAILED),
    "REFUND_WITH_DATA": (Kind.REFUND_SUCCEEDED, Kind.REFUND_FAILED),
    "POSTPONED_REFUND": (Kind.REFUND_PENDING, Kind.REFUND_FAILED),
    "REFUND_FAILED": (Kind.REFUND_FAILED, None),
    "REFUNDED_REVERSED": (Kind.REFUND_FAILED, None),
}
"""What a refund's event says where it went well, and where it did not."""

_ENDS: Final[Mapping[str, Kind]] = {
    "CANCELLATION": Kind.CANCELED,
    "TECHNICAL_CANCEL": Kind.CANCELED,
    "CANCEL_OR_REFUND": Kind.CANCELED,
    "EXPIRE": Kind.EXPIRED,
    "OFFER_CLOSED": Kind.EXPIRED,
}
_PAYOUTS: Final[Mapping[str, tuple[PayoutStatus, PayoutStatus | None]]] = {
    "PAYOUT_THIRDPARTY": (PayoutStatus.PAID, PayoutStatus.FAILED),
    "PAYOUT_DECLINE": (PayoutStatus.CANCELED, None),
    "PAYOUT_EXPIRE": (PayoutStatus.CANCELED, None),
    "PAIDOUT_REVERSED": (PayoutStatus.FAILED, None),
}
"""What a payout's event says where it went well, and where it did not."""

_REFUSED: Final = frozenset(
    {"AUTHORISATION_ADJUSTMENT", "CAPTURE", "CAPTURE_FAILED", *_REFUNDS, *_ENDS, *_DISPUTES, *_PAYOUTS}
)

_DIGITS: Final = re.compile(r"[0-9]{1,18}")

Found = tuple[tuple[Fact, ...], str]


class _Amount(Struct, frozen=True):
    value: int | str | None = None
    currency: str | None = None

    @property
    def whole(self) -> object:
        """The value as a number, however it was written: the signature covers its digits alone."""
        is_number = isinstance(self.value, str) and _DIGITS.fullmatch(self.value)
        return int(self.value or 0) if is_number else self.value


class Signed(Struct, frozen=True):
    """The fields under the signature."""

    pspReference: str  # noqa: N815 - their spelling
    eventCode: str  # noqa: N815 - their spelling
    originalReference: str | None = None  # noqa: N815 - their spelling
    merchantAccountCode: str | None = None  # noqa: N815 - their spelling
    merchantReference: str | None = None  # noqa: N815 - their spelling
    amount: _Amount = _Amount()
    success: str | None = None

    def signed(self) -> bytes | None:
        """The eight values, joined; None where the join could be taken apart in another way.

        Only the merchant's own reference may hold colons: all other places are then found by counting from both ends.
        """
        value = "" if self.amount.value is None else str(self.amount.value)
        before = (self.pspReference, self.originalReference or "", self.merchantAccountCode or "")
        after = (value, self.amount.currency or "", self.eventCode, self.success or "")
        if any(":" in each for each in (*before, *after)):
            return None
        return ":".join((*before, self.merchantReference or "", *after)).encode()


def read(item: Signed, at_ms: int, *, automatic: bool) -> Found:
    """The facts of one item, or why it has none. ``automatic``: an authorisation is a capture too."""
    tell = _Teller(item, at_ms, automatic)
    facts = _payment(tell) or _after(tell) or _payout(tell)
    return facts, "" if facts else _reason(item)


class _Teller(Struct, frozen=True):
    """Whose payment and when."""

    item: Signed
    at_ms: int
    automatic: bool

    @property
    def ref(self) -> str:
        """The operation."""
        return ident(self.item.pspReference, "pspReference")

    @property
    def aggregate(self) -> str:
        """The payment."""
        return ident_or_none(self.item.originalReference, "originalReference") or self.ref

    @property
    def capture_ref(self) -> str:
        """A capture of its own, or the one that came with the authorisation."""
        return self.aggregate if self.automatic else self.ref

    @property
    def good(self) -> bool:
        return self.item.success == "true"

    def fact(self, kind: Kind, ref: str, *, amount: bool = True, detail: Mapping[str, str] | None = None) -> Fact:
        minor, currency = None, ""
        if amount and self.item.amount.value is not None:
            currency = currency_code(self.item.amount.currency)
            minor = to_iso(self.item.amount.whole, currency, EXPONENTS)
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=minor,
            currency=currency,
            detail=detail or {},
        )


def _payment(tell: _Teller) -> tuple[Fact, ...]:
    match (tell.item.eventCode, tell.good):
        case ("AUTHORISATION", good):
            started = tell.fact(Kind.PAYMENT_CREATED, "", detail=details(order_id=text(tell.item.merchantReference)))
            if not good:
                return started, tell.fact(Kind.FAILED, tell.ref, amount=False)
            captured = (tell.fact(Kind.CAPTURED, tell.capture_ref),) if tell.automatic else ()
            return started, tell.fact(Kind.AUTHORIZED, tell.aggregate), *captured
        case ("AUTHORISATION_ADJUSTMENT", True):
            return (tell.fact(Kind.AUTHORIZED, tell.aggregate),)  # the new total, so under the authorisation's own ref
        case ("CAPTURE", True):
            return (tell.fact(Kind.CAPTURED, tell.capture_ref),)
        case ("CAPTURE_FAILED", True):
            return (tell.fact(Kind.CAPTURE_REVERSED, tell.capture_ref, amount=False),)
        case _:
            return ()


def _after(tell: _Teller) -> tuple[Fact, ...]:
    code = tell.item.eventCode
    if code in _REFUNDS:
        kind = _REFUNDS[code][0 if tell.good else 1]
        return () if kind is None else (tell.fact(kind, tell.ref),)
    if code in _DISPUTES and tell.good:
        told = tell.fact(Kind.DISPUTE_STATUS, tell.ref, detail={"status": _DISPUTES[code]})
        return (told, tell.fact(_FUNDS[code], tell.ref)) if code in _FUNDS else (told,)
    return _end(tell) if code in _ENDS and tell.good else ()


def _end(tell: _Teller) -> tuple[Fact, ...]:
    ended = tell.fact(_ENDS[tell.item.eventCode], "", amount=False)
    if tell.item.eventCode == "CANCEL_OR_REFUND":
        # Which of both it was is not signed: what was captured counts as given back, what was not is canceled.
        return ended, tell.fact(Kind.REFUNDED_TOTAL, "")
    if tell.automatic:
        # Only what is not captured can end so: the capture that was taken for granted did not come.
        return ended, tell.fact(Kind.CAPTURE_REVERSED, tell.aggregate, amount=False)
    return (ended,)


def _payout(tell: _Teller) -> tuple[Fact, ...]:
    """Money to others. What comes after it names it as it names a payment."""
    item = tell.item
    if item.eventCode not in _PAYOUTS:
        return ()
    status = _PAYOUTS[item.eventCode][0 if tell.good else 1]
    if status is None:
        return ()
    currency = currency_code(item.amount.currency)
    money = (to_iso(item.amount.whole, currency, EXPONENTS), currency)
    return (accounts.payout(tell.aggregate, status, at_ms=tell.at_ms, money=money),)


def _reason(item: Signed) -> str:
    code = text(item.eventCode)
    if code == "DISPUTE_DEFENSE_PERIOD_ENDED":
        return f"{code}: how the dispute ended is not signed, so look at Adyen"
    return f"{code} did not succeed: nothing changed" if code in _REFUSED else f"{code} says nothing that is read"
