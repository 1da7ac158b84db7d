"""Gateways: one pure module or package each, which names its instance ``GATEWAY``. The folder is the registry."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from paybell.errors import ConfigurationError
from paybell.ports import Gateway

_KIT: Final = "kit"


class _Registry(Mapping[str, Gateway]):
    """Reads a gateway's module when it is first asked for: a process rarely serves more than a few of them."""

    def __init__(self) -> None:
        self._names = tuple(sorted(module.name for module in iter_modules(__path__) if module.name != _KIT))
        self._known: dict[str, Gateway] = {}

    def __getitem__(self, name: str) -> Gateway:
        known = self._known.get(name)
        if known is None:
            if name not in self._names:
                raise KeyError(name)
            known = self._known[name] = import_module(f"{__name__}.{name}").GATEWAY
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


GATEWAYS: Final[Mapping[str, Gateway]] = _Registry()
"""Every gateway by its name, as ``source.gateway`` says it."""


def gateway(name: str) -> Gateway:
    """The gateway of that name; :class:`~paybell.errors.ConfigurationError` lists the known ones."""
    try:
        return GATEWAYS[name]
    except KeyError:
        raise ConfigurationError(f"there is no gateway {name[:64]!r}; known: {', '.join(GATEWAYS)}") from None
