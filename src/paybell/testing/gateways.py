"""Pretend gateways: realistic webhook requests, rightly signed, built offline.

Everything comes from the arguments (time and ids too), so the same call builds the same bytes. Used by
``paybell trigger``, the demo, the tests and the benchmarks::

    request = gateway("stripe").signed("charge.succeeded", payment_id="pi_1", secret="whsec_x", at_s=1_750_000_000)
    client.post("/in/stripe-test", content=request.body, headers=dict(request.headers))
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from paybell.errors import ConfigurationError
from paybell.testing.samples.generic import GENERIC
from paybell.testing.samples.ippopay import IPPOPAY, ippopay_transaction
from paybell.testing.samples.razorpay import RAZORPAY
from paybell.testing.samples.request import Asked, Pretender, SignedRequest
from paybell.testing.samples.stripe import STRIPE

__all__ = ["GATEWAYS", "Asked", "Pretender", "SignedRequest", "gateway", "ippopay_transaction"]

GATEWAYS: Final[Mapping[str, Pretender]] = MappingProxyType(
    {each.name: each for each in (STRIPE, RAZORPAY, IPPOPAY, GENERIC)}
)
"""Every pretend gateway by its name."""


def gateway(name: str) -> Pretender:
    """The pretend gateway of that name; :class:`~paybell.errors.ConfigurationError` lists the known ones."""
    try:
        return GATEWAYS[name]
    except KeyError:
        raise ConfigurationError(f"there is no pretend gateway {name[:64]!r}; known: {', '.join(GATEWAYS)}") from None
