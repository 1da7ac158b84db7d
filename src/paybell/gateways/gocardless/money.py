"""GoCardless' amounts."""

from typing import Final

from paybell.errors import AmountError
from paybell.gateways.kit.amounts import ISO_EXPONENTS, to_iso

_DIGITS_MAX: Final = 18


def minor_of(amount: int | str, currency: str) -> int:
    """The API writes whole numbers; its own examples have them as texts."""
    if isinstance(amount, str):
        if not (amount.isascii() and amount.isdigit() and len(amount) <= _DIGITS_MAX):
            raise AmountError("an amount in minor units must be a whole number")
        amount = int(amount)
    return to_iso(amount, currency, ISO_EXPONENTS)
