"""Do the delivering: claim, sign, send, judge, record."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from paybell import log
from paybell.clock import Clock, time_of
from paybell.deliver.claims import ClaimConfig, Claims
from paybell.deliver.health import SLOW_MS, Sign, Weighing
from paybell.deliver.lanes import LaneLimits, Lanes
from paybell.deliver.places import Places
from paybell.deliver.request import body_of, headers_of
from paybell.deliver.rules import RETRY_DELAYS_S, Verdict, answer_of, error_text, judge, loggable, tidings, untried
from paybell.deliver.shaping import Shape, Shaped, unshaped
from paybell.errors import PaybellError, StoreUnavailable
from paybell.model.delivery import Attempt, Canceled, DeliveryJob, DeliveryState, Failed, Outcome
from paybell.model.endpoint import Endpoint
from paybell.model.endpoint_state import EndpointState
from paybell.ports import AttemptNew, DeliverStore, Senders, Sending

_REST_MIN_S: Final = 0.01
"""What another process has just claimed is due for a moment still: do not ask again and again."""


class DeliverConfig(Struct, frozen=True, kw_only=True):
    """How deliver behaves."""

    timeout_s: float = 15.0
    """For one try altogether: name, connection, TLS, request and answer."""
    lease_ms: int = 60_000
    """How long a claimed delivery is nobody else's; must outlast the timeout."""
    claim_max: int = 200
    """Deliveries claimed from the store at once."""
    endpoint_active_max: int = 64
    """Deliveries being sent to one endpoint at once."""
    endpoint_waiting_max: int = 256
    """Deliveries queued in memory for one endpoint; more wait in the store."""
    active_max: int = 1_024
    """Deliveries being sent at once in all."""
    waiting_max: int = 8_192
    """Deliveries queued in memory in all."""
    failing_ms: int = 0
    """How long every attempt at an endpoint may fail until it is disabled; 0 for ever."""
    poll_s: float = 1.0
    """How often to look into the store when nothing was handed on."""
    elsewhere_ms: int = 60_000
    """How long an endpoint that only another process serves is left to that one, before it is looked at again."""
    elsewhere_age_max_ms: int = 3_600_000
    """How old its deliveries may become until they are tried here: nobody seems to serve it, and they must end."""
    unrecorded_pause_s: float = 0.5
    """How long to wait, and try again to record an attempt, while the store is unavailable."""

    def __post_init__(self) -> None:
        """Refuse a lease that a slow endpoint would outlast."""
        if self.lease_ms < 2 * self.timeout_s * 1000:
            raise ValueError("lease_ms must be at least twice timeout_s, or a slow try would outlast its lease")


class DeliverService:
    """Sends deliveries: those handed on in memory at once, and those due in the store."""

    def __init__(
        self,
        store: DeliverStore,
        senders: Senders,
        clock: Clock,
        config: DeliverConfig,
        *,
        may_begin: Callable[[], bool] = lambda: True,
        shape: Shape = unshaped,
    ) -> None:
        """``may_begin`` says whether this process's leases are still its own: if not, nothing is begun.

        ``shape`` runs endpoints' transformations.
        """
        self._may_begin = may_begin
        self._shape = shape
        self._store = store
        self._senders = senders
        self._clock = clock
        self._config = config
        self._log = log.get("deliver")
        self._lanes = Lanes(
            LaneLimits(
                active_max=config.endpoint_active_max,
                waiting_max=config.endpoint_waiting_max,
                all_active_max=config.active_max,
                all_waiting_max=config.waiting_max,
            )
        )
        self._claims = Claims(
            store,
            clock,
            self._lanes,
            ClaimConfig(
                limit=config.claim_max,
                endpoint_max=config.endpoint_waiting_max // 2,
                lease_ms=config.lease_ms,
                elsewhere_ms=config.elsewhere_ms,
            ),
        )
        self._awake = asyncio.Event()
        self._places = Places(self._lanes, self._deliver, lambda: not self._stopping and may_begin())
        self._stopping = False
        self.counts: dict[str, int] = dict.fromkeys(("delivered", "failed", "dead", "fenced"), 0)

    @property
    def active_count(self) -> int:
        """Deliveries being sent now."""
        return self._lanes.active_count

    @property
    def waiting_count(self) -> int:
        """Deliveries queued in memory."""
        return self._lanes.waiting_count

    def has_room(self, endpoint_id: str) -> bool:
        """Whether a delivery to the endpoint can be handed on in memory."""
        return not self._stopping and self._claims.has_room(endpoint_id)

    def put(self, jobs: Sequence[DeliveryJob]) -> None:
        """Take deliveries that are leased to this process, and send what the limits allow."""
        for job in jobs:
            self._lanes.put(job)
        self._places.fill()

    def wake(self) -> None:
        """Look into the store at the next turn."""
        self._awake.set()

    def held(self) -> set[str]:
        """The ids of all deliveries that are queued here or being sent."""
        return self._lanes.held() | self._places.held()

    def resume(self) -> None:
        """Begin what had to wait until this process might begin something again."""
        self._places.fill()
        self.wake()

    def forget(self) -> None:
        """What is queued here was given to others; what is being sent goes on, and counts if it still may."""
        self._lanes.drain()

    async def run(self) -> None:
        """Claim until :meth:`drain`, or until cancelled."""
        while not self._stopping:
            self._awake.clear()
            try:
                claimed = await self.run_once()
                rest_s = 0.0 if claimed else self._rest_s()
            except StoreUnavailable as error:
                self._log.error("deliver.store_unavailable", error=str(error))
                rest_s = self._config.poll_s
            if rest_s > 0:
                await self._rest(rest_s)

    async def run_once(self) -> int:
        """Claim what is due in the store and begin to send it; return how many."""
        if not self._may_begin():
            return 0
        jobs = await self._claims.claim()
        self.put(jobs)
        return len(jobs)

    async def settle(self) -> None:
        """Return once nothing is being sent or queued in memory."""
        await self._places.settle()

    def drain(self) -> None:
        """Begin no further delivery; what is being sent goes on."""
        self._stopping = True
        self._awake.set()

    async def stop(self, *, grace_s: float) -> None:
        """Give back what is queued, wait for what is being sent, then break off and give back the rest."""
        self.drain()
        await self._release(self._lanes.drain())
        await self._release(await self._places.end(grace_s=grace_s))

    async def _release(self, jobs: Sequence[DeliveryJob]) -> None:
        if not jobs:
            return
        try:
            await self._store.delivery_release(jobs, due_at_ms=self._clock.now_ms())
        except StoreUnavailable as error:  # their leases run out, and they are tried again
            self._log.error("delivery.unreleased", count=len(jobs), error=str(error))

    def _rest_s(self) -> float:
        next_at_ms = self._claims.next_at_ms
        if next_at_ms is None:
            return self._config.poll_s
        return min(self._config.poll_s, max(_REST_MIN_S, (next_at_ms - self._clock.now_ms()) / 1000))

    async def _rest(self, rest_s: float) -> None:
        try:
            async with asyncio.timeout(rest_s):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def _deliver(self, job: DeliveryJob) -> None:
        try:
            await self._try(job)
        except PaybellError as error:  # its lease runs out, and it is tried again
            self._log.error("delivery.unrecorded", id=job.id, error=str(error))
        finally:
            if self._lanes.done(job):
                self.wake()

    async def _try(self, job: DeliveryJob) -> None:
        started_at_ms = self._clock.now_ms()
        if started_at_ms + self._config.timeout_s * 1000 > job.lease_ends_at_ms:
            return  # it waited too long here: whoever claims it when the lease ends will send it
        endpoint = await self._store.endpoint_get(job.endpoint_id)
        if endpoint is None or endpoint.disabled:
            reason, error = untried(endpoint)
            await self._store.delivery_abandon(job, reason=reason, error=error, now_ms=started_at_ms)
            if job.order_key:
                self.wake()
            self.counts["dead"] += 1
            return
        if self._is_elsewhere(job, endpoint, started_at_ms):
            self._claims.leave(endpoint.id)
            await self._release([job])
            return
        outcome = await self._send(job, endpoint, started_at_ms)
        await self._record(job, endpoint, outcome, started_at_ms)

    def _is_elsewhere(self, job: DeliveryJob, endpoint: Endpoint, now_ms: int) -> bool:
        sender = self._senders.get(endpoint.transport)
        if sender is None or sender.serves(endpoint.url):
            return False
        return now_ms - (time_of(job.id) or 0) < self._config.elsewhere_age_max_ms

    async def _send(self, job: DeliveryJob, endpoint: Endpoint, now_ms: int) -> Outcome | Canceled:
        sender = self._senders.get(endpoint.transport)
        if sender is None:
            return Failed(phase="call", reason=f"this process has no transport for {endpoint.url}")
        if endpoint.options.transformation_enabled:
            shaped = await self._shape(job, endpoint)
            if not isinstance(shaped, Shaped):
                return shaped
            job, endpoint = shaped.job, shaped.endpoint
        body = body_of(job, endpoint.options.payload_format)
        return await sender.send(
            Sending(
                pool=endpoint.id,
                url=endpoint.url,
                headers=headers_of(job, endpoint, body, now_ms),
                body=body,
                timeout_s=self._config.timeout_s - (self._clock.now_ms() - now_ms) / 1000,
                client_certificate=endpoint.client_certificate,
            )
        )

    async def _record(
        self, job: DeliveryJob, endpoint: Endpoint, outcome: Outcome | Canceled, started_at_ms: int
    ) -> None:
        now_ms = self._clock.now_ms()
        attempt_no, attempt_count = job.attempt_count + 1, job.scheduled_count + 1
        delays_s = await self._delays_s(job, endpoint)
        verdict = judge(
            outcome,
            attempt_count=attempt_count,
            now_ms=now_ms,
            chance=self._clock.chance(),
            delays_s=delays_s,
        )
        status_code, response = answer_of(outcome)
        attempt = Attempt(
            id=self._clock.new_id("atmpt"),
            delivery_id=job.id,
            message_id=job.message_id,
            endpoint_id=job.endpoint_id,
            application_id=job.application_id,
            organisation_id=job.organisation_id,
            attempt_no=attempt_no,
            delivered=verdict.state is DeliveryState.DELIVERED,
            status_code=status_code,
            response=response,
            error=error_text(outcome),
            url=endpoint.url,
            started_at_ms=started_at_ms,
            duration_ms=now_ms - started_at_ms,
        )
        new = AttemptNew(
            attempt=attempt,
            lease_no=job.lease_no,
            state=verdict.state,
            due_at_ms=verdict.due_at_ms,
            dead_reason=verdict.dead_reason,
            disable_endpoint_reason=verdict.disable_endpoint_reason,
            failing_since_max_ms=max(0, started_at_ms - failing_ms) if (failing_ms := self._config.failing_ms) else 0,
            warning_since_max_ms=max(0, started_at_ms - failing_ms // 2) if failing_ms else 0,
            event_type=tidings(verdict, attempt_count=attempt_count, attempt_no=attempt_no, delays_s=delays_s),
            order_key=job.order_key,
            weigh=(weighing := self._weighing(attempt, outcome)),
        )
        kept = await self._append(new, job.lease_ends_at_ms)
        self._count(attempt, verdict, kept=kept)
        if kept and weighing is not None:
            await self._learn(attempt.endpoint_id, weighing.after)
        if verdict.due_at_ms is not None or job.order_key:
            self.wake()  # so that the loop rests no longer than until the retry, or the next of its line

    def _weighing(self, attempt: Attempt, outcome: Outcome | Canceled) -> "Weighing | None":
        """None where the endpoint was not asked, or is well and stays so: nothing of it is looked up or written."""
        if isinstance(outcome, Canceled):
            return None
        is_known = self._claims.state(attempt.endpoint_id) is not None
        if attempt.delivered and attempt.duration_ms < SLOW_MS and not is_known:
            return None
        return Weighing(
            Sign(
                endpoint_id=attempt.endpoint_id,
                delivered=attempt.delivered,
                outcome=outcome,
                started_at_ms=attempt.started_at_ms,
                now_ms=attempt.started_at_ms + attempt.duration_ms,
                chance=self._clock.chance(),
                active_max=self._config.endpoint_active_max,
            )
        )

    async def _learn(self, endpoint_id: str, state: EndpointState | None) -> None:
        """What is queued for an endpoint that is to be left alone goes back to the store, where it waits untried."""
        self._claims.learn(endpoint_id, state)
        if self._claims.is_held(endpoint_id):
            await self._release(self._lanes.drain_endpoint(endpoint_id))
        self.wake()

    async def _delays_s(self, job: DeliveryJob, endpoint: Endpoint) -> Sequence[int]:
        """The endpoint's own schedule, else the event type's, else ours."""
        if endpoint.options.retry_delays_s is not None:
            return endpoint.options.retry_delays_s
        event_type = await self._store.event_type_find(job.organisation_id, job.event_type)
        own = None if event_type is None else event_type.options.retry_delays_s
        return RETRY_DELAYS_S if own is None else own

    async def _append(self, new: AttemptNew, lease_ends_at_ms: int) -> bool:
        """Record it, also when the store is unavailable for a while: else what was received would be sent again."""
        while True:
            try:
                return await self._store.attempt_append(new)
            except StoreUnavailable:
                if self._clock.now_ms() >= lease_ends_at_ms:
                    raise
                await self._clock.sleep(self._config.unrecorded_pause_s)

    def _count(self, attempt: Attempt, verdict: Verdict, *, kept: bool) -> None:
        name = "delivered" if attempt.delivered else "dead" if verdict.state is DeliveryState.DEAD else "failed"
        self.counts[name if kept else "fenced"] += 1
        self._log.info(
            "delivery.attempted",
            id=attempt.delivery_id,
            message=attempt.message_id,
            endpoint=attempt.endpoint_id,
            attempt=attempt.attempt_no,
            state=verdict.state if kept else "fenced",
            status_code=attempt.status_code,
            error=loggable(attempt.error),
            ms=attempt.duration_ms,
        )
