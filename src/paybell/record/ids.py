"""Ids that record makes: the same log gives the same ids. Pure."""

from hashlib import blake2b
from typing import Final

TIME_DIGITS: Final = 12


def subject_id(prefix: str, name: str, notification_id: str) -> str:
    """Our id of a payment or an account item: the time of the notification that first told of it, then a digest.

    ``name`` is what only it is called, with its source. So ids sort by time and serve as cursors.
    """
    digest = blake2b(name.encode(), digest_size=10).hexdigest()
    return f"{prefix}_{time_digits(notification_id)}{digest}"


def time_digits(made_id: str) -> str:
    """The part of an id that says when it was made."""
    return made_id.partition("_")[2][:TIME_DIGITS]
