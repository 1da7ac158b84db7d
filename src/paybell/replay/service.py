"""Do what tasks are for: claim one, send the next few of its messages once more, and let others go first."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from paybell.clock import Clock
from paybell.model.endpoint import Endpoint
from paybell.model.task import REPLAYS, Task
from paybell.ports import Candidate, Looping, Moves, ReplayStore
from paybell.replay.requests import look_of
from paybell.replay.rules import Wishes, job_of, moves, pick


class ReplayConfig(Struct, frozen=True, kw_only=True):
    """How replay behaves."""

    batch_max: int = 100
    """Messages looked at in one transaction."""
    backlog_max: int = 100
    """How many may be due for an endpoint until its tasks wait: so many may stand before a new message."""
    pause_ms: int = 500
    """How long a task then waits."""
    lease_ms: int = 30_000
    """How long one step may take until another process does it."""
    poll_s: float = 1.0
    """How often to look for what is due."""


class ReplayService(Looping):
    """Works on tasks, a step at a time and whichever has waited longest; any number of processes may."""

    def __init__(
        self,
        store: ReplayStore,
        clock: Clock,
        config: ReplayConfig,
        *,
        wishes: Wishes,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__("replay", poll_s=config.poll_s)
        self._store = store
        self._clock = clock
        self._config = config
        self._wishes = wishes
        self._may_begin = may_begin
        self.counts: dict[str, int] = dict.fromkeys(("steps", "replayed", "skipped"), 0)

    async def run_once(self) -> bool:
        """One step of one task; whether there was any."""
        if not self._may_begin():
            return False
        now_ms = self._clock.now_ms()
        ends_at_ms = now_ms + self._config.lease_ms
        task = await self._store.task_claim(REPLAYS, now_ms=now_ms, lease_ends_at_ms=ends_at_ms)
        if task is None:
            return False
        endpoint = await self._store.endpoint_get(task.endpoint_id)
        if endpoint is None or endpoint.disabled:
            reason = "the endpoint was deleted" if endpoint is None else f"disabled: {endpoint.disabled_reason}"
            await self._store.task_fail(task, reason=reason, now_ms=now_ms)
            self._log.warning("task.failed", id=task.id, task=task.kind, reason=reason)
            return True
        limit = self._config.backlog_max
        if await self._store.task_backlog(endpoint.id, now_ms=now_ms, count_max=limit) >= limit:
            await self._store.task_put_off(task, due_at_ms=now_ms + self._config.pause_ms)
            return True
        await self._step(task, endpoint, now_ms)
        return True

    async def _step(self, task: Task, endpoint: Endpoint, now_ms: int) -> None:
        limit = self._config.batch_max

        def choose(found: Sequence[Candidate]) -> Moves:
            picked = pick(task.kind, task.asked, endpoint, found, self._wishes)
            jobs = tuple(
                job_of(it.message, endpoint, new_id=self._clock.new_id("dlv"), now_ms=now_ms) for it in picked.first
            )
            return moves(task, picked, found, limit=limit, jobs=jobs)

        after = await self._store.task_step(task, look_of(task, after=task.cursor, limit=limit), choose, now_ms=now_ms)
        if after is None:
            return
        self.counts["steps"] += 1
        self.counts["replayed"] += after.done - task.done
        self.counts["skipped"] += after.skipped - task.skipped
        self._log.info(
            "task.stepped", id=task.id, task=task.kind, state=after.state, done=after.done, found=after.found
        )
