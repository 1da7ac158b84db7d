"""What the API v3 answers about a transfer, the merchant's own payout (``GET /v3/transfers/{id}``)."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import body_key, decoder, details, ident, read, text, time_to_ms
from paybell.model.account import PayoutStatus
from paybell.model.fact import Parsed
from paybell.model.money import to_minor

_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "new": PayoutStatus.CREATED,
    "pending": PayoutStatus.CREATED,
    "successful": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
}


class _Transfer(Struct, frozen=True):
    id: int | str
    status: str
    amount: object = None
    currency: str | None = None
    created_at: str | None = None
    complete_message: object = None


class _Answer(Struct, frozen=True):
    status: str
    message: str | None = None
    data: _Transfer | None = None


_ANSWER: Final = decoder(_Answer)


def read_body(body: bytes, transfer_id: str, received_at_ms: int) -> Parsed:
    """Where the transfer stands; its only time is that of its start, so it counts from when it was told here."""
    answer = read(_ANSWER, body)
    found = answer.data
    if answer.status != "success" or found is None:
        return Parsed(reason=f"nothing is known of it yet: {text(answer.message)}", final=False)
    if str(found.id) != transfer_id:
        return Parsed(reason="the answer is about something else", final=False)
    status = _STATUSES.get(found.status.lower())
    if status is None:
        return Parsed(event="transfer", reason=f"its status {text(found.status)!r} is unknown", final=False)
    currency, started = currency_code(found.currency), status is PayoutStatus.CREATED
    fact = accounts.payout(
        ident(found.id, "the transfer's id"),
        status,
        at_ms=time_to_ms(found.created_at, "created_at") if started and found.created_at else received_at_ms,
        money=(to_minor(found.amount, currency), currency),
        why=details(failure_message=text(found.complete_message)) if status is PayoutStatus.FAILED else {},
    )
    return Parsed(event="transfer", facts=(fact,), final=not started)


def key_of(subject: str, body: bytes) -> str:
    """A key that changes when the status or the amount does."""
    answer = read(_ANSWER, body)
    found = answer.data
    said = (answer.status,) if found is None else (found.id, found.status, found.amount, found.currency)
    return "poll:" + body_key("\n".join(str(each)[:64] for each in (subject, *said)).encode())
