"""A request and its answer, each in one piece: what ASGI's messages say, without what it takes to join them."""

from collections.abc import MutableMapping
from typing import Any, Final, Protocol

WHOLE: Final = "paybell.whole"
"""The ASGI extension under whose ``offer`` a server may have a :class:`Whole`."""


class Whole(Protocol):
    """What a server offers for one request."""

    @property
    def body(self) -> bytes | None:
        """The request's body, where all of it had come when the request was handed on; ``receive`` gives it as well."""
        ...

    def answer(self, status_code: int, fields: bytes, body: bytes) -> bool:
        """Send status, header lines (each with its line end) and body; False where it has to go ASGI's own way."""
        ...


def whole_body(scope: MutableMapping[str, Any]) -> bytes | None:
    """The request's body, where the server has all of it already."""
    offered = _offered(scope)
    return None if offered is None else offered.body


def answered_whole(scope: MutableMapping[str, Any], status_code: int, fields: bytes, body: bytes) -> bool:
    """Whether the server has answered so."""
    offered = _offered(scope)
    return offered is not None and offered.answer(status_code, fields, body)


def _offered(scope: MutableMapping[str, Any]) -> Whole | None:
    offered: Whole | None = scope.get("extensions", {}).get(WHOLE, {}).get("offer")
    return offered
