"""An answer in one piece: what ASGI's two messages say, without what a server does to check and join them."""

from collections.abc import Callable, MutableMapping
from typing import Any, Final

WHOLE: Final = "paybell.whole"
"""The ASGI extension under whose ``answer`` a server may offer it."""
AnswerWhole = Callable[[int, bytes, bytes], bool]
"""Status, header lines (each with its line end) and body in; False where it has to go ASGI's own way."""


def answered_whole(scope: MutableMapping[str, Any], status_code: int, fields: bytes, body: bytes) -> bool:
    """Whether the server has answered so."""
    offered: dict[str, AnswerWhole] | None = scope.get("extensions", {}).get(WHOLE)
    return offered is not None and offered["answer"](status_code, fields, body)
