"""Gateways: one pure module each. Add one by writing its module and naming it here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from paybell.errors import ConfigurationError
from paybell.gateways.generic import Generic
from paybell.gateways.ippopay import IppoPay
from paybell.gateways.razorpay import Razorpay
from paybell.gateways.stripe import Stripe
from paybell.ports import Gateway

_ALL: Final[tuple[Gateway, ...]] = (Stripe(), Razorpay(), IppoPay(), Generic())

GATEWAYS: Final[Mapping[str, Gateway]] = MappingProxyType({each.name: each for each in _ALL})
"""Every gateway by its name, as ``source.gateway`` says it."""


def gateway(name: str) -> Gateway:
    """The gateway of that name; :class:`~paybell.errors.ConfigurationError` lists the known ones."""
    try:
        return GATEWAYS[name]
    except KeyError:
        raise ConfigurationError(f"there is no gateway {name[:64]!r}; known: {', '.join(GATEWAYS)}") from None
