"""What commonly happens to a request between the gateway and a file, undone, to see which of it happened. Pure."""

import re
import zlib
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from paybell.cli.captures import Capture
from paybell.model.notification import Request

BYTES_MAX: Final = 4_194_304
"""A packed body is not unpacked any further."""
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r?\n")
_BOM: Final = b"\xef\xbb\xbf"
_ASCII: Final = 0x80
_LAYOUTS: Final = {None: "", -1: "compact", 0: "on one line with spaces", 2: "indented by 2", 4: "indented by 4"}
"""What msgspec is to indent by, and how to say it; None leaves the layout alone."""


class Repair(Struct, frozen=True):
    """A request as it may have been, and what then happened to it, in words."""

    what: str
    request: Request


def repairs(capture: Capture) -> Iterator[Repair]:
    """Every request that this one may have been, likelier ones first, none twice."""
    seen = {(capture.request.headers, capture.request.body)}
    for repair in _all(capture):
        key = (repair.request.headers, repair.request.body)
        if key not in seen:
            seen.add(key)
            yield repair


def _all(capture: Capture) -> Iterator[Repair]:
    request = capture.request
    plain = tuple(pair for pair in request.headers if pair[0] != b"content-encoding")
    if plain != request.headers:
        yield Repair("its body was unpacked, but the header Content-Encoding was kept", replace(request, headers=plain))
        unpacked = _unpacked(request.body)
        yield Repair("its body is still packed", replace(request, headers=plain, body=unpacked))
    for what, body in _bodies(request.body, capture.content_length):
        yield Repair(what, replace(request, body=body))


def _bodies(body: bytes, content_length: int | None) -> Iterator[tuple[str, bytes]]:
    yield "a line break was added at its end", body.removesuffix(b"\n").removesuffix(b"\r")
    if content_length is not None:
        yield f"something was added after the {content_length} bytes that Content-Length says", body[:content_length]
    yield "the line break at its end was lost", body + b"\n"
    yield "the line break at its end was lost", body + b"\r\n"
    yield "space was added around it", body.strip()
    yield "its line breaks were changed from LF to CRLF", body.replace(b"\r\n", b"\n")
    yield "its line breaks were changed from CRLF to LF", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    yield "a byte order mark was added", body.removeprefix(_BOM)
    yield "it is still in the chunks it was sent in", _joined(body)
    yield from _written_anew(body)
    yield "its text was taken as Latin-1 and written as UTF-8", _recoded(body, "utf-8", "latin-1")
    yield "its text was written as Latin-1 instead of UTF-8", _recoded(body, "latin-1", "utf-8")


def _written_anew(body: bytes) -> Iterator[tuple[str, bytes]]:
    """JSON that a program read and wrote again: another layout, other escapes; the order of keys stays."""
    for (indent, layout), (escapes, spell), end in product(_LAYOUTS.items(), _SPELLINGS.items(), (b"", b"\n")):
        made = _laid_out(body, indent)
        if made is None:
            return
        words = " and ".join(word for word in (layout, escapes, "ended by a line break" if end else "") if word)
        yield f"its JSON was read and written anew; it was {words}", spell(made) + end


def _laid_out(body: bytes, indent: int | None) -> bytes | None:
    try:
        formatted = msgspec.json.format(body, indent=indent or 0)
        formatted.decode()
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return body.strip() if indent is None else formatted


def _unescaped(made: bytes) -> bytes:
    """Every character that may stand for itself does."""
    text = _ESCAPE.sub(_character, made.decode())
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return "/" if found[2] == "/" else found[0]
    code = int(found[1], 16)
    return chr(code) if code >= _ASCII else found[0]


def _ascii(made: bytes) -> bytes:
    """Every other character as its escape, in lower-case hex."""
    text = _unescaped(made).decode()
    return "".join(char if char < "\x80" else _escape(char) for char in text).encode()


def _escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _slashed(made: bytes) -> bytes:
    return made.replace(b"/", b"\\/")


_SPELLINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": lambda made: made,
    "without escapes": _unescaped,
    "with \\u escapes": _ascii,
    "with escaped slashes": lambda made: _slashed(_unescaped(made)),
    "with \\u escapes and escaped slashes": lambda made: _slashed(_ascii(made)),
}
"""How JSON writes what it need not escape; the last two are PHP's."""


def _recoded(body: bytes, read: str, write: str) -> bytes:
    try:
        return body.decode(read).encode(write)
    except UnicodeError:
        return body


def _joined(body: bytes) -> bytes:
    """The chunks of ``Transfer-Encoding: chunked`` without their sizes; the body itself where they do not add up."""
    parts: list[bytes] = []
    place = 0
    while size := _CHUNK.match(body, place):
        length = int(size[1], 16)
        if not length:
            return b"".join(parts)
        parts.append(body[size.end() : size.end() + length])
        place = size.end() + length
        place += len(body[place : place + 2]) - len(body[place : place + 2].lstrip(b"\r\n"))
    return body


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(body, BYTES_MAX)
    except zlib.error:
        return body
