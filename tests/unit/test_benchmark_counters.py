"""What benchmarks say of a database server, and what they refuse to measure."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import generator
from benchmarks.counters import Counters, family_ticks, figures
from benchmarks.database import SqliteDatabase, notes
from benchmarks.generator import Load
from benchmarks.ingest import per_each
from paybell.testing.receiver import Receiver

BEFORE = Counters(statements=100, frames=20, commits=50, wal_bytes=1_000_000, wal_syncs=10, database_bytes=8_000_000)
AFTER = Counters(statements=400, frames=70, commits=250, wal_bytes=1_900_000, wal_syncs=60, database_bytes=8_500_000)


def stat_of(pid: int, name: str, parent: int, ticks: tuple[int, int, int, int]) -> str:
    """As proc(5) has it: utime, stime, cutime and cstime are fields 14 to 17."""
    return (
        f"{pid} ({name}) S {parent} {pid} {pid} 0 -1 4194560 901 902 903 904 {' '.join(map(str, ticks))} 20 0 1 0 77\n"
    )


def test_figures_are_what_came_between_per_message() -> None:
    assert figures(AFTER - BEFORE, 100) == {
        "database bytes per notification": "5000",
        "WAL bytes per notification": "9000",
        "statements per message": "3.00",
        "of these BEGIN and COMMIT": "0.50",
        "commits per message": "2.00",
        "WAL syncs per message": "0.50",
    }


def test_figures_of_no_messages_are_no_error() -> None:
    assert figures(AFTER - BEFORE, 0)["commits per message"] == "200.00"


def test_a_family_is_a_process_its_children_and_those_of_them_that_have_ended() -> None:
    stats = [
        stat_of(10, "postgres", 1, (1, 2, 300, 400)),
        stat_of(11, "postgres", 10, (10, 20, 0, 0)),
        stat_of(12, "a) S 10 (b", 10, (5, 6, 7, 8)),
        stat_of(13, "python", 1, (1000, 1000, 1000, 1000)),
        stat_of(14, "postgres", 100, (1000, 1000, 1000, 1000)),
    ]

    assert family_ticks(stats, 10) == 703 + 30 + 26


def test_what_each_node_costs_stands_apart() -> None:
    assert per_each([0.001, 0.003], 10) == "100 + 300"
    assert per_each([0.001], 0) == "1000"


def test_the_bytes_of_a_file_are_told_per_notification(tmp_path: Path) -> None:
    (tmp_path / "paybell.db").write_bytes(bytes(8192))

    assert SqliteDatabase(tmp_path).figures(4) == {"database bytes per notification": "2048"}


def test_a_report_says_how_the_server_was_asked_where_there_is_one() -> None:
    assert notes("sqlite") == []
    assert any("pg_stat_statements" in note for note in notes("postgres"))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["end_to_end", "--nodes", "2"], "needs --database postgres"),
        (["ingest", "--nodes", "2", "--database", "sqlite"], "needs --database postgres"),
        (["end_to_end", "--nodes", "3", "--database", "postgres"], "invalid choice"),
        (["ingest", "--database", "mysql"], "invalid choice"),
        (["claims", "--database", "postgres"], "claims chooses for itself"),
        (["held_snapshot", "--nodes", "2"], "held_snapshot chooses for itself"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)

    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_connections_go_to_the_nodes_in_turn() -> None:
    async def scenario() -> tuple[int, list[int]]:
        async with Receiver(keep=False) as one, Receiver(keep=False) as other:
            load = Load(
                host="127.0.0.1",
                ports=[one.port, other.port],
                requests=[b"POST /in HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}"] * 20,
                connections=4,
                offsets_s=generator.evenly(100, 0.2),
            )
            run = await generator.run(load)
            return run.accepted, [one.count, other.count]

    accepted, counts = asyncio.run(scenario())

    assert accepted == sum(counts) == 20
    assert min(counts) >= 5
