"""Keeping house, on a roll in memory, with a clock that stands still and a loop whose time is set."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import pytest
from structlog.testing import capture_logs

from paybell.errors import ConfigurationError, PaybellError, StoreUnavailable
from paybell.keep.service import KeepConfig, KeepService
from paybell.model.node import Backlog, Node, Roll
from paybell.ports import Held, Retention, Tended
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.loops import Loop
from tests.unit.steps import turns_until

CONFIG = KeepConfig(tend_every_looks=10, lease_ms=60_000, retention=Retention(messages_ms=7))
HELD = Held(notifications=frozenset({"ntf_1"}), deliveries=frozenset({"dlv_1"}))
DEAD_AFTER = CONFIG.dead_after_looks


class House:
    """The store as keep sees it. ``problem`` is raised by whatever is asked; ``hangs`` never answers."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.leader_id = ""
        self.term = 0
        self.problem: Exception | None = None
        self.hangs = False
        self.lost_count = 0
        self.reclaims: list[tuple[Held, int]] = []
        self.tended: list[Retention] = []
        self.more = False
        self.tending: asyncio.Event | None = None

    async def _answer(self) -> None:
        if self.problem is not None:
            raise self.problem
        if self.hangs:
            await asyncio.Event().wait()

    def others_beat(self, *ids: str) -> None:
        for id_ in ids:
            known = self.nodes.get(id_, a_node(id_))
            self.nodes[id_] = msgspec.structs.replace(known, beat_no=known.beat_no + 1)

    def others_lead(self, id_: str) -> None:
        self.leader_id, self.term = id_, self.term + 1

    async def node_join(self, node: Node) -> None:
        await self._answer()
        self.nodes[node.id] = node

    async def node_beat(self, node_id: str, *, now_ms: int, figures: Mapping[str, int]) -> Roll | None:
        await self._answer()
        if node_id not in self.nodes:
            return None
        self.others_beat(node_id)
        self.nodes[node_id] = msgspec.structs.replace(self.nodes[node_id], figures=figures)
        return await self.node_list()

    async def node_list(self) -> Roll:
        return Roll(nodes=tuple(self.nodes.values()), leader_id=self.leader_id, term=self.term)

    async def now_ms(self) -> int:
        return START_MS

    async def node_bury(self, nodes: Sequence[Node], *, now_ms: int) -> tuple[str, ...]:
        gone = [it.id for it in nodes if self.nodes.get(it.id) == it]
        for id_ in gone:
            del self.nodes[id_]
        return tuple(gone)

    async def node_leave(self, node_id: str, *, now_ms: int) -> None:
        await self._answer()
        self.nodes.pop(node_id, None)

    async def lease_reclaim(self, held: Callable[[], Held], *, lease_ms: int, now_ms: int) -> int:
        self.reclaims.append((held(), lease_ms))
        return self.lost_count

    async def leader_take(self, node_id: str, term: int) -> bool:
        if term == self.term:
            self.others_lead(node_id)
            return True
        return False

    async def backlog_list(self, *, now_ms: int, count_max: int) -> tuple[Backlog, ...]:
        return ()

    async def tend(self, retention: Retention, *, now_ms: int) -> Tended:
        self.tended.append(retention)
        await self._answer()
        if self.tending is not None:
            await self.tending.wait()
        return Tended(dropped=("messages_20250616",), more=self.more)

    async def payload_expire(self, *, now_ms: int, limit: int) -> int:
        return 0


def a_node(id_: str) -> Node:
    return Node(id=id_, name="shop", roles=("web",), version="1", started_at_ms=START_MS, figures={})


class Desk:
    """A house, one node of it, and what that node was told."""

    def __init__(self) -> None:
        self.house = House()
        self.clock = FakeClock()
        self.told: list[str] = []
        self.service = KeepService(
            self.house,
            self.clock,
            CONFIG,
            a_node("node_me"),
            figures=lambda: {"record_waiting": 3},
            held=lambda: HELD,
            on_buried=lambda: self.told.append("buried"),
            on_fresh=lambda: self.told.append("fresh"),
        )

    @property
    def me(self) -> Node:
        return self.house.nodes[self.service.node.id]

    async def look(self, times: int = 1, *, others: Sequence[str] = ()) -> None:
        """So many beats of this node, with one of some others before each."""
        for _ in range(times):
            self.house.others_beat(*others)
            await self.service.run_once()

    async def pass_by(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        loop.ahead_s += delay_s

    async def beat(self) -> None:
        """The next beat of a node that runs, to its end."""
        await turns_until(lambda: self.clock.sleeper_count == 1)
        self.clock.advance(CONFIG.beat_s)
        await turns_until(lambda: self.clock.sleeper_count == 1)
        await self.settle()

    async def settle(self) -> None:
        """Let what has begun come to where it waits."""
        for _ in range(10):
            await asyncio.sleep(0)


def keep(scenario: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        desk = Desk()
        await desk.service.join()
        await scenario(desk)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())


def running(scenario: Callable[[Desk], Awaitable[None]]) -> None:
    """The same with its loop under way."""

    async def main(desk: Desk) -> None:
        task = asyncio.create_task(desk.service.run())
        try:
            await scenario(desk)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    keep(main)


# ---------------------------------------------------------------------------------------- signs of life


def test_it_beats_at_its_pace_and_says_how_far_behind_it_is() -> None:
    async def scenario(desk: Desk) -> None:
        for count in (1, 2, 3):
            await desk.beat()
            assert (desk.me.beat_no, desk.me.figures) == (count, {"record_waiting": 3})

    running(scenario)


def test_one_that_was_taken_for_dead_lets_go_of_what_it_held_and_begins_again_as_another() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.look()
        assert desk.service.leads
        del desk.house.nodes["node_me"]
        await desk.look()
        assert desk.told == ["buried", "fresh"]
        assert desk.service.node.id not in ("node_me", "")
        assert list(desk.house.nodes) == [desk.service.node.id]
        assert desk.me.figures == {"record_waiting": 3}
        assert not desk.service.leads  # whoever buried it does
        assert desk.service.is_fresh()

    keep(scenario)


def test_one_that_rises_has_not_seen_anybody_yet() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.others_lead("node_me")
        desk.house.others_beat("node_2")
        await desk.look(DEAD_AFTER)
        del desk.house.nodes["node_me"]
        await desk.look(2)
        assert "node_2" in desk.house.nodes

    keep(scenario)


# ---------------------------------------------------------------------------------------- a store that is away


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
def test_while_the_store_is_away_it_leads_no_more_and_soon_may_begin_nothing(*, hangs: bool) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.beat()
        assert desk.service.leads
        desk.house.hangs = hangs
        desk.house.problem = None if hangs else StoreUnavailable("away")
        with capture_logs() as lines:
            desk.clock.advance(CONFIG.beat_s)
            await desk.settle()
            assert desk.service.leads == hangs
            await desk.pass_by(CONFIG.beat_timeout_s)
            await turns_until(lambda: desk.clock.sleeper_count == 1)
        assert [it["event"] for it in lines] == ["node.unheard"]
        assert not desk.service.leads
        assert desk.service.is_fresh()
        await desk.pass_by(CONFIG.fresh_s - CONFIG.beat_timeout_s)
        assert not desk.service.is_fresh()
        assert desk.told == []
        desk.house.hangs, desk.house.problem = False, None
        for _ in range(3):
            await desk.beat()
            assert desk.service.is_fresh()
            assert desk.told == ["fresh"]
            assert desk.service.leads

    running(scenario)


def test_a_beat_that_fails_in_a_way_nobody_thought_of_is_told_and_the_next_one_comes() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.beat()
        desk.house.problem = RuntimeError("a fault")
        with capture_logs() as lines:
            await desk.beat()
        assert [it["event"] for it in lines] == ["node.beat_failed"]
        assert not desk.service.leads
        desk.house.problem = None
        await desk.beat()
        assert desk.service.leads
        assert desk.service.is_fresh()

    running(scenario)


def test_one_is_fresh_from_when_it_began_to_beat_and_not_from_when_that_was_answered() -> None:
    async def scenario(desk: Desk) -> None:
        beat = desk.house.node_beat

        async def slow(node_id: str, *, now_ms: int, figures: Mapping[str, int]) -> Roll | None:
            await desk.pass_by(CONFIG.fresh_s)
            return await beat(node_id, now_ms=now_ms, figures=figures)

        setattr(desk.house, "node_beat", slow)  # noqa: B010 - a stand-in of a stand-in
        await desk.look()
        assert not desk.service.is_fresh()

    keep(scenario)


@pytest.mark.parametrize("problem", [None, StoreUnavailable("away")], ids=["there", "away"])
def test_it_leaves_also_when_nobody_hears_of_it(problem: PaybellError | None) -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.problem = problem
        await desk.service.leave()
        assert ("node_me" in desk.house.nodes) == (problem is not None)

    keep(scenario)


def test_it_does_not_wait_long_to_be_heard_leaving() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.hangs = True
        leaving = asyncio.create_task(desk.service.leave())
        await asyncio.sleep(0)
        assert not leaving.done()
        await desk.pass_by(CONFIG.beat_timeout_s)
        await leaving

    keep(scenario)


def test_a_node_that_could_still_begin_things_when_others_take_it_for_dead_is_refused() -> None:
    with pytest.raises(ValueError, match="fresh_s"):
        KeepConfig(beat_s=1.0, dead_after_looks=5, fresh_s=5.0)


# ---------------------------------------------------------------------------------------- leading


def test_where_nobody_leads_it_does_and_goes_on() -> None:
    async def scenario(desk: Desk) -> None:
        for term in (1, 2, 3):
            await desk.look()
            assert (desk.service.leads, desk.house.leader_id, desk.house.term) == (True, "node_me", term)

    keep(scenario)


def test_it_follows_a_leader_and_takes_over_from_one_that_went_silent() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.others_beat("node_2")
        for _ in range(9):
            desk.house.others_lead("node_2")
            await desk.look(others=["node_2"])
            assert not desk.service.leads
        await desk.look(DEAD_AFTER - 1, others=["node_2"])
        assert not desk.service.leads
        await desk.look(others=["node_2"])
        assert desk.service.leads

    keep(scenario)


def test_it_leads_no_more_when_another_has_begun_a_term_and_again_when_that_one_is_gone() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.look()
        assert desk.service.leads
        desk.house.others_beat("node_2")
        desk.house.others_lead("node_2")
        await desk.look()
        assert not desk.service.leads
        del desk.house.nodes["node_2"]
        await desk.look()
        assert desk.service.leads

    keep(scenario)


def test_one_that_is_beaten_to_the_next_term_does_not_lead() -> None:
    async def scenario(desk: Desk) -> None:
        roll = await desk.house.node_beat("node_me", now_ms=START_MS, figures={})
        assert roll is not None
        desk.house.others_lead("node_2")
        await desk.service._lead(roll)
        assert not desk.service.leads

    keep(scenario)


def test_the_leader_buries_the_silent_and_nobody_else() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.others_beat("node_2", "node_3")
        await desk.look(DEAD_AFTER, others=["node_2"])
        assert set(desk.house.nodes) == {"node_me", "node_2", "node_3"}
        await desk.look(others=["node_2"])
        assert set(desk.house.nodes) == {"node_me", "node_2"}
        assert desk.service.counts["buried"] == 1

    keep(scenario)


def test_who_does_not_lead_buries_nobody() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.others_beat("node_2", "node_3")
        for _ in range(3 * DEAD_AFTER):
            desk.house.others_lead("node_2")
            await desk.look(others=["node_2"])
        assert "node_3" in desk.house.nodes
        assert desk.service.counts["buried"] == 0

    keep(scenario)


# ---------------------------------------------------------------------------------------- tending


def test_whoever_begins_to_lead_tends_at_once_and_then_at_its_pace() -> None:
    async def scenario(desk: Desk) -> None:
        counts = []
        for _ in range(2 * CONFIG.tend_every_looks + 1):
            await desk.beat()
            counts.append(len(desk.house.tended))
        every = CONFIG.tend_every_looks
        assert counts == [1] * every + [2] * every + [3]
        assert desk.house.tended[0] == CONFIG.retention
        assert desk.service.counts["dropped"] == 3

    running(scenario)


def test_who_does_not_lead_does_not_tend() -> None:
    async def scenario(desk: Desk) -> None:
        for _ in range(2 * CONFIG.tend_every_looks):
            desk.house.others_beat("node_2")
            desk.house.others_lead("node_2")
            await desk.beat()
        assert desk.house.tended == []

    running(scenario)


def test_a_long_round_of_tending_keeps_no_beat_waiting_and_is_alone() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.tending = asyncio.Event()
        for _ in range(3 * CONFIG.tend_every_looks):
            await desk.beat()
        assert len(desk.house.tended) == 1
        assert desk.me.beat_no == 3 * CONFIG.tend_every_looks
        desk.house.tending.set()
        await desk.beat()
        await desk.beat()
        assert len(desk.house.tended) == 2

    running(scenario)


def test_where_more_is_left_to_tend_the_next_round_is_soon() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.more = True
        for count in (1, 2, 3):
            await desk.beat()
            assert len(desk.house.tended) == count
        desk.house.more = False
        for _ in range(3):
            await desk.beat()
        assert len(desk.house.tended) == 4

    running(scenario)


@pytest.mark.parametrize("problem", [StoreUnavailable("busy"), ConfigurationError("may not create")])
def test_a_round_that_cannot_be_done_is_told_and_done_later(problem: PaybellError) -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.problem = problem
        with capture_logs() as lines:
            await desk.service.tend_once()
        assert [(it["event"], it["error"]) for it in lines] == [("database.untended", str(problem))]
        desk.house.problem = None
        for _ in range(CONFIG.tend_every_looks):
            await desk.beat()
        assert len(desk.house.tended) == 2

    running(scenario)


def test_a_stop_breaks_a_round_off() -> None:
    broken_off: list[asyncio.Task[None]] = []

    async def scenario(desk: Desk) -> None:
        desk.house.tending = asyncio.Event()
        await desk.beat()
        assert desk.service._tending is not None
        broken_off.append(desk.service._tending)

    running(scenario)
    assert broken_off[0].cancelled()


# ---------------------------------------------------------------------------------------- leases and clocks


def test_leases_that_never_reached_it_are_taken_back_but_for_what_it_holds() -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.lost_count = 5
        await desk.look(2)
        assert desk.house.reclaims == [(HELD, CONFIG.lease_ms)] * 2
        assert desk.service.counts["reclaimed"] == 10

    keep(scenario)


@pytest.mark.parametrize(("off_ms", "told"), [(0, 0), (5_000, 0), (5_001, 1), (-5_001, 1)])
def test_a_clock_that_is_far_off_is_told(off_ms: int, told: int) -> None:
    async def scenario(desk: Desk) -> None:
        desk.house.nodes["node_me"] = msgspec.structs.replace(desk.me, clock_off_ms=off_ms)
        desk.house.nodes["node_2"] = msgspec.structs.replace(a_node("node_2"), clock_off_ms=10**6)
        with capture_logs() as lines:
            await desk.look()
        assert [it["ms"] for it in lines if it["event"] == "node.clock_off"] == [off_ms] * told

    keep(scenario)
