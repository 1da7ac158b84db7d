"""``python -m benchmarks WHAT``; ``--help`` says what there is.

Exit status: 0 the run counts, 1 it failed (something lost, doubled or never sent), 3 it is void (generator late).
"""

import argparse
import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from benchmarks import (
    backlog,
    claims,
    database,
    deliver,
    end_to_end,
    fold,
    gateways,
    held_snapshot,
    ingest,
    isolation,
    report,
)
from benchmarks.climb import climb
from benchmarks.options import Measured, Options
from benchmarks.process import Failed
from paybell.errors import ConfigurationError

FAILED: Final = 1
VOID: Final = 3
BENCHMARKS: Final = {
    "ingest": ingest,
    "end_to_end": end_to_end,
    "deliver": deliver,
    "isolation": isolation,
    "backlog": backlog,
    "claims": claims,
    "held_snapshot": held_snapshot,
    "gateways": gateways,
    "fold": fold,
}
SINGLE: Final[Mapping[str, Callable[[Options], Measured]]] = {
    "ingest": ingest.measure,
    "end_to_end": end_to_end.measure,
    "deliver": deliver.measure,
}
SERIES: Final[Mapping[str, Callable[[Options], list[Measured]]]] = {
    "isolation": isolation.measure_all,
    "backlog": backlog.measure_all,
    "claims": claims.measure_all,
    "held_snapshot": held_snapshot.measure_all,
    "gateways": gateways.measure_all,
    "fold": fold.measure_all,
}
ROWS: Final = {
    "backlog": (1_000, 10_000, 100_000, 1_000_000),
    "claims": (1_000, 1_000_000, 10_000_000),
    "held_snapshot": (540_000,),
    "fold": (1, 10, 100, 1_000),
}


ON_EITHER: Final = (*SINGLE, "isolation")
"""What is told which database to use."""
RATES: Final = {"isolation": 300.0}
SECONDS: Final = {"isolation": 120.0}


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write the table; gives the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if wrong := _wrong(given):
        parser.error(wrong)
    benchmark = BENCHMARKS[given.what]
    options = Options(
        rate=RATES.get(given.what, 500.0) if given.rate is None else given.rate,
        seconds=SECONDS.get(given.what, 20.0) if given.seconds is None else given.seconds,
        connections=given.connections,
        saturate=given.saturate,
        module=given.module,
        rows=tuple(given.rows or ROWS.get(given.what, ())),
        database=given.database or "sqlite",
        nodes=given.nodes,
        endpoints=given.endpoints,
        fan_out=given.fan_out,
        keys=not given.no_keys,
        pairs=given.pairs,
    )
    load = report.load()
    try:
        results = _measure(given.what, options)
    except (Failed, ConfigurationError) as error:
        print(f"FAILED: {error}")
        return FAILED
    path = report.write(
        given.name or given.what + ("_saturate" if given.saturate else ""),
        title=benchmark.TITLE,
        date=given.date or dt.datetime.now(dt.UTC).date().isoformat(),
        command=" ".join(["python -m benchmarks", *arguments]),
        rows=[result.figures for result in results],
        notes=[*(benchmark.__doc__ or "").strip().split("\n\n")[1:], *database.notes(_kind(given)), load],
    )
    print(report.table([results[-1].figures] if given.what in SINGLE else [result.figures for result in results]))
    print(f"written to benchmarks/results/{path.name}")
    return _status(results, saturate=given.saturate)


def _measure(what: str, options: Options) -> list[Measured]:
    """One run; or, to find the highest rate, a closed loop (ingest, deliver) or a climb (end to end)."""
    if what not in SINGLE:
        return SERIES[what](options)
    measure = SINGLE[what]
    if not options.saturate:
        return [measure(options)]
    if what in ("ingest", "deliver"):
        return [measure(msgspec.structs.replace(options, rate=0.0))]
    results: list[Measured] = []

    def holds(rate: float) -> bool:
        result = measure(msgspec.structs.replace(options, rate=round(rate)))
        word = "sustained" if result.sustained and not result.void else "not sustained"
        results.append(msgspec.structs.replace(result, figures=result.figures | {"sustained": word}))
        print(f"{rate:.0f}/s: {word}; {result.figures['verdict']}", flush=True)
        return result.passed and result.sustained and not result.void

    print(f"highest sustained rate: {climb(options.rate, holds):.0f}/s")
    return results


def _status(results: Sequence[Measured], *, saturate: bool) -> int:
    """Beyond the highest rate a run may be void or slow, but never wrong."""
    if not all(result.passed for result in results):
        return FAILED
    return VOID if results[-1].void and not saturate else 0


def _wrong(given: argparse.Namespace) -> str:
    """What does not go together."""
    if given.what not in ON_EITHER and (given.database or given.nodes != 1):
        return f"--database and --nodes are for {' and '.join(ON_EITHER)}: {given.what} chooses for itself"
    if given.what != "isolation" and given.pairs != 1:
        return "--pairs is for isolation"
    if given.what != "deliver" and (given.endpoints != 1 or given.fan_out):
        return "--endpoints and --fan-out are for deliver"
    if given.what not in ("deliver", "backlog") and given.no_keys:
        return "--no-keys is for deliver and backlog"
    if given.nodes != 1 and given.database != "postgres":
        return "more than one node needs --database postgres"
    return ""


def _kind(given: argparse.Namespace) -> str:
    kind: str = given.database or "sqlite"
    return kind if given.what in ON_EITHER else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Paybell and write results/.")
    parser.add_argument("what", choices=list(BENCHMARKS))
    parser.add_argument("--rate", type=float, help="webhooks a second, at even intervals (default: 500; isolation 300)")
    parser.add_argument("--seconds", type=float, help="how long to send (default: 20; isolation 120)")
    parser.add_argument("--connections", type=int, default=64, help="keep-alive connections (default: 64)")
    parser.add_argument("--saturate", action="store_true", help="look for the highest rate, from --rate on")
    parser.add_argument("--database", choices=["sqlite", "postgres"], help="where all is kept (default: sqlite)")
    parser.add_argument("--nodes", type=int, choices=[1, 2], default=1, help="processes of Paybell (default: 1)")
    parser.add_argument("--endpoints", type=int, default=1, help="how many get messages, in turn (default: 1)")
    parser.add_argument("--fan-out", action="store_true", help="each endpoint gets every message")
    parser.add_argument("--no-keys", action="store_true", help="post without idempotency keys")
    parser.add_argument("--pairs", type=int, default=1, help="runs without and with trouble, by turns (default: 1)")
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        help="how many wait, go through a queue, or are one payment's facts (default: see results/)",
    )
    parser.add_argument("--name", default="", help="name of the results file (default: that of the benchmark)")
    parser.add_argument("--date", default="", help="date for the report (default: today, UTC)")
    parser.add_argument("--module", default="paybell", help="the module to start the server with (default: paybell)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
