"""The bytes of a request. A header is refused rather than repaired: a repaired one would not be what was signed."""

import re
from collections.abc import Iterable
from typing import Final

from paybell.errors import ConfigurationError
from paybell.ports import Sending
from paybell.transports.url import Target

METHODS: Final = frozenset({"GET", "POST"})
OWN_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""Headers that frame the request; only the sender sets them. ``proxy-`` headers are refused too."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_NAMES_MAX: Final = 1_024


class RequestEncoder:
    """Turns sendings into bytes; remembers the static head of each target and the header names found good."""

    def __init__(self, user_agent: str) -> None:
        """``user_agent`` is sent with every request."""
        self._common = f"User-Agent: {user_agent}\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n"
        self._names: set[str] = set()

    def static_heads(self, target: Target) -> dict[str, str]:
        """What never changes in requests to ``target``, by method."""
        tail = f" {target.path} HTTP/1.1\r\nHost: {target.authority}\r\n{self._common}"
        return {method: method + tail for method in METHODS}

    def encode(self, static_head: str, sending: Sending) -> bytes:
        """Head and body in one piece, for one write; ``ConfigurationError`` for a header that cannot be sent."""
        headers = sending.headers
        lines = static_head
        for name, value in headers:
            if name not in self._names:
                self._learn(name)
            lines += f"{name}: {value}\r\n"
        # Counting line breaks in the whole head finds one hidden in any value, at a fraction of a look at each.
        breaks = _STATIC_LINES + len(headers)
        if lines.count("\r") != breaks or lines.count("\n") != breaks or "\0" in lines:
            check_headers(headers)
        try:
            return f"{lines}Content-Length: {len(sending.body)}\r\n\r\n".encode("latin-1") + sending.body
        except UnicodeEncodeError:
            raise ConfigurationError("a header's value holds characters outside Latin-1; encode it") from None

    def _learn(self, name: str) -> None:
        _check_name(name)
        if len(self._names) < _NAMES_MAX:
            self._names.add(name)


_STATIC_LINES: Final = 5
"""Request line, Host, User-Agent, Accept-Encoding, Connection."""


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Refuse headers that cannot be sent, with :class:`~paybell.errors.ConfigurationError`; never shows a value."""
    for name, value in headers:
        _check_name(name)
        if any(char in value for char in "\r\n\0"):
            raise ConfigurationError(f"the value of header {name} holds a line break or NUL; remove it")


def _check_name(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ConfigurationError(f"{name[:100]!r} is not a header name; use letters, digits and hyphens")
    if name.lower() in OWN_HEADERS or name.lower().startswith("proxy-"):
        raise ConfigurationError(f"header {name} is set by Paybell itself; remove it from the endpoint")
