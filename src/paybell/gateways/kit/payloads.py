"""Reading hostile JSON: bytes become values, or :class:`~paybell.errors.MalformedPayload`; nothing else comes out.

Numbers with a point become ``Decimal``, never float. Ids are short and printable, so that they can be keys in any
database and in any log. A key that occurs twice in an object counts as its last occurrence.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from hashlib import sha256
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from paybell.errors import MalformedPayload

Record = Mapping[str, object]
T = TypeVar("T")

ID_CHARS_MAX: Final = 255
TEXT_CHARS_MAX: Final = 500
_SECONDS_MAX: Final = 253_402_300_799  # the end of the year 9999
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this is the year 5138, as milliseconds 1973
_STRICTLY: Final[dict[str, Any]] = {
    "keep_blank_values": True,
    "strict_parsing": True,
    "errors": "strict",
    "max_num_fields": 200,
}
_NOTHING: Final[Record] = {}
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


def decode(body: bytes) -> Record:
    """The JSON object that ``body`` is; ``MalformedPayload`` for NaN, lone surrogates, bottomless nesting, all else."""
    try:
        value = _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError, DecimalException) as error:
        raise MalformedPayload(f"the body is not JSON in UTF-8: {_words(error)}") from None
    if not isinstance(value, dict):
        raise MalformedPayload(f"the body is JSON, but not an object: {type(value).__name__}")
    return value


def decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    """A decoder for :func:`read`: fields that are not named are passed over, numbers in untyped places stay exact."""
    return msgspec.json.Decoder(shape, float_hook=Decimal)


def read(typed: msgspec.json.Decoder[T], body: bytes) -> T:
    """``body`` as a structure of the fields we use; ``MalformedPayload`` names a field that is missing or unfit."""
    try:
        return typed.decode(body)
    except msgspec.ValidationError as error:
        raise MalformedPayload(f"the body is not what the gateway documents: {_words(error)}") from None
    except (msgspec.DecodeError, ValueError, RecursionError, DecimalException) as error:
        raise MalformedPayload(f"the body is not JSON in UTF-8: {_words(error)}") from None


def form(body: bytes) -> Mapping[str, str]:
    """The fields of a form (``application/x-www-form-urlencoded``, UTF-8, at most 200), each once."""
    try:
        fields = parse_qsl(body.decode("ascii"), **_STRICTLY)
    except ValueError:
        raise MalformedPayload("the body is not a form in UTF-8") from None
    found = dict(fields)
    if len(found) != len(fields):
        raise MalformedPayload("the form has a field twice")
    return found


def child(record: Record, *keys: str) -> Record:
    """The object under a path of keys; an empty one where the path ends early or at something else."""
    for key in keys:
        value = record.get(key)
        if not isinstance(value, dict):
            return _NOTHING
        record = value
    return record


def ident(value: object, what: str) -> str:
    """An id: 1 to 255 printable characters without spaces; a whole number is taken as its digits."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**ID_CHARS_MAX:
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= ID_CHARS_MAX:
        raise MalformedPayload(f"{what} must be a text of 1 to {ID_CHARS_MAX} characters, not {shown(value)}")
    if not value.isprintable() or " " in value:
        raise MalformedPayload(f"{what} must be printable and without spaces, not {shown(value)}")
    return value


def ident_or_none(value: object, what: str) -> str:
    """An id where there is one, '' for null and ''; an expanded object counts as its ``id``."""
    if isinstance(value, dict):
        value = value.get("id")
    return "" if value is None or value == "" else ident(value, what)


def text(value: object) -> str:
    """A text for people, printable and at most 500 characters; '' for anything that is not one."""
    if not isinstance(value, str):
        return ""
    value = value[:TEXT_CHARS_MAX]
    return value if value.isprintable() else "".join(mark if mark.isprintable() else " " for mark in value).strip()


def first_text(*values: object) -> str:
    """The first text that is not empty."""
    return next((found for value in values if (found := text(value))), "")


def details(**texts: str) -> dict[str, str]:
    """Those texts that are not empty, as a fact's detail."""
    return {name: value for name, value in texts.items() if value}


def seconds_to_ms(value: object, what: str) -> int:
    """Whole seconds since 1970 as milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _SECONDS_MAX:
        raise MalformedPayload(f"{what} must be whole seconds since 1970, not {shown(value)}")
    return value * 1000


def time_to_ms(value: object, what: str) -> int:
    """A time in ISO 8601 (UTC where it names no zone), or whole seconds or milliseconds since 1970."""
    if isinstance(value, str):
        return _iso_to_ms(value, what)
    if isinstance(value, int) and not isinstance(value, bool) and _MILLISECONDS_FROM <= value <= _SECONDS_MAX * 1000:
        return value
    return seconds_to_ms(value, what)


def _iso_to_ms(value: str, what: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        at_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise MalformedPayload(f"{what} must be a time like 2024-06-26T11:08:07Z, not {shown(value)}") from None
    if at_ms < 0:
        raise MalformedPayload(f"{what} must not lie before 1970, as {shown(value)} does")
    return at_ms


def at_pointer(record: Record, pointer: str) -> object:
    """The value at a JSON pointer (RFC 6901), through objects and lists; None where there is nothing."""
    value: object = record
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) <= len(str(len(value))):
            index = int(key)
            value = value[index] if index < len(value) else None
        else:
            return None
    return value


def body_key(body: bytes) -> str:
    """The dedupe key of a body that has no signed id of its own."""
    return "sha256:" + sha256(body).hexdigest()


def id_key(value: object, body: bytes) -> str:
    """A signed event id as dedupe key; the body's hash where it is missing or unfit."""
    try:
        return ident(value, "the event id")
    except MalformedPayload:
        return body_key(body)


def shown(value: object) -> str:
    """A value cut short, for an error's text."""
    kind = type(value).__name__
    return f"{value[:32]!r}" if isinstance(value, str) else f"a {kind}" if value is not None else "nothing"


def _words(error: BaseException) -> str:
    return str(error)[:120] or type(error).__name__
