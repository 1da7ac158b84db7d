"""Pretend gateways: realistic webhook requests, rightly signed, built offline.

Everything comes from the arguments (time and ids too), so the same call builds the same bytes. Used by
``paybell trigger``, the demo, the tests and the benchmarks::

    request = gateway("stripe").signed("charge.succeeded", payment_id="pi_1", secret="whsec_x", at_s=1_750_000_000)
    client.post("/in/stripe-test", content=request.body, headers=dict(request.headers))
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from paybell.errors import ConfigurationError
from paybell.testing import samples
from paybell.testing.pretender import Asked, Pretender, SignedRequest

__all__ = ["GATEWAYS", "Asked", "Pretender", "SignedRequest", "gateway"]


class _Registry(Mapping[str, Pretender]):
    """The folder ``samples`` is the list; a module is read when it is first asked for."""

    def __init__(self) -> None:
        self._names = tuple(sorted(module.name for module in iter_modules(samples.__path__)))
        self._known: dict[str, Pretender] = {}

    def __getitem__(self, name: str) -> Pretender:
        known = self._known.get(name)
        if known is None:
            if name not in self._names:
                raise KeyError(name)
            known = self._known[name] = import_module(f"{samples.__name__}.{name}").PRETENDER
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


GATEWAYS: Final[Mapping[str, Pretender]] = _Registry()
"""Every pretend gateway by its name."""


def gateway(name: str) -> Pretender:
    """The pretend gateway of that name; :class:`~paybell.errors.ConfigurationError` lists the known ones."""
    try:
        return GATEWAYS[name]
    except KeyError:
        raise ConfigurationError(f"there is no pretend gateway {name[:64]!r}; known: {', '.join(GATEWAYS)}") from None
