"""An expectation: what a merchant says that an order should pay."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from paybell.errors import AmountError
from paybell.model.fact import Fact, Kind
from paybell.model.money import check_minor, exponent

OF_ORDER_MAX: Final = 100
"""How often what one order should pay may change: each is a fact of each of its payments."""

ORDER_CHARS_MAX: Final = 512
"""Of an order's id, where an expectation names it."""


class Expectation(Struct, frozen=True, kw_only=True):
    """What an order should pay, in minor units, above zero. The newest of an order counts."""

    organisation_id: str
    order_id: str
    amount_minor: int
    currency: str
    created_at_ms: int

    @property
    def id(self) -> str:
        """Sorts by time, and is the same for the same content."""
        content = "\0".join((self.organisation_id, self.order_id, str(self.amount_minor), self.currency))
        return f"exp_{self.created_at_ms:012x}{blake2b(content.encode(), digest_size=10).hexdigest()}"

    def fact(self) -> Fact:
        """The same as a fact of a payment of the order; it names no id of a gateway."""
        return Fact(
            aggregate="",
            kind=Kind.EXPECTED,
            ref=self.order_id,
            at_ms=self.created_at_ms,
            amount_minor=self.amount_minor,
            currency=self.currency,
        )


def check_expected(amount_minor: int, currency: str) -> int:
    """An amount that an order can be expected to pay; :class:`~paybell.errors.AmountError` for any other."""
    exponent(currency)
    if check_minor(amount_minor) == 0:
        raise AmountError("an expected amount must be above zero")
    return amount_minor


def newest(said: Sequence[Expectation]) -> Expectation | None:
    """The one that counts, of all that was said of one order."""
    return max(said, key=lambda it: (it.created_at_ms, it.amount_minor, it.currency), default=None)
