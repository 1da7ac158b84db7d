"""Answers that are kept under idempotency keys, so that a request that is sent again changes nothing."""

from typing import Final

from msgspec import Struct

from paybell.model.message import Message

KEY_CHARS_MAX: Final = 255


class AnswerKey(Struct, frozen=True, kw_only=True):
    """The caller's key of one request, and a digest of the request itself."""

    organisation_id: str
    name: str
    request_digest: bytes


class KeptAnswer(Struct, frozen=True):
    """What a request was answered: the status, and the body with its type."""

    status_code: int
    media_type: str
    body: bytes


class KeptMessage(Struct, frozen=True):
    """A message was posted, and is shown again; None when it is kept no longer."""

    message: Message | None


class AnswerNew(Struct, frozen=True, kw_only=True):
    """An answer to keep until a time."""

    key: AnswerKey
    answer: KeptAnswer
    ends_at_ms: int


class Begun(Struct, frozen=True):
    """The key is new: answer the request, then keep or forget the answer."""


class BeingAnswered(Struct, frozen=True):
    """The same request came before, and is not answered yet."""


class OtherRequest(Struct, frozen=True):
    """The key was used for a request that was not this one."""


Taken = BeingAnswered | OtherRequest | KeptAnswer | KeptMessage
"""What there is under a key that is taken."""
Beginning = Begun | Taken
