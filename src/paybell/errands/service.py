"""Do errands: claim one, do a part of it, keep how far it is, and let others go first."""

from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from paybell.clock import Clock, id_at
from paybell.errands.rules import (
    AppStats,
    EventTypeUses,
    Place,
    Purged,
    counted,
    cursor_of,
    place_of,
    read,
    still_asked,
    uses_of,
    written,
)
from paybell.errors import NotFound
from paybell.model.message import PAYLOAD_GONE, Application
from paybell.model.task import ERRANDS, Task, TaskKind, TaskState
from paybell.ports import AFTER_ALL, Advance, ErrandStore, Looping, PageQuery, Tallying


class ErrandConfig(Struct, frozen=True, kw_only=True):
    """How errands behave."""

    applications_max: int = 500
    """Applications looked at in one step."""
    messages_max: int = 5_000
    """Messages whose deliveries are counted in one step."""
    purged_max: int = 100
    """Messages whose payloads are taken away in one step."""
    lease_ms: int = 60_000
    """How long one step may take until another process does it."""
    poll_s: float = 1.0
    """How often to look for what is due."""


class ErrandService(Looping):
    """Works on errands, a step at a time and whichever has waited longest; any number of processes may."""

    def __init__(
        self, store: ErrandStore, clock: Clock, config: ErrandConfig, *, may_begin: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__("errands", poll_s=config.poll_s)
        self._store = store
        self._clock = clock
        self._config = config
        self._may_begin = may_begin
        self.counts: dict[str, int] = {"steps": 0}

    async def run_once(self) -> bool:
        """One step of one errand; whether there was any."""
        if not self._may_begin():
            return False
        now_ms = self._clock.now_ms()
        task = await self._store.task_claim(ERRANDS, now_ms=now_ms, lease_ends_at_ms=now_ms + self._config.lease_ms)
        if task is None:
            return False
        after = await self._store.task_advance(task, await self._step(task), now_ms=self._clock.now_ms())
        if after is not None:
            self.counts["steps"] += 1
            self._log.info("task.stepped", id=task.id, task=task.kind, state=after.state, done=after.done)
        return True

    async def _step(self, task: Task) -> Advance:
        match task.kind:
            case TaskKind.APPLICATION_STATS:
                return await self._count(task)
            case TaskKind.EVENT_TYPE_AGGREGATE:
                return await self._aggregate(task)
            case TaskKind.PURGE_CONTENT:
                return await self._purge(task)
            case TaskKind.RECOVER | TaskKind.REPLAY_MISSING | TaskKind.BULK_REPLAY:
                raise ValueError(f"{task.kind} sends messages: it is no errand")

    async def _count(self, task: Task) -> Advance:
        """Count the deliveries of the next applications, until as many messages as may were looked at."""
        place, stats = place_of(task.cursor), read(task.result, AppStats)
        left, done = self._config.messages_max, 0
        applications = await self._applications(task, place)
        for application in applications[: self._config.applications_max]:
            after = place.message_id if application.id == place.application_id else ""
            tally = await self._store.delivery_tally(_tallying(task, application, after, left))
            stats, done = counted(stats, application, tally.delivery_count), done + tally.delivery_count
            left -= tally.message_count
            place = Place(application.id, tally.last_id if left <= 0 else "")
            if left <= 0:
                break
        return Advance(cursor=cursor_of(place), result=written(stats), done=done, state=_state(ended=not applications))

    async def _aggregate(self, task: Task) -> Advance:
        place, uses = place_of(task.cursor), read(task.result, EventTypeUses)
        applications = await self._applications(task, place)
        new = [uses_of(it, await self._store.endpoint_list_of(it.id)) for it in applications]
        last = applications[-1].id if applications else place.application_id
        return Advance(
            cursor=cursor_of(Place(last)),
            result=written(EventTypeUses(event_types=(*uses.event_types, *new))),
            done=len(new),
            state=_state(ended=not applications),
        )

    async def _purge(self, task: Task) -> Advance:
        """Take the payloads of the next messages away; those that were posted since the task was begun stay."""
        found = await self._store.message_page(
            PageQuery(
                organisation_id=task.organisation_id,
                limit=self._config.purged_max,
                filters={"application_id": task.application_id},
                oldest_first=True,
                after=task.cursor,
                before=id_at("msg", task.asked.until_ms),
            )
        )
        whole = [it for it in found.data if it.payload]
        for message in whole:
            await self._store.message_expunge(message, reason=PAYLOAD_GONE, now_ms=self._clock.now_ms())
        purged = Purged(messages_purged=read(task.result, Purged).messages_purged + len(whole))
        return Advance(
            cursor=found.data[-1].id if found.data else task.cursor,
            result=written(purged),
            done=len(whole),
            state=_state(ended=found.done),
        )

    async def _applications(self, task: Task, place: Place) -> list[Application]:
        """The next of those asked for, in the order of their ids; those that were deleted are left out."""
        if task.asked.application_ids:
            found = [await self._application(task.organisation_id, it) for it in task.asked.application_ids]
            return still_asked([it for it in found if it is not None], place)
        begun = [await self._application(task.organisation_id, place.application_id)] if place.message_id else []
        page = await self._store.application_page(
            PageQuery(
                organisation_id=task.organisation_id,
                limit=self._config.applications_max,
                oldest_first=True,
                after=place.application_id,
            )
        )
        return [*(it for it in begun if it is not None), *page.data]

    async def _application(self, organisation_id: str, application_id: str) -> Application | None:
        with suppress(NotFound):
            return await self._store.application_lookup(organisation_id, application_id)
        return None


def _tallying(task: Task, application: Application, after: str, limit: int) -> Tallying:
    since, until = id_at("msg", task.asked.since_ms), id_at("msg", task.asked.until_ms)
    return Tallying(
        organisation_id=task.organisation_id,
        application_id=application.id,
        after=max(after, since),
        before=min(until, AFTER_ALL),
        limit=limit,
    )


def _state(*, ended: bool) -> TaskState:
    return TaskState.FINISHED if ended else TaskState.RUNNING
