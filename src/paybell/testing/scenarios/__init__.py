"""What others got wrong with webhooks and money, as scenarios: data, and nothing that does anything.

``paybell scenario run NAME`` plays one against a real Paybell. Each names what goes wrong elsewhere, sends what a
gateway sends when it does, and says what must have come of it.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from paybell.errors import ConfigurationError
from paybell.testing.scenarios import deliveries, money, orders, repeats, trust
from paybell.testing.scenarios.script import Scenario

__all__ = ["SCENARIOS", "scenario"]

SCENARIOS: Final[Mapping[str, Scenario]] = {
    it.name: it
    for it in chain(repeats.SCENARIOS, orders.SCENARIOS, trust.SCENARIOS, money.SCENARIOS, deliveries.SCENARIOS)
}
"""Every scenario by its name."""


def scenario(name: str) -> Scenario:
    """The scenario of that name; :class:`~paybell.errors.ConfigurationError` lists the known ones."""
    try:
        return SCENARIOS[name]
    except KeyError:
        raise ConfigurationError(f"there is no scenario {name[:64]!r}; known: {', '.join(SCENARIOS)}") from None
