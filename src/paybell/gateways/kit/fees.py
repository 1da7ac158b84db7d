"""What a gateway keeps for itself, as a fact.

Only a fee that is final and in the currency of its payment is told: one in another currency would be a balance of its
own, and one that is an estimate would have to be taken back.
"""

from msgspec.structs import replace

from paybell.gateways.kit.payloads import details
from paybell.model.fact import Fact, Kind


def fee(of: Fact, amount_minor: int, tax_minor: int = 0) -> list[Fact]:
    """The fee for the operation that ``of`` tells of, with the tax that is in it; nothing where there is none."""
    if amount_minor <= 0:
        return []
    detail = details(tax_minor=str(tax_minor) if tax_minor > 0 else "")
    return [replace(of, kind=Kind.FEE, amount_minor=amount_minor, detail=detail)]
