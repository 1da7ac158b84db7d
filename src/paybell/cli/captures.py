"""A webhook request as a file: an HTTP/1.1 message, read leniently where nothing signed depends on it. Pure."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.model.notification import Request
from paybell.testing.pretender import SignedRequest
from paybell.transports.url import parse_url

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) (\S+)(?: HTTP/[0-9.]+)?")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_INGEST: Final = re.compile(r"(/in/[^/]+/)(.+)")


class Capture(Struct, frozen=True, kw_only=True):
    """A request as a file holds it. ``content_length`` is what its header says, None where it says nothing."""

    method: str
    path: str
    request: Request
    content_length: int | None

    @property
    def shown_path(self) -> str:
        """The path, without the token that may end it."""
        return _INGEST.sub(r"\1…", self.path)


def read_capture(raw: bytes) -> Capture:
    """The request in a file: its head may end its lines in CRLF or LF, its body is all that follows the blank line.

    :class:`~paybell.errors.ConfigurationError` says what is no HTTP request about it.
    """
    end = _HEAD_END.search(raw)
    lines = re.split(rb"\r?\n", raw[: end.start()] if end else raw)
    asked = _REQUEST_LINE.fullmatch(lines[0].rstrip())
    if asked is None:
        raise ConfigurationError(
            f"its first line is {_shown(lines[0])}, not a request line such as 'POST /in/shop HTTP/1.1'"
        )
    if end is None:
        raise ConfigurationError("no blank line ends its headers, so there is no body to look at")
    headers = tuple(_header(line) for line in lines[1:])
    path, _, query = asked[2].decode("latin-1").partition("?")
    request = Request(raw[end.end() :], headers, _token(path), query)
    length = request.header(b"content-length")
    return Capture(
        method=asked[1].decode(),
        path=path,
        request=request,
        content_length=int(length) if length and length.isdigit() else None,
    )


def write_capture(url: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """A POST as HTTP/1.1 writes it."""
    target = parse_url(url)
    lines = [f"POST {target.path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def url_of(base: str, uid: str, request: SignedRequest) -> str:
    """Where a gateway sends a request for that source."""
    return f"{base}/in/{uid}{request.tail}"


def request_of(signed: SignedRequest) -> Request:
    """A gateway's request as it arrives."""
    headers = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in signed.headers)
    return Request(signed.body, headers, signed.token, signed.query)


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise ConfigurationError(f"its line {_shown(line)} is not a header such as 'Content-Type: application/json'")
    return name.lower(), value.strip()


def _token(path: str) -> str:
    found = _INGEST.search(path)
    return unquote(found[2]) if found else ""


def _shown(line: bytes) -> str:
    return repr(line[:40].decode("latin-1"))
