"""The benchmark of messages posts what an SDK posts, and misses nothing of what becomes of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.deliver import balance, namer, of_messages
from benchmarks.flow import Arrivals, judge_flow, read_journal, sustains
from benchmarks.generator import Run
from benchmarks.messages import CAPTURE, Messages, Posted, number_text
from benchmarks.options import Options

ALL = Options(rate=10, seconds=1, connections=1, saturate=False, endpoints=2, fan_out=True)
IN_TURN = Options(rate=10, seconds=1, connections=1, saturate=False, endpoints=2)
POSTED = Posted(applications=("app_1", "app_2"), host="127.0.0.1:1", key="pbk_1", run="r")


def run_of(*statuses: int) -> Run:
    due_s = [number / 10 for number in range(len(statuses))]
    return Run(
        started_s=100.0,
        due_s=due_s,
        latencies_s=due_s,
        statuses=statuses,
        lags_s=[0.0],
        wall_s=1.0,
        cpu_s=0.1,
    )


class Told:
    """A database that has these messages, and has recorded these deliveries."""

    kind = "sqlite"

    def __init__(self, kept: list[str], delivered: list[str]) -> None:
        self.kept = kept
        self.delivered = delivered

    url, env = "", dict[str, str]()
    begin = end = staticmethod(lambda: None)
    figures: Callable[[int], dict[str, str]] = staticmethod(lambda _: {})

    def column(self, query: str) -> list[str]:
        return self.delivered if "delivered" in query else self.kept


def test_requests_are_distinct_and_go_to_each_application_in_turn() -> None:
    requests = [request.split(b"\r\n\r\n", 1) for request in Messages(3, POSTED)]

    heads = [head.decode().split("\r\n") for head, _ in requests]
    assert [head[0].split("/")[4] for head in heads] == ["app_1", "app_2", "app_1"]
    assert len({line for head in heads for line in head if line.startswith("Idempotency-Key: ")}) == 3
    for number, (head, (_, body)) in enumerate(zip(heads, requests, strict=True)):
        assert f"Content-Length: {len(body)}" in head
        said = json.loads(body)
        assert said["payload"]["number"] == number_text(number)
        assert 1_000 < len(json.dumps(said["payload"], separators=(",", ":"))) < 1_100
        assert re.findall(CAPTURE, body.decode()) == [number_text(number)]


def test_without_a_run_no_request_has_a_key() -> None:
    posted = Posted(applications=("app_1",), host="127.0.0.1:1", key="pbk_1")
    assert all(b"Idempotency" not in request for request in Messages(3, posted))


def test_a_message_is_due_at_its_endpoint_or_at_all_of_them() -> None:
    assert [list(namer(IN_TURN)(number)) for number in range(3)] == [
        ["000000000000 /e0"],
        ["000000000001 /e1"],
        ["000000000002 /e0"],
    ]
    assert list(namer(ALL)(7)) == ["000000000007 /e0", "000000000007 /e1"]


def arrived(*names: str) -> Arrivals:
    return Arrivals(list(names), [100.0 + number / 10 for number in range(len(names))])


@pytest.mark.parametrize(
    ("kept", "delivered", "came", "faults"),
    [
        (["0"], ["0 /e0", "0 /e1"], ["0 /e1", "0 /e0"], (0, 0, 0)),
        ([], ["0 /e0", "0 /e1"], ["0 /e1", "0 /e0"], (1, 0, 0)),
        (["0"], ["0 /e0"], ["0 /e1", "0 /e0"], (1, 0, 0)),
        (["0"], ["0 /e0", "0 /e1"], ["0 /e0", "0 /e0"], (1, 0, 1)),
        (["0"], ["0 /e0", "0 /e1"], ["0 /e0", "0 /e1", "0 /e2"], (0, 1, 0)),
    ],
)
def test_what_is_lost_doubled_or_never_sent_is_found(
    kept: list[str], delivered: list[str], came: list[str], faults: tuple[int, int, int]
) -> None:
    long = [[name.rjust(len(name) + 11, "0") for name in names] for names in (kept, delivered, came)]

    books = balance(run_of(202), namer(ALL), Told(long[0], long[1]), arrived(*long[2]))

    assert (books.lost, books.unexpected, books.duplicated) == faults


def test_of_a_refused_message_nothing_need_come() -> None:
    assert balance(run_of(503), namer(ALL), Told([], []), arrived()).balanced


def test_a_fan_out_is_sustained_by_its_last_delivery() -> None:
    names = [name for number in range(10) for name in namer(ALL)(number)]
    arrivals = Arrivals(names, [100.06 + number / 20 for number in range(20)])

    flow = judge_flow(run_of(*[202] * 10), arrivals, ALL, namer(ALL))

    assert (flow.latency.count, flow.backlog) == (20, 1)
    assert flow.latency.max == pytest.approx(0.11)
    assert flow.through_rate == pytest.approx(20 / 1.01)
    assert sustains(run_of(*[202] * 10), flow, each=2)


def test_the_journal_tells_endpoints_apart(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_text("msg_1\t1000000000\t000000000000\t/e0\nmsg_1\t2000000000\t000000000000\t/e1\n")
    assert read_journal(journal, by_path=True).names == ["000000000000 /e0", "000000000000 /e1"]
    assert read_journal(journal).times_s == [1.0, 2.0]


def test_figures_are_those_of_messages() -> None:
    assert of_messages({"database bytes per notification": "1"}) == {"database bytes per message": "1"}
