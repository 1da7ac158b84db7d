"""Money: integers of ISO 4217 minor units with a currency, never a float."""

from decimal import Decimal, InvalidOperation
from typing import Final

from paybell.errors import AmountError

# ISO 4217 table of 2026-01-01, compared with the `iso4217` package in tests/unit/test_money.py.
_TWO_DIGITS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
AMOUNT_MINOR_MAX: Final = 10**15
"""Larger amounts are refused: no payment is that large, and a 64-bit sum of many must not overflow."""


_TEXT_CHARS_MAX: Final = 32
_DIGITS_AFTER_POINT_MAX: Final = 18


def exponent(currency: str) -> int:
    """Digits after the point of a currency (upper case, ISO 4217); :class:`AmountError` when it is unknown."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise AmountError(
            f"unknown currency {currency[:8]!r}: three upper-case letters of ISO 4217 are expected"
        ) from None


def check_minor(value: object) -> int:
    """An amount that is already in minor units: a whole, non-negative number, no boolean, no float."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise AmountError(f"an amount in minor units must be a whole number, not {_shown(value)}")
    if not 0 <= value <= AMOUNT_MINOR_MAX:
        raise AmountError(f"an amount must lie between 0 and {AMOUNT_MINOR_MAX} minor units, not {_shown(value)}")
    return value


def to_minor(value: object, currency: str) -> int:
    """Turn a decimal amount of major units (``Decimal``, whole number or plain decimal text) into minor units.

    Refused with :class:`AmountError`: floats, booleans, NaN, exponents, negative amounts, and more digits than
    the currency has; nothing is ever rounded.
    """
    number = _decimal(value)
    scaled = number.scaleb(exponent(currency))
    whole = int(scaled)
    if scaled != whole:
        raise AmountError(f"{_shown(value)} has more digits than {currency} allows")
    return check_minor(whole)


def to_major(amount_minor: int, currency: str) -> Decimal:
    """Minor units as an exact decimal with the currency's digits: ``10000, USD`` gives ``Decimal('100.00')``."""
    return Decimal(amount_minor).scaleb(-EXPONENTS.get(currency, 0))


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif (
        isinstance(value, str)
        and 0 < len(value) <= _TEXT_CHARS_MAX
        and value.isascii()
        and not set(value) - set("0123456789.")
    ):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise AmountError(f"{_shown(value)} is not an amount") from None
    else:
        raise AmountError(f"an amount must be a decimal number, not {_shown(value)}")
    exponent_of_number = number.as_tuple().exponent
    if not isinstance(exponent_of_number, int) or not -_DIGITS_AFTER_POINT_MAX <= exponent_of_number <= 0:
        raise AmountError(f"{_shown(value)} is not a plain decimal number")
    if number < 0 or number.adjusted() > 15:  # noqa: PLR2004 - beyond AMOUNT_MINOR_MAX in any currency
        raise AmountError(f"{_shown(value)} is negative or too large")
    return number


def _shown(value: object) -> str:
    return repr(value)[:40]
