"""What a gateway keeps for itself, as a fact.

Only a fee that is final and in the currency of its payment is told: one in another currency would be a balance of its
own, and one that is an estimate would have to be taken back. A fee that is no exact amount of its currency (a part of
a unit, such as half a franc) is left out, and never keeps the payment itself from being recorded.
"""

from collections.abc import Callable

from msgspec.structs import replace

from paybell.errors import AmountError
from paybell.gateways.kit.payloads import details
from paybell.model.fact import Fact, Kind

Amount = Callable[[], int]
"""Reads an amount in minor units, or raises ``AmountError``."""


def fee(of: Fact, amount: Amount, tax: Amount = lambda: 0, *, dispute: bool = False) -> list[Fact]:
    """The fee for the operation that ``of`` tells of, with the ``tax`` that is in it; nothing where there is none."""
    try:
        amount_minor, tax_minor = amount(), tax()
    except AmountError:
        return []
    if amount_minor <= 0:
        return []
    detail = details(of="dispute" if dispute else "", tax_minor=str(tax_minor) if tax_minor > 0 else "")
    return [replace(of, kind=Kind.FEE, amount_minor=amount_minor, detail=detail)]
