"""Paddle's amounts: whole numbers of the smallest unit, written as text."""

from paybell.errors import AmountError
from paybell.gateways.kit.amounts import ISO_EXPONENTS, to_iso
from paybell.gateways.kit.payloads import shown

_DIGITS_MAX = 16


def minor(value: object, currency: str) -> int:
    """``"3000"`` as 3000; anything but digits is an ``AmountError``."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > _DIGITS_MAX:
        raise AmountError(f"an amount is digits in a text, not {shown(value)}")
    return to_iso(int(value), currency, ISO_EXPONENTS)
