"""Tasks and the messages they look at, as rows and back."""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from paybell.clock import id_at
from paybell.errors import Conflict
from paybell.model.delivery import DeadReason, DeliveryState
from paybell.model.task import Asked, Task, TaskKind, TaskState
from paybell.ports import Advance, Candidate, Look, Moves, Tally, Tallying
from paybell.store import extra_rows, rows

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_ASKED: Final = msgspec.json.Decoder(Asked)
_KEPT_MS: Final = 90 * 86_400_000


def task(row: Sequence[object]) -> Task:
    """The eighteen columns of a task."""
    return Task(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        application_id=rows.text(row[2]),
        endpoint_id=rows.text(row[3]),
        kind=TaskKind(rows.text(row[4])),
        asked=_ASKED.decode(rows.text(row[5])),
        state=TaskState(rows.text(row[6])),
        reason=rows.text(row[7]),
        cursor=rows.text(row[8]),
        found=rows.number(row[9]),
        done=rows.number(row[10]),
        skipped=rows.number(row[11]),
        lease_no=rows.number(row[12]),
        due_at_ms=rows.number_or_none(row[13]),
        created_at_ms=rows.number(row[14]),
        updated_at_ms=rows.number(row[15]),
        finished_at_ms=rows.number_or_none(row[16]),
        result=rows.text(row[17]),
    )


def task_row(it: Task) -> rows.Row:
    """The same back."""
    return (
        *(
            it.id,
            it.organisation_id,
            it.application_id,
            it.endpoint_id,
            str(it.kind),
            _ENCODER.encode(it.asked).decode(),
        ),
        *(str(it.state), it.reason, it.cursor, it.found, it.done, it.skipped, it.lease_no, it.due_at_ms),
        *(it.created_at_ms, it.updated_at_ms, it.finished_at_ms, it.result),
    )


def kinds_text(kinds: Collection[TaskKind]) -> str:
    """Kinds as the claims have them, each between commas."""
    return f",{','.join(sorted(kinds))},"


def prune_row(it: Task) -> rows.Row:
    """Whose tasks are forgotten, and before which id."""
    return (it.organisation_id, id_at("bgtask", it.created_at_ms - _KEPT_MS))


def refuse_more(running: int, running_max: int) -> None:
    """``Conflict`` when as many run as may."""
    if running >= running_max:
        raise Conflict(f"{running} such tasks run already, as many as may: wait until one ends, or cancel one")


def look_query(look: Look) -> tuple[str, rows.Row]:
    """What is asked of messages: the query's name and its values."""
    after, before = max(look.after, id_at("msg", look.asked.since_ms)), id_at("msg", look.asked.until_ms)
    if look.dead_only:
        return "task_look_dead", (look.endpoint_id, after, before, look.organisation_id, look.limit)
    codes = int(look.asked.status_class is not None)
    values = (codes, look.endpoint_id, look.application_id, after, before, look.organisation_id, look.limit)
    return "task_look", values


def candidate(row: Sequence[object]) -> Candidate:
    """The eighteen columns of a message and how it stands."""
    return Candidate(
        message=extra_rows.message((*row[:10], *row[15:17])),
        delivery_id="" if row[10] is None else rows.text(row[10]),
        state=None if row[11] is None else DeliveryState(rows.text(row[11])),
        attempt_count=rows.number_or_none(row[12]) or 0,
        status_code=rows.number_or_none(row[13]),
        beside=frozenset() if row[14] is None else frozenset(rows.text(row[14]).split(",")),
        dead_reason=DeadReason(rows.text(row[17])) if row[17] else None,
    )


def move_row(it: Task, moves: Moves, done: int, now_ms: int) -> rows.Row:
    """How far a task is after a step; what somebody else was faster with is skipped."""
    found = len(moves.resent) + len(moves.added) + moves.skipped
    ended = moves.state is not TaskState.RUNNING
    at_ms = (None if ended else now_ms, now_ms, now_ms if ended else None)
    return (str(moves.state), "", moves.cursor, found, done, found - done, *at_ms, it.result, it.id, it.lease_no)


def advance_row(it: Task, advance: Advance, now_ms: int) -> rows.Row:
    """How far an errand is after a step."""
    ended = advance.state is not TaskState.RUNNING
    at_ms = (None if ended else now_ms, now_ms, now_ms if ended else None)
    counts = (advance.done, advance.done, 0)
    return (str(advance.state), "", advance.cursor, *counts, *at_ms, advance.result, it.id, it.lease_no)


def tally_row(asked: Tallying) -> rows.Row:
    """What is asked of deliveries."""
    return (asked.application_id, asked.after, asked.before, asked.organisation_id, asked.limit)


def tally(row: Sequence[object]) -> Tally:
    """The three columns of a tally."""
    return Tally(message_count=rows.number(row[0]), delivery_count=rows.number(row[1]), last_id=rows.text(row[2]))


def put_off_row(it: Task, due_at_ms: int) -> rows.Row:
    """The same for one that waits."""
    return ("running", "", it.cursor, 0, 0, 0, due_at_ms, it.updated_at_ms, None, it.result, it.id, it.lease_no)


def fail_row(it: Task, reason: str, now_ms: int) -> rows.Row:
    """The same for one that cannot go on."""
    return ("failed", reason, it.cursor, 0, 0, 0, None, now_ms, now_ms, it.result, it.id, it.lease_no)
