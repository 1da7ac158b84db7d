"""Messages posted to a server that is killed again and again: who posts, polls and receives, and what must hold."""

import asyncio
import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec
from msgspec import Struct

from paybell.testing.received import Received, Reply, StandardWebhooks
from tests.acceptance.lean_http import Poster
from tests.acceptance.world import KEY, Server
from tests.databases import Database

APP: Final = "shop"
LINES: Final = 6
RATE: Final = 15
HIDDEN_S: Final = 1.0
"""How long after its answer an attempt may wait for its commit, on a machine that is busy."""
_PACE_S: Final = 0.2
_BEHIND_MAX: Final = 40
"""How many of a line may wait until its client posts no more of them: a line has its retries to wait for."""
_AGAIN_S: Final = 0.05
_WINDOW_S: Final = 5.0
_OK, _ACCEPTED, _CONFLICT = 200, 202, 409
_RETRIED: Final = {"retryDelays": [1] * 12}
ENDPOINTS: Final[Mapping[str, Mapping[str, object]]] = {
    "all": _RETRIED,
    "line": {"ordering": "fifo", "channels": ["line"], **_RETRIED},
    "lines": {"ordering": "fifo_by_key", **_RETRIED},
    "slow": {"throttleRate": RATE, "channels": ["slow"], **_RETRIED},
    "inbox": {"polled": True},
}
"""What is asked for under each uid; ``line`` and ``slow`` get the messages of their channel, the others all."""
PUSHED: Final = ("all", "line", "lines", "slow")
_FAILURES: Final[Mapping[int, Sequence[int]]] = {3: (500,), 7: (0,), 19: (500, 503)}
"""What messages of such a number (modulo 29) are answered first; 0 is no answer."""
_NUMBERS: Final = 29


class Posted(Struct, kw_only=True):
    """One message as its client knows it: ``line`` posts it, and the next one once it is accepted, as ``id``."""

    number: int
    line: int
    body: bytes
    payload: bytes
    key: str
    channels: Sequence[str]
    id: str = ""

    def goes_to(self, endpoint: str) -> bool:
        """Whether an endpoint asked for it."""
        return endpoint not in {"line", "slow"} or endpoint in self.channels


def message(number: int, line: int) -> Posted:
    """With an idempotency key, with an event id, or with both."""
    named = {"eventId": f"event-{number}"} if number % 3 else {}
    channels = [name for name, has in (("line", line == 0), ("slow", number % 4 == 0)) if has]
    on = {"channels": channels} if channels else {}
    payload = json.dumps({"number": number, "text": "é" * (number % 50)}, ensure_ascii=False).encode()
    head = json.dumps({"eventType": "order.paid", "orderingKey": f"k{line}", **named, **on}).encode()
    return Posted(
        number=number,
        line=line,
        body=head[:-1] + b', "payload": ' + payload + b"}",
        payload=payload,
        key="" if number % 3 == 1 else f"key-{number}",
        channels=channels,
    )


class Clients:
    """Clients of one application: each posts its messages one after the other, each again until it is accepted."""

    def __init__(self, url: str, ends: "Ends") -> None:
        self._api = f"{url}/api/v1/app/{APP}"
        self._ends = ends
        self._poster = Poster(5)
        self._headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        self._ending = False
        self._has_ended = False
        self.posted: list[Posted] = []
        self.status_codes: Counter[int] = Counter()
        self.unanswered = 0
        self.polled: list[tuple[str, bytes]] = []

    async def run(self) -> None:
        """Post until :meth:`end`, and poll until all of that has come."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll())
            await asyncio.gather(*(self._post_on(line) for line in range(LINES)))
            self._has_ended = True
        self._poster.close()

    def end(self) -> None:
        """Begin no further message."""
        self._ending = True

    async def _post_on(self, line: int) -> None:
        mine: list[int] = []
        while not self._ending:
            await asyncio.sleep(_PACE_S)
            if len(mine) >= _BEHIND_MAX and not self._ends.arrivals["lines"].get(mine[-_BEHIND_MAX]):
                continue
            it = message(len(self.posted), line)
            self.posted.append(it)
            mine.append(it.number)
            await self._post(it)
            if it.number % 10 == 0:  # a client that did not hear it
                await self._post(it)

    async def _post(self, it: Posted) -> None:
        headers = self._headers | ({"idempotency-key": it.key} if it.key else {})
        while True:
            status_code, body = await self._ask("POST", "/msg", it.body, headers)
            self.status_codes[status_code] += 1
            if status_code == _ACCEPTED:
                found = json.loads(body)["id"]
                assert it.id in {"", found}, "one key, two messages"
                it.id = found
                return
            if status_code == _CONFLICT and not it.key:
                return

    async def _poll(self) -> None:
        """As a consumer that hands an iterator back once what came with it is safe."""
        iterator = ""
        while not self._has_ended or len(self.polled) < len(self.posted):
            given = f"&iterator={iterator}" if iterator else ""
            status_code, body = await self._ask("GET", f"/poller/inbox/consumer/books?limit=100{given}", b"")
            if status_code == _OK:
                page = msgspec.json.decode(body, type=_Page)
                self.polled += [(it.id, bytes(it.payload)) for it in page.data]
                iterator = page.iterator
            await asyncio.sleep(_AGAIN_S)

    async def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        while True:
            try:
                return await self._poster.ask(method, self._api + path, body, headers or self._headers)
            except OSError:
                self.unanswered += 1
                await asyncio.sleep(_AGAIN_S)


class _Polled(Struct):
    id: str
    payload: msgspec.Raw


class _Page(Struct):
    data: list[_Polled]
    iterator: str


class _Numbered(Struct):
    number: int


class Arrival(Struct, frozen=True, kw_only=True):
    """A try as its receiver saw it; ``answered_s`` is when its answer leaves."""

    arrived_s: float
    answered_s: float
    taken: bool


class Ends:
    """What the endpoints get; what they answer depends on the message, and on how often it came."""

    def __init__(self) -> None:
        self.verify: dict[str, StandardWebhooks] = {}
        self.arrivals: dict[str, dict[int, list[Arrival]]] = {name: defaultdict(list) for name in PUSHED}
        self.contents: dict[str, set[tuple[str, bytes]]] = {name: set() for name in PUSHED}

    def answer(self, received: Received) -> Reply:
        """Keep it, and fail some first tries: with a status, with a pause, with no answer at all."""
        name = received.path.strip("/")
        assert self.verify[name](received)
        number = msgspec.json.decode(received.body, type=_Numbered).number
        tries = self.arrivals[name][number]
        codes = _FAILURES.get(number % _NUMBERS, ())
        code = codes[len(tries)] if len(tries) < len(codes) else _OK
        delay_s = 0.03 if number % 4 == 1 else 0.0
        answered_s = received.arrived_s + delay_s
        tries.append(Arrival(arrived_s=received.arrived_s, answered_s=answered_s, taken=code == _OK))
        self.contents[name].add((received.webhook_id, received.body))
        return Reply(status_code=code, delay_s=delay_s)


def furnish(server: Server, ends: Ends, url: str) -> None:
    """An application with its endpoints."""
    server.post("/app", {"name": "Shop", "uid": APP})
    for name, options in ENDPOINTS.items():
        server.post(f"/app/{APP}/endpoint", {"uid": name, "url": f"{url}{name}", **options})
        if name in PUSHED:
            ends.verify[name] = StandardWebhooks(server.get(f"/app/{APP}/endpoint/{name}/secret")["key"])


# ---- what must hold in the end


def compare(database: Database, clients: Clients, ends: Ends, deaths_s: Sequence[float]) -> int:
    """Nothing lost, nothing made twice, every line in its order; how many were sent again that had been taken.

    ``deaths_s`` are when the servers died by the receivers' clock, in their order.
    """
    ids = _kept(database, clients.posted)
    polled = Counter(clients.polled)
    wanted = Counter((ids[it.number], it.payload) for it in clients.posted)
    assert (polled - wanted, wanted - polled) == (Counter(), Counter()), "polled twice, or never"
    for name in PUSHED:
        wanted = {it.number: it for it in clients.posted if it.goes_to(name)}
        assert set(ends.arrivals[name]) == set(wanted), f"{name}: lost, or not its own"
        assert ends.contents[name] == {(ids[it.number], it.payload) for it in wanted.values()}, "another id or body"
    _check_records(database, sum(it.goes_to(name) for it in clients.posted for name in PUSHED))
    _check_lines(clients.posted, ends)
    _check_rate(ends)
    return sum(
        _again(name, number, tries, deaths_s) for name in PUSHED for number, tries in ends.arrivals[name].items()
    )


def _kept(database: Database, posted: Sequence[Posted]) -> Mapping[int, str]:
    """The id of each message; each is there once, under the id that its client knows."""
    rows = database.rows("SELECT m.payload, m.id FROM messages AS m JOIN applications AS a ON a.id = m.application_id")
    numbers = Counter(msgspec.json.decode(payload, type=_Numbered).number for payload, _ in rows)
    assert numbers == Counter(range(len(posted))), "accepted and lost, or one key and two messages"
    ids = {msgspec.json.decode(payload, type=_Numbered).number: found for payload, found in rows}
    assert all(it.id in {"", ids[it.number]} for it in posted)
    return ids


def _check_records(database: Database, count: int) -> None:
    """Each delivery was taken once, at its last attempt, and no attempt is missing or there twice."""
    found = database.rows(
        "SELECT d.state, d.attempt_count, count(a.id), count(DISTINCT a.attempt_no), max(a.attempt_no),"
        " sum(a.delivered), max(a.delivered * a.attempt_no)"
        " FROM deliveries AS d LEFT JOIN attempts AS a ON a.delivery_id = d.id"
        " GROUP BY d.id, d.state, d.attempt_count"
    )
    assert len(found) == count
    for state, tries, *counted, taken, taken_at in found:
        assert (state, counted, taken, taken_at) == ("delivered", [tries] * 3, 1, tries)


def _check_lines(posted: Sequence[Posted], ends: Ends) -> None:
    """Once a later one of a line has come, no earlier one comes any more."""
    for name in ("line", "lines"):
        for line in range(LINES):
            tries = [ends.arrivals[name][it.number] for it in posted if it.line == line and it.goes_to(name)]
            for earlier, later in pairwise(tries):
                assert earlier[-1].taken
                assert earlier[-1].arrived_s <= later[0].arrived_s, f"{name}: out of order"


def _check_rate(ends: Ends) -> None:
    times_s = sorted(it.arrived_s for tries in ends.arrivals["slow"].values() for it in tries)
    for place, begin_s in enumerate(times_s):
        assert bisect_left(times_s, begin_s + _WINDOW_S) - place <= RATE * (_WINDOW_S + 1), "faster than it may be"


def _again(name: str, number: int, tries: Sequence[Arrival], deaths_s: Sequence[float]) -> int:
    """How often a message was sent again that had been taken; each time the server died before it could record that."""
    taken = [it for it in tries if it.taken]
    assert taken, f"{name}: message {number} was never taken"
    for it in taken[:-1]:
        place = bisect_left(deaths_s, it.arrived_s)
        died_s = deaths_s[place] if place < len(deaths_s) else float("inf")
        assert died_s <= it.answered_s + HIDDEN_S, f"{name}: message {number} was sent again although it was recorded"
    return len(taken) - 1
