"""Rows to records and back, shared by the stores."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from paybell.errors import Conflict
from paybell.model.delivery import BEHIND_MS, Attempt, DeadReason, Delivery, DeliveryJob, DeliveryState
from paybell.model.fact import Fact
from paybell.model.message import Message
from paybell.model.notification import (
    Notification,
    NotificationState,
    NotificationStatus,
    Origin,
    Refusal,
    RefusalReason,
    is_erased,
)
from paybell.model.payment import Payment, PaymentState
from paybell.model.silence import Silence
from paybell.ports import (
    AttemptNew,
    NewFact,
    NotificationNew,
    NotificationOutcome,
    NotificationView,
    Recorded,
)

T = TypeVar("T")
Row = tuple[str | int | float | bytes | None, ...]

ENCODER: Final = msgspec.json.Encoder()
_HEADERS: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])
_FACT: Final = msgspec.msgpack.Decoder(Fact)
_FACT_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_STATE: Final = msgspec.json.Decoder(PaymentState)


def text(value: object) -> str:
    """A column declared TEXT NOT NULL."""
    if not isinstance(value, str):
        raise TypeError(f"text expected, got {type(value).__name__}")
    return value


def number(value: object) -> int:
    """A column declared INTEGER NOT NULL."""
    if not isinstance(value, int):
        raise TypeError(f"a whole number expected, got {type(value).__name__}")
    return value


def number_or_none(value: object) -> int | None:
    """A column declared INTEGER."""
    return None if value is None else number(value)


def blob(value: object) -> bytes:
    """A column declared BLOB NOT NULL."""
    if not isinstance(value, bytes):
        raise TypeError(f"bytes expected, got {type(value).__name__}")
    return value


def words(value: object) -> frozenset[str]:
    """A column of comma-joined words."""
    return frozenset(text(value).split(",")) - {""}


def joined(value: Iterable[str]) -> str:
    """Words as a column, in one order."""
    return ",".join(sorted(value))


def headers_text(headers: tuple[tuple[str, str], ...]) -> str:
    """Headers as a JSON list of pairs."""
    return ENCODER.encode(headers).decode()


def notification_row(new: NotificationNew) -> Row:
    """A notification's nine columns."""
    it = new.notification
    return (
        it.id,
        it.source_id,
        it.organisation_id,
        it.dedupe_key,
        str(it.origin),
        int(it.hint),
        it.received_at_ms,
        headers_text(it.headers),
        it.body,
    )


def refusal_row(it: Refusal) -> Row:
    """A refusal's eight columns."""
    return (
        it.id,
        it.source_id,
        it.organisation_id,
        it.refused_at_ms,
        str(it.reason),
        it.detail,
        headers_text(it.headers),
        it.body,
    )


def notification(row: Sequence[object]) -> Notification:
    """The first nine columns of a notification query."""
    return Notification(
        id=text(row[0]),
        source_id=text(row[1]),
        organisation_id=text(row[2]),
        dedupe_key=text(row[3]),
        origin=Origin(text(row[4])),
        hint=bool(row[5]),
        received_at_ms=number(row[6]),
        headers=_HEADERS.decode(text(row[7])),
        body=blob(row[8]),
    )


def check_whole(it: Notification) -> None:
    """``Conflict`` for a notification of which personal data was taken out: it would be read as something else."""
    if is_erased(it):
        raise Conflict(f"{it.id} cannot be read again: a customer's personal data was erased from it")


def notification_view(row: Sequence[object]) -> NotificationView:
    """A notification and the six columns of its state."""
    status = NotificationStatus(
        state=NotificationState(text(row[9])),
        reason=text(row[10]),
        event=text(row[11]),
        attempt_count=number(row[12]),
        due_at_ms=number_or_none(row[13]),
        finished_at_ms=number_or_none(row[14]),
    )
    return NotificationView(notification(row), status)


def refusal(row: Sequence[object]) -> Refusal:
    """A row of refusals."""
    return Refusal(
        id=text(row[0]),
        source_id=text(row[1]),
        organisation_id=text(row[2]),
        refused_at_ms=number(row[3]),
        reason=RefusalReason(text(row[4])),
        detail=text(row[5]),
        headers=_HEADERS.decode(text(row[6])),
        body=blob(row[7]),
    )


def fact(value: object) -> Fact:
    """The stored form of a fact."""
    return _FACT.decode(blob(value))


def recorded(row: Sequence[object]) -> Recorded:
    """A fact with where it comes from."""
    return Recorded(fact(row[0]), text(row[1]), number(row[2]))


def tellers(found: Iterable[Sequence[object]]) -> dict[str, dict[bytes, str]]:
    """Which notification told each fact, by digest, of each subject."""
    told: dict[str, dict[bytes, str]] = {}
    for subject_id, digest, notification_id in found:
        told.setdefault(text(subject_id), {})[blob(digest)] = text(notification_id)
    return told


def fact_bytes(value: Fact) -> bytes:
    """The stored form of a fact."""
    return _FACT_ENCODER.encode(value)


def fact_row(new: NewFact, now_ms: int) -> Row:
    """A fact's five columns."""
    return (new.subject_id, new.digest, fact_bytes(new.fact), new.notification_id, now_ms)


def outcome_row(value: NotificationOutcome, now_ms: int) -> Row:
    """What became of a notification, then its id."""
    return (str(value.state), value.reason, value.event, now_ms, value.notification_id)


def payment(row: Sequence[object]) -> Payment:
    """The nine columns of a payment query."""
    return Payment(
        id=text(row[0]),
        organisation_id=text(row[1]),
        source_id=text(row[2]),
        gateway=text(row[3]),
        gateway_payment_id=text(row[4]),
        livemode=bool(row[5]),
        state=_STATE.decode(blob(row[6])),
        created_at_ms=number(row[7]),
        updated_at_ms=number(row[8]),
    )


def payment_row(value: Payment) -> Row:
    """A payment's twelve columns."""
    state = value.state
    return (
        value.id,
        value.organisation_id,
        value.source_id,
        value.gateway,
        value.gateway_payment_id,
        int(value.livemode),
        str(state.status),
        state.order_id,
        state.version,
        ENCODER.encode(state),
        value.created_at_ms,
        value.updated_at_ms,
    )


def message(row: Sequence[object]) -> Message:
    """A row of messages."""
    return Message(
        id=text(row[0]),
        organisation_id=text(row[1]),
        application_id=text(row[2]),
        event_type=text(row[3]),
        event_id=text(row[4]),
        payload=blob(row[5]),
        payment_id=text(row[6]),
        created_at_ms=number(row[7]),
        channels=words(row[8]),
        trace=text(row[9]),
    )


def silence_row(value: Silence) -> Row:
    """A silence's six columns."""
    listed = " ".join(value.event_types)
    return (value.subject_id, value.version, value.organisation_id, listed, value.reason, value.at_ms)


def message_row(value: Message) -> Row:
    """A message's ten columns."""
    return (
        value.id,
        value.organisation_id,
        value.application_id,
        value.event_type,
        value.event_id,
        value.payload,
        value.payment_id,
        value.created_at_ms,
        joined(value.channels),
        value.trace,
    )


def delivery(row: Sequence[object]) -> Delivery:
    """The thirteen columns of a delivery query."""
    return Delivery(
        id=text(row[0]),
        message_id=text(row[1]),
        endpoint_id=text(row[2]),
        application_id=text(row[3]),
        organisation_id=text(row[4]),
        event_type=text(row[5]),
        state=DeliveryState(text(row[6])),
        attempt_count=number(row[7]),
        due_at_ms=None if row[8] == BEHIND_MS else number_or_none(row[8]),
        created_at_ms=number(row[9]),
        finished_at_ms=number_or_none(row[10]),
        last_error=text(row[11]),
        dead_reason=DeadReason(found) if (found := text(row[12])) else None,
    )


def delivery_row(job: DeliveryJob, now_ms: int) -> Row:
    """A new delivery's columns: leased where it already has a lease number. One with a key has yet to join its line."""
    leased = job.lease_no > 0
    due_at_ms = BEHIND_MS if job.order_key else job.due_at_ms
    return (
        job.id,
        job.message_id,
        job.endpoint_id,
        job.application_id,
        job.organisation_id,
        job.event_type,
        "leased" if leased else "due",
        job.lease_no,
        job.lease_ends_at_ms if leased else due_at_ms,
        now_ms,
    )


def attempt(row: Sequence[object]) -> Attempt:
    """A row of attempts."""
    return Attempt(
        id=text(row[0]),
        delivery_id=text(row[1]),
        message_id=text(row[2]),
        endpoint_id=text(row[3]),
        application_id=text(row[4]),
        organisation_id=text(row[5]),
        attempt_no=number(row[6]),
        delivered=bool(row[7]),
        status_code=number(row[8]),
        response=text(row[9]),
        error=text(row[10]),
        url=text(row[11]),
        started_at_ms=number(row[12]),
        duration_ms=number(row[13]),
        manual=bool(row[14]),
    )


def attempt_row(value: Attempt) -> Row:
    """An attempt's fourteen columns."""
    return (
        value.id,
        value.delivery_id,
        value.message_id,
        value.endpoint_id,
        value.application_id,
        value.organisation_id,
        value.attempt_no,
        int(value.delivered),
        value.status_code,
        value.response,
        value.error,
        value.url,
        value.started_at_ms,
        value.duration_ms,
    )


def last_error(it: Attempt) -> str:
    """What a delivery remembers of an attempt that failed."""
    return "" if it.delivered else (it.error or f"answered {it.status_code}")


def attempt_end_row(new: AttemptNew) -> Row:
    """An attempt's fourteen columns, then what becomes of its delivery."""
    ended = (str(new.state), new.due_at_ms, last_error(new.attempt), new.dead_reason or "")
    return (*attempt_row(new.attempt), new.lease_no, *ended)


def being_sent(message_id: str, endpoint_id: str) -> Conflict:
    """Why a delivery that is leased, or behind others in a line, is not made due."""
    return Conflict(
        f"message {message_id} is being sent to endpoint {endpoint_id} at this moment, or waits there for earlier "
        "ones: look at its attempts, and ask again if it is not taken"
    )


def delivery_job(row: Sequence[object]) -> DeliveryJob:
    """The fourteen columns of a claim."""
    return DeliveryJob(
        id=text(row[0]),
        message_id=text(row[1]),
        endpoint_id=text(row[2]),
        application_id=text(row[3]),
        organisation_id=text(row[4]),
        event_type=text(row[5]),
        payload=blob(row[6]),
        told_at_ms=number(row[7]),
        trace=text(row[8]),
        attempt_count=number(row[9]),
        lease_no=number(row[10]),
        lease_ends_at_ms=number(row[11]),
        due_at_ms=number(row[11]),
        resent_at_count=number_or_none(row[12]),
        order_key=text(row[13]),
    )
