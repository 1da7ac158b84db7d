"""What a gateway writes as an amount, in ISO 4217 minor units."""

from collections.abc import Mapping
from typing import Final

from paybell.errors import AmountError
from paybell.gateways.kit.payloads import shown
from paybell.model.money import check_minor, exponent

STRIPE_EXPONENTS: Final[Mapping[str, int]] = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's smallest unit is not ISO's: it writes ISK and UGX with two decimals (ISO 0), MGA with none (ISO 2)."""

ISO_EXPONENTS: Final[Mapping[str, int]] = {}
"""No exceptions: every currency as in ISO 4217."""

_TENS: Final = (1, 10, 100, 1000, 10_000)


def currency_code(value: object) -> str:
    """A currency in upper case; :class:`~paybell.errors.AmountError` unless ISO 4217 knows it."""
    if not isinstance(value, str) or len(value) > 3:  # noqa: PLR2004 - the length of every ISO 4217 code
        raise AmountError(f"a currency of three letters is expected, not {shown(value)}")
    code = value.upper()
    exponent(code)
    return code


def to_iso(value: object, currency: str, exponents: Mapping[str, int]) -> int:
    """A gateway's whole number as ISO minor units; refused with ``AmountError`` where that would need rounding."""
    amount = check_minor(value)
    theirs = exponents.get(currency)
    if theirs is None:
        return amount
    ours = exponent(currency)
    whole, rest = divmod(amount * _TENS[ours], _TENS[theirs])
    if rest:
        raise AmountError(f"{amount} is not a whole amount of {currency}: its last {theirs - ours} digits must be 0")
    return check_minor(whole)


def from_iso(amount_minor: int, currency: str, exponents: Mapping[str, int]) -> int:
    """The other way: ISO minor units as the gateway writes them."""
    ours = exponent(currency)
    return amount_minor * _TENS[exponents.get(currency, ours)] // _TENS[ours]
