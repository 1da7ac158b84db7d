"""Play a scenario: step by step against a real Paybell, then look, and say what is not as it must be."""

import asyncio
from collections import Counter
from ipaddress import ip_network
from itertools import permutations
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from paybell.cli.scenario_look import quiet, see
from paybell.cli.scenario_server import LOOPBACK, doomed
from paybell.cli.scenario_stage import Stage
from paybell.config import ROLES, Settings, settings
from paybell.errors import Conflict
from paybell.model.delivery import Answered, Outcome
from paybell.ports import PageQuery
from paybell.testing.fake_clock import FakeClock
from paybell.testing.scenarios.script import (
    Advance,
    Crash,
    Hold,
    Hook,
    Orders,
    Replay,
    Scenario,
    Send,
    Step,
    Tell,
    Turn,
)
from paybell.testing.scenarios.verdict import Seen, differences

_WORKERS: Final = 8
_REPEATED: Final = 0.3
"""How many requests of a shuffled history come twice."""
_STOP_GRACE_S: Final = 2.0
_ROWS_MAX: Final = 10_000


class Played(Struct, frozen=True, kw_only=True):
    """How a scenario went; ``problems`` is empty when all is as it must be. ``sent`` says what was done, in words."""

    name: str
    sent: tuple[str, ...]
    seen: Seen
    problems: tuple[str, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether all is as it must be."""
        return not self.problems


async def play(plan: Scenario, *, database: str, seed: int = 0) -> Played:
    """Play it on that database, which no other Paybell serves from. ``ConfigurationError`` where it is in use."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Stage(plan, _settings(database)) as stage:
        player = _Player(stage, seed)
        for step in plan.steps:
            await player.take(step)
        await player.settle()
        seen = await see(stage)
        seen = replace(seen, faults=(*player.faults(), *seen.faults))
        return Played(
            name=plan.name,
            sent=tuple(player.sent),
            seen=seen,
            problems=differences(plan, seen, player.copies),
            seconds=round(loop.time() - began, 3),
        )


def _settings(database: str) -> Settings:
    """Only the very address of the endpoints' servers is open; nothing is dropped, though days pass."""
    return settings(
        database=database,
        host=LOOPBACK,
        port=0,
        roles=ROLES,
        allow_private_networks=(ip_network(LOOPBACK),),
        keep_messages_days=0,
        keep_notifications_days=0,
        stop_grace_s=_STOP_GRACE_S,
    )


class _Player:
    """Takes the steps, and keeps what was answered otherwise than it must be."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._chance = FakeClock(seed=seed).chance
        self._wrong: Counter[str] = Counter()
        self.sent: list[str] = []
        self.copies: dict[str, int] = {}

    def faults(self) -> list[str]:
        return [f"{text} ({count} times)" if count > 1 else text for text, count in self._wrong.items()]

    async def take(self, step: Step) -> None:
        match step:
            case Send():
                await self._send(step)
            case Orders():
                await self._orders(step)
            case _:
                await self.settle()  # what was sent before comes before
                await self._act(step)

    async def _act(self, step: Crash | Advance | Turn | Replay | Hold | Tell) -> None:
        match step:
            case Crash():
                await self._crash(step)
            case Advance(seconds=seconds):
                self._advance(seconds)
            case Turn():
                await self._turn(step)
            case Replay():
                await self._replay()
            case Hold(source=source, secrets=secrets):
                await self._stage.hold(source, secrets)
                self.sent.append(f"{source} now holds the secrets {', '.join(secrets)}")
            case Tell():
                self._stage.tell(step)
                self.sent.append(f"the API of {step.source} says that {step.payment} is {step.status}")
            case _:
                assert_never(step)

    async def settle(self) -> None:
        if late := await quiet(self._stage):
            self._wrong[late] += 1

    async def _send(self, step: Send) -> None:
        answers: Counter[str] = Counter()
        posts = [self._post(hook, answers) for hook in step.hooks for _ in range(step.times)]
        if step.at_once:
            await asyncio.gather(*posts)
        else:
            for post in posts:
                await post
        how = " at once" if step.at_once else ""
        self.sent.append(f"{_named(step.hooks, step.times)}{how}: {_answers(answers)}")

    async def _orders(self, step: Orders) -> None:
        orders = list(permutations(step.hooks))
        if len(orders) > step.orders_max:
            orders = sorted(orders, key=lambda _: self._chance())[: step.orders_max]
        for hook in step.hooks:
            self.copies[hook.payment] = len(orders)
        answers: Counter[str] = Counter()
        histories = [[hook for hook in order for _ in range(self._times(step))] for order in orders]
        room = asyncio.Semaphore(_WORKERS)
        await asyncio.gather(*(self._history(history, copy, answers, room) for copy, history in enumerate(histories)))
        self.sent.append(f"{_named(step.hooks)} in {len(orders)} orders: {_answers(answers)}")

    def _times(self, step: Orders) -> int:
        return 2 if step.repeats and self._chance() < _REPEATED else 1

    async def _history(self, hooks: list[Hook], copy: int, answers: Counter[str], room: asyncio.Semaphore) -> None:
        async with room:
            for hook in hooks:
                await self._post(hook, answers, copy)

    async def _crash(self, step: Crash) -> None:
        await self._stage.host.stop()
        answers: Counter[str] = Counter()
        try:
            async with doomed(self._stage.settings) as url:
                for hook in step.hooks:
                    await self._post(hook, answers, base=url)
        finally:
            await self._stage.host.start()
        self.sent.append(f"{_named(step.hooks)} to a process that was killed then: {_answers(answers)}")

    def _advance(self, seconds: int) -> None:
        self._stage.clock.advance(seconds)
        self._stage.host.bell.deliver.wake()
        self.sent.append(f"{seconds} s passed")

    async def _turn(self, step: Turn) -> None:
        receiver = self._stage.ears[step.endpoint].receiver
        await (receiver.start() if step.up else receiver.stop())
        self.sent.append(f"{step.endpoint} goes {'up' if step.up else 'down'}")

    async def _replay(self) -> None:
        store, organisation_id = self._stage.store, self._stage.organisation.id
        count = 0
        for source in self._stage.sources.values():
            query = PageQuery(organisation_id=organisation_id, limit=_ROWS_MAX, filters={"source_id": source.id})
            for view in (await store.notification_page(query)).data:
                now_ms = self._stage.clock.now_ms()
                try:
                    await store.notification_replay(organisation_id, view.notification.id, now_ms=now_ms)
                except Conflict as error:
                    self._wrong[str(error)] += 1
                else:
                    count += 1
        self._stage.host.bell.record.wake()
        self.sent.append(f"{count} notifications replayed")

    async def _post(self, hook: Hook, answers: Counter[str], copy: int = 0, base: str = "") -> None:
        said = _said(await self._stage.post(hook, copy, base))
        answers[said] += 1
        if said != str(hook.answer):
            self._wrong[f"{hook.source} {hook.event} for {hook.payment} was answered {said}, wanted {hook.answer}"] += 1


def _said(outcome: Outcome) -> str:
    return str(outcome.status_code) if isinstance(outcome, Answered) else f"{outcome.phase}: {outcome.reason}"


def _named(hooks: tuple[Hook, ...], times: int = 1) -> str:
    often = f"{times} x " if times > 1 else ""
    return ", ".join(
        f"{often}{source} {event}" for source, event in dict.fromkeys((it.source, it.event) for it in hooks)
    )


def _answers(answers: Counter[str]) -> str:
    return ", ".join(f"{count} x {said}" for said, count in sorted(answers.items()))
