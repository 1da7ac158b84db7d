"""Text that a database can hold: no NUL, which PostgreSQL refuses, and no half surrogate pair, which UTF-8 has not."""

import re
from hashlib import sha256
from typing import Final

STORABLE_PATTERN: Final = r"^[^\x00]*$"
"""For texts that came as UTF-8, which has no half pairs."""
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_INSTEAD: Final = "\ufffd"


def is_storable(text: str) -> bool:
    """Whether every store can hold it as it is."""
    return _UNFIT.search(text) is None


def readable(text: str) -> str:
    """A text for people: what cannot be held shows as U+FFFD."""
    return _UNFIT.sub(_INSTEAD, text)


def storable_key(key: str) -> str:
    """A key that is only compared: one that cannot be held becomes its hash, always the same."""
    return key if is_storable(key) else "sha256:" + sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
