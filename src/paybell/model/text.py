"""Text that a database can hold: no NUL, which PostgreSQL refuses, and no half surrogate pair, which UTF-8 has not."""

import re
from hashlib import sha256
from typing import Final

STORABLE_PATTERN: Final = r"^[^\x00]*$"
"""For texts that came as UTF-8, which has no half pairs."""
UID_PATTERN: Final = r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$"
"""The caller's own name for a thing: it can stand in a URL where the id can."""
UID_CHARS_MAX: Final = 256
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_INSTEAD: Final = "\ufffd"


def is_uid(name: str) -> bool:
    """Whether a name has the form of a caller's own name for a thing."""
    return re.fullmatch(UID_PATTERN[1:-1], name) is not None and len(name) <= UID_CHARS_MAX


def is_storable(text: str) -> bool:
    """Whether every store can hold it as it is."""
    return _UNFIT.search(text) is None


def readable(text: str) -> str:
    """A text for people: what cannot be held shows as U+FFFD."""
    return _UNFIT.sub(_INSTEAD, text)


def storable_key(key: str) -> str:
    """A key that is only compared: one that cannot be held becomes its hash, always the same."""
    return key if is_storable(key) else "sha256:" + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
