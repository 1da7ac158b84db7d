"""Do the asking: a hint comes in, the truth is fetched after the answer was given, and enters as a notification."""

import asyncio
from collections.abc import Mapping
from typing import Protocol, TypeGuard

from msgspec import Struct

from paybell import log
from paybell.clock import Clock
from paybell.errors import AmountError, MalformedPayload, PaybellError, StoreUnavailable
from paybell.model.delivery import Answered
from paybell.model.notification import Notification, NotificationState, Origin
from paybell.model.source import Source
from paybell.model.text import readable, storable_key
from paybell.ports import (
    SUBJECT_HEADER,
    FetchDone,
    FetchingGateway,
    FetchJob,
    FetchPlan,
    Gateway,
    NotificationNew,
    ReconcileStore,
    Sender,
    Sending,
)
from paybell.reconcile.logins import Logins
from paybell.reconcile.rules import Fate, problem_with, settle, without_credentials


class ReconcileConfig(Struct, frozen=True, kw_only=True):
    """How reconcile behaves."""

    timeout_s: float = 15.0
    """For one question to a gateway's API."""
    lease_ms: int = 60_000
    """How long a claimed hint is nobody else's; must outlast the timeout."""
    claim_max: int = 16
    """Questions asked at the same time."""
    answer_bytes_max: int = 1_048_576
    """Longer answers are not read."""
    poll_s: float = 1.0
    """How often to look for hints that are due."""

    def __post_init__(self) -> None:
        """Refuse a lease that a slow API would outlast."""
        if self.lease_ms < 2 * self.timeout_s * 1000:
            raise ValueError("lease_ms must be at least twice timeout_s, or a slow answer would outlast its lease")


class Inbox(Protocol):
    """The door of record."""

    def put(self, notification: Notification, source: Source) -> None:
        """Take one that is leased to this process."""
        ...


class ReconcileService:
    """Asks gateways' APIs about hints."""

    def __init__(
        self,
        store: ReconcileStore,
        gateways: Mapping[str, Gateway],
        sender: Sender,
        clock: Clock,
        config: ReconcileConfig,
        *,
        record: Inbox | None,
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._sender = sender
        self._clock = clock
        self._config = config
        self._record = record
        self._log = log.get("reconcile")
        self._logins = Logins(sender, clock, timeout_s=config.timeout_s)
        self._asking: set[str] = set()
        self._awake = asyncio.Event()
        self.counts: dict[str, int] = dict.fromkeys(("fetched", "postponed", "parked"), 0)

    def wake(self) -> None:
        """A hint came: look now."""
        self._awake.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self._awake.clear()
            try:
                busy = await self.run_once()
            except StoreUnavailable as error:
                self._log.error("reconcile.store_unavailable", error=str(error))
                busy = 0
            if not busy:
                await self._rest()

    async def run_once(self) -> int:
        """Ask about the hints that are due; return how many."""
        now_ms = self._clock.now_ms()
        jobs = await self._store.fetch_claim(
            limit=self._config.claim_max, now_ms=now_ms, lease_ends_at_ms=now_ms + self._config.lease_ms
        )
        self._asking = {job.notification.id for job in jobs}
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(self._fetch_apart(job))
        self._asking = set()
        return len(jobs)

    def held(self) -> set[str]:
        """The ids of all hints that are being asked about."""
        return self._asking

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._config.poll_s):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def _fetch_apart(self, job: FetchJob) -> None:
        """A question that ends by an error ends none of the others."""
        try:
            try:
                await self._fetch(job)
            except PaybellError:
                raise
            except Exception as error:  # noqa: BLE001 - a fault of one gateway's module must not stop the others
                self._log.error("hint.unaskable", id=job.notification.id, exc_info=error)
                reason = f"a fault in the gateway's module ({type(error).__name__}): please report it"
                await self._finish(job, self._settled(job, reason))
        except PaybellError as error:  # its lease runs out, and it is asked again
            self._log.error("hint.unfinished", id=job.notification.id, error=str(error))

    async def _fetch(self, job: FetchJob) -> None:
        source = await self._store.source_get(job.notification.source_id)
        gateway = None if source is None else self._gateways.get(source.gateway)
        if source is None or gateway is None or not _can_fetch(gateway):
            await self._finish(job, self._settled(job, "its source is gone, or its gateway has no API to ask"))
            return
        try:
            plan = gateway.plan_fetch(job.notification, source)
        except MalformedPayload as error:
            now_ms = self._clock.now_ms()
            fate = Fate(state=NotificationState.PARKED, reason=str(error), due_at_ms=now_ms)
            await self._finish(job, fate)
            return
        if plan is None:
            await self._finish(job, without_credentials(self._clock.now_ms()))
            return
        await self._ask(job, source, gateway, plan)

    async def _ask(self, job: FetchJob, source: Source, gateway: FetchingGateway, plan: FetchPlan) -> None:
        headers = await self._logins.headers(source, plan)
        if isinstance(headers, str):
            await self._finish(job, self._settled(job, headers))
            return
        outcome = await self._sender.send(self._question(source, plan, headers))
        problem = problem_with(outcome)
        if problem or not isinstance(outcome, Answered):
            self._logins.forget(source)
            await self._finish(job, self._settled(job, problem))
            return
        try:
            answer = self._answer(job, source, plan, outcome.body, gateway.fetched_key(plan.subject, outcome.body))
            parsed = gateway.parse(answer.notification, source)
        except (MalformedPayload, AmountError) as error:
            await self._finish(job, self._settled(job, f"the gateway's API gave an unreadable answer: {error}"))
            return
        problem = "" if parsed.final else parsed.reason or "the gateway's API says that it is not decided yet"
        await self._finish(job, self._settled(job, problem), answer, source)

    def _question(self, source: Source, plan: FetchPlan, headers: tuple[tuple[str, str], ...]) -> Sending:
        return Sending(
            pool=f"fetch:{source.id}",
            url=plan.url,
            headers=headers,
            body=plan.body,
            timeout_s=self._config.timeout_s,
            method=plan.method,
            answer_bytes_max=self._config.answer_bytes_max,
        )

    def _answer(self, job: FetchJob, source: Source, plan: FetchPlan, body: bytes, key: str) -> NotificationNew:
        now_ms = self._clock.now_ms()
        notification = Notification(
            id=self._clock.new_id("ntf"),
            source_id=source.id,
            organisation_id=source.organisation_id,
            dedupe_key=storable_key(key),
            origin=Origin.POLL,
            hint=False,
            received_at_ms=now_ms,
            headers=((SUBJECT_HEADER, plan.subject), ("paybell-hint", job.notification.id)),
            body=body,
        )
        return NotificationNew(
            notification=notification,
            state=NotificationState.PENDING,
            due_at_ms=now_ms + self._config.lease_ms if self._record is not None else now_ms,
        )

    def _settled(self, job: FetchJob, problem: str) -> Fate:
        return settle(
            problem,
            attempt_count=job.attempt_count + 1,
            now_ms=self._clock.now_ms(),
            chance=self._clock.chance(),
        )

    async def _finish(
        self, job: FetchJob, fate: Fate, answer: NotificationNew | None = None, source: Source | None = None
    ) -> None:
        appended = await self._store.fetch_finish(
            FetchDone(
                notification_id=job.notification.id,
                wanted_no=job.wanted_no,
                state=fate.state,
                reason=readable(fate.reason),
                attempt_count=job.attempt_count + 1,
                due_at_ms=fate.due_at_ms,
                answer=answer,
            )
        )
        if answer is not None and source is not None and appended is not None and not appended.duplicate:
            self._hand_on(answer.notification, source)
        settled = {NotificationState.FETCHED: "fetched", NotificationState.PARKED: "parked"}
        self.counts[settled.get(fate.state, "postponed")] += 1
        self._log.info("hint.asked", id=job.notification.id, state=fate.state, reason=fate.reason)

    def _hand_on(self, notification: Notification, source: Source) -> None:
        if self._record is not None:
            self._record.put(notification, source)


def _can_fetch(gateway: Gateway) -> TypeGuard[FetchingGateway]:
    return hasattr(gateway, "plan_fetch")
