"""``paybell scenario``."""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from paybell import log
from paybell.cli.shared import OUT, AsJson, fail, printable, show_json, show_rows
from paybell.errors import PaybellError
from paybell.model.money import to_major
from paybell.store.place import refuse_memory
from paybell.testing.scenarios import SCENARIOS, scenario
from paybell.testing.scenarios.script import Scenario
from paybell.testing.scenarios.verdict import EndpointSeen, PaymentSeen

if TYPE_CHECKING:
    from paybell.cli.scenario_play import Played

app = typer.Typer(no_args_is_help=True, help="What others got wrong, played against a real Paybell.")
ALL: Final = "all"
_CHARS_MAX: Final = 400
_NAMES_MAX: Final = 4


@app.command("list")
def list_(*, json: AsJson = False) -> None:
    """List what others got wrong, each as a scenario that can be run."""
    rows = [{"name": it.name, "wrong": it.wrong, "right": it.right} for it in SCENARIOS.values()]
    show_rows(rows, {"scenario": "name", "what goes wrong elsewhere": "wrong"}, json=json)


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="Its name.")], *, json: AsJson = False) -> None:
    """Show a scenario: who takes part, what is sent, and what must come of it."""
    plan = _known(name)
    if json:
        show_json(msgspec.to_builtins(plan))
        return
    OUT.print(f"{plan.name}\n  elsewhere  {plan.wrong}\n  here       {plan.right}")
    for title, parts in (("sources", plan.sources), ("endpoints", plan.endpoints), ("steps", plan.steps)):
        OUT.print(f"\n{title}")
        for part in parts:
            OUT.print(f"  {printable(_short(part))}")
    OUT.print(f"\nwanted\n  {printable(_short(plan.wanted))}")


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help=f"Its name, or `{ALL}`.")],
    seed: Annotated[int, typer.Option(help="Chooses orders and repeats where there are too many for all.")] = 0,
    *,
    database: Annotated[
        str | None,
        typer.Option("--database", help="One that nothing else uses; else a file that is forgotten afterwards."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Play a scenario against a real Paybell; status 1 if anything is not as it must be."""
    played: list[Played] = []
    try:
        for plan in SCENARIOS.values() if name == ALL else (_known(name),):
            played.append(_play(plan, database, seed))
            if not json:
                _show(plan, played[-1])
    except PaybellError as error:
        fail(str(error))
    wrong = [it.name for it in played if not it.good]
    if json:
        show_json([{**msgspec.to_builtins(it), "good": it.good} for it in played])
    elif len(played) > 1:
        OUT.print(f"{len(played) - len(wrong)} of {len(played)} as they must be", style="bold")
    if wrong:
        raise typer.Exit(1)


def _known(name: str) -> Scenario:
    try:
        return scenario(name)
    except PaybellError as error:
        fail(f"{error}; `paybell scenario list` says what each is about")


def _play(plan: Scenario, database: str | None, seed: int) -> "Played":
    import uvloop  # noqa: PLC0415 - as below

    from paybell.cli.scenario_play import play  # noqa: PLC0415 - other commands start in half the time without a server

    log.configure("error")
    with _place(database) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(play(plan, database=url, seed=seed))


@contextlib.contextmanager
def _place(database: str | None) -> Iterator[str]:
    if database is not None:
        refuse_memory(database, "--database")
        yield database
        return
    with tempfile.TemporaryDirectory(prefix="paybell-scenario-") as folder:
        yield f"sqlite:///{Path(folder) / 'paybell.db'}"


def _short(part: object) -> str:
    text = msgspec.json.encode(part).decode()
    return text if len(text) <= _CHARS_MAX else f"{text[:_CHARS_MAX]} …"


def _show(plan: Scenario, played: "Played") -> None:
    OUT.print(plan.name, style="bold", highlight=False)
    for title, text in _rows(plan, played):
        OUT.print(f"  {title:14}{printable(text)}", highlight=False)
    style = "bold green" if played.good else "bold red"
    OUT.print(f"  {'OK' if played.good else 'NOT AS IT MUST BE'} ({played.seconds:.1f} s)\n", style=style)


def _rows(plan: Scenario, played: "Played") -> Iterator[tuple[str, str]]:
    seen = played.seen
    yield "elsewhere", plan.wrong
    yield "here", plan.right
    for number, text in enumerate(played.sent):
        yield "" if number else "sent", text
    for number, (text, names) in enumerate(_alike(seen.payments).items()):
        yield "" if number else "payments", f"{_names(names)} {text}"
    for number, (currency, of) in enumerate(seen.balances.items()):
        amounts = (f"{account} {to_major(minor, currency)}" for account, minor in sorted(of.items()))
        yield "" if number else "ledger", f"{currency} {', '.join(amounts)}"
    yield "notifications", _counts(seen.notifications) or "none"
    if seen.refused:
        yield "refused for", ", ".join(sorted(seen.refused))
    for number, it in enumerate(seen.endpoints):
        yield "" if number else "endpoints", _endpoint(it)
    for problem in played.problems:
        yield "DIFFERS", problem


def _alike(payments: Sequence[PaymentSeen]) -> Mapping[str, Counter[str]]:
    """The names of those of which the same is to be said."""
    copies: dict[str, list[PaymentSeen]] = {}
    for it in payments:
        captured, refunded = (to_major(minor, it.currency) for minor in (it.captured_minor, it.refunded_minor))
        state = f"{it.status}, captured {captured}, refunded {refunded} {it.currency}"
        copies.setdefault(f"{it.payment}\n{state}", []).append(it)
    alike: dict[str, Counter[str]] = {}
    for each, them in copies.items():
        name, _, state = each.partition("\n")
        alike.setdefault(f"{state}; told {_told(them)}", Counter())[name] += len(them)
    return alike


def _told(copies: Sequence[PaymentSeen]) -> str:
    """What was told of all of them, and what of some."""
    events = list(dict.fromkeys(event for it in copies for event in it.told))
    always = [event for event in events if all(event in it.told for it in copies)]
    at_times = [event for event in events if event not in always]
    return ", ".join(always or ["nothing"]) + (f", and at times {', '.join(at_times)}" if at_times else "")


def _names(names: Counter[str]) -> str:
    shown = [f"{name} (x {count})" if count > 1 else name for name, count in sorted(names.items())]
    more = [f"{len(shown) - _NAMES_MAX} more"] if len(shown) > _NAMES_MAX else []
    return f"{', '.join(shown[:_NAMES_MAX] + more)}:"


def _endpoint(it: EndpointSeen) -> str:
    counts = _counts({"delivered": it.delivered, "waiting": it.waiting, "dead": it.dead, "requests": it.requests})
    return f"{it.name}: {counts}{', disabled' if it.disabled else ''}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
