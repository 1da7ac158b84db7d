import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from paybell.errors import AmountError
from paybell.gateways.kit.amounts import ISO_EXPONENTS, STRIPE_EXPONENTS, from_iso, to_iso
from paybell.model.money import AMOUNT_MINOR_MAX, EXPONENTS, check_minor, to_major, to_minor


def test_exponents_are_those_of_iso_4217() -> None:
    # Metals, units of account and test codes have no exponent: nothing can be paid in them.
    assert {each.code: each.exponent for each in Currency if each.exponent is not None} == EXPONENTS


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (Decimal("19.99"), "USD", 1999),
        (Decimal("100.00"), "USD", 10_000),
        ("0.1", "EUR", 10),
        ("1000", "JPY", 1000),
        (1000, "JPY", 1000),
        (Decimal("1.000"), "JPY", 1),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12_345),
        (0, "INR", 0),
        (Decimal(0), "INR", 0),
    ],
)
def test_an_exact_amount_is_converted(value: object, currency: str, minor: int) -> None:
    assert to_minor(value, currency) == minor


@pytest.mark.parametrize(
    "value",
    [
        19.99,
        True,
        None,
        [],
        {},
        b"1",
        "",
        " 1",
        "1 ",
        "1,00",
        "1_0",
        "+1",
        "-1",
        "1e3",
        "0x10",
        ".",
        "1.2.3",
        "NaN",
        "Infinity",
        "\u0661",
        "\uff11",
        "0.001",
        "9" * 33,
        -1,
        10**16,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+3"),
        Decimal("1E-400"),
        Decimal("-0.01"),
        Decimal("0.005"),
        Decimal("1E+999999"),
    ],
)
def test_a_hostile_amount_is_refused(value: object) -> None:
    with pytest.raises(AmountError):
        to_minor(value, "USD")


@pytest.mark.parametrize("value", [1.0, True, None, "1", Decimal(1), -1, AMOUNT_MINOR_MAX + 1])
def test_minor_units_are_whole_numbers_or_refused(value: object) -> None:
    with pytest.raises(AmountError):
        check_minor(value)


@pytest.mark.parametrize("currency", ["", "usd", "XXX", "US", "\u0000\u0000\u0000", "DOLLARS"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(AmountError):
        to_minor("1", currency)


@given(st.integers(0, AMOUNT_MINOR_MAX), st.sampled_from(sorted(EXPONENTS)))
def test_major_and_back_loses_nothing(minor: int, currency: str) -> None:
    assert to_minor(to_major(minor, currency), currency) == minor


@given(st.one_of(st.text(), st.decimals(), st.floats(), st.integers(), st.binary()))
def test_any_value_is_converted_or_refused(value: object) -> None:
    with contextlib.suppress(AmountError):
        assert 0 <= to_minor(value, "USD") <= AMOUNT_MINOR_MAX


@pytest.mark.parametrize(
    ("theirs", "currency", "iso"),
    [
        (1099, "USD", 1099),
        (500, "JPY", 500),
        (10_000, "ISK", 100),
        (500, "UGX", 5),
        (7, "MGA", 700),
        (1230, "KWD", 1230),
        (0, "ISK", 0),
    ],
)
def test_stripe_writes_some_currencies_otherwise_than_iso(theirs: int, currency: str, iso: int) -> None:
    assert to_iso(theirs, currency, STRIPE_EXPONENTS) == iso
    assert from_iso(iso, currency, STRIPE_EXPONENTS) == theirs


@pytest.mark.parametrize(("theirs", "currency"), [(10_050, "ISK"), (1, "UGX"), (AMOUNT_MINOR_MAX, "MGA")])
def test_a_conversion_that_is_not_exact_is_refused(theirs: int, currency: str) -> None:
    with pytest.raises(AmountError):
        to_iso(theirs, currency, STRIPE_EXPONENTS)


def test_without_exceptions_a_gateways_unit_is_isos() -> None:
    assert to_iso(12_345, "ISK", ISO_EXPONENTS) == 12_345
