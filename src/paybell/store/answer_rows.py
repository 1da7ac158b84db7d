"""The rows of kept answers."""

from collections.abc import Sequence
from typing import Final

import msgspec

from paybell.model.answer import AnswerKey, AnswerNew, BeingAnswered, KeptAnswer, KeptMessage, OtherRequest, Taken
from paybell.ports import MessageNew
from paybell.store import extra_rows, rows
from paybell.store.seal import Seal

_BOX: Final = msgspec.msgpack.Decoder(tuple[str, bytes])


def answer_row(new: AnswerNew, seal: Seal) -> rows.Row:
    """The six values of an answer to keep; what was answered is sealed, since it may hold secrets."""
    key, answer = new.key, new.answer
    sealed = seal.close(msgspec.msgpack.encode((answer.media_type, answer.body)), _row_id(key))
    return (answer.status_code, sealed, new.ends_at_ms, key.organisation_id, key.name, key.request_digest)


def key_row(new: MessageNew) -> rows.Row:
    """The four values of a message's idempotency key; '' and nothing for none."""
    if new.key is None:
        return ("", "", b"", 0)
    return (new.key.organisation_id, new.key.name, new.key.request_digest, new.key_ends_at_ms)


def found(row: Sequence[object], key: AnswerKey, seal: Seal) -> Taken:
    """What is kept under a key that is taken."""
    if rows.blob(row[0]) != key.request_digest:
        return OtherRequest()
    status_code = rows.number(row[1])
    if not status_code:
        return BeingAnswered()
    if row[3]:
        return KeptMessage(None if row[4] is None else extra_rows.message(row[4:]))
    media_type, body = _BOX.decode(seal.open(rows.blob(row[2]), _row_id(key)))
    return KeptAnswer(status_code, media_type, body)


def _row_id(key: AnswerKey) -> str:
    return f"{key.organisation_id}/{key.name}"
