"""``paybell deliveries replay``: it begins a task."""

from enum import StrEnum
from typing import Annotated, Final

import typer
from msgspec import Struct

from paybell.app.replays import WISHES
from paybell.cli.narrowing import EventTypes, event_types_of, time_ms
from paybell.cli.shared import AsJson, Database, Desk, desk, show_json, work
from paybell.cli.tasks import LIST, task_view
from paybell.errors import ConfigurationError, Conflict
from paybell.model.delivery import DeadReason, Standing
from paybell.model.endpoint import Endpoint
from paybell.model.task import Asked, TaskKind
from paybell.ports import TaskNew
from paybell.replay.requests import RUNNING_MAX, Requests


class What(StrEnum):
    """What is sent once more."""

    FAILED = "failed"
    MISSING = "missing"
    ALL = "all"


class Answered(StrEnum):
    """The class of the last answer, 0 where there was none."""

    NONE = "0"
    INFORMED = "100"
    TAKEN = "200"
    REDIRECTED = "300"
    REFUSED = "400"
    BROKEN = "500"


_KINDS: Final = {
    What.FAILED: TaskKind.RECOVER,
    What.MISSING: TaskKind.REPLAY_MISSING,
    What.ALL: TaskKind.BULK_REPLAY,
}
_NARROWING: Final = {
    What.FAILED: {"--event-type", "--reason"},
    What.MISSING: set[str](),
    What.ALL: {"--event-type", "--channel", "--tag", "--status", "--status-class"},
}


class Wanted(Struct, frozen=True, kw_only=True):
    """Which messages, as they were asked for."""

    what: What
    since: str
    until: str
    event_types: list[str]
    channel: str
    tag: str
    status: Standing | None
    status_class: Answered | None
    reasons: list[DeadReason]

    def asked(self, now_ms: int) -> Asked:
        """The same checked; ``ConfigurationError`` for what narrows something else."""
        given = {
            "--event-type": self.event_types,
            "--channel": self.channel,
            "--tag": self.tag,
            "--status": self.status,
            "--status-class": self.status_class,
            "--reason": self.reasons,
        }
        for option, value in given.items():
            if value and option not in _NARROWING[self.what]:
                meant = " and ".join(f"--what {it}" for it, options in _NARROWING.items() if option in options)
                raise ConfigurationError(f"{option} goes with {meant}, not with --what {self.what}")
        return Asked(
            since_ms=time_ms(self.since, "--since"),
            until_ms=time_ms(self.until, "--until") if self.until else now_ms,
            event_types=frozenset(event_types_of(self.event_types)),
            channel=self.channel,
            tag=self.tag,
            standing=self.status,
            status_class=None if self.status_class is None else int(self.status_class),
            reasons=frozenset(self.reasons),
        )


def replay(
    application: Annotated[str, typer.Argument(help="The application's id or uid.")],
    endpoint: Annotated[str, typer.Argument(help="The endpoint's id or uid.")],
    *,
    since: Annotated[str, typer.Option(help="Messages made from then on, such as 2024-06-26T11:08:07Z.")],
    until: Annotated[str, typer.Option(help="Messages made before; else now.")] = "",
    what: Annotated[What, typer.Option(help="failed, missing or all.")] = What.FAILED,
    event_type: EventTypes = None,
    reason: Annotated[
        list[DeadReason] | None, typer.Option(help="Of what failed, only dead for it; may be repeated.")
    ] = None,
    channel: Annotated[str, typer.Option(help="Of all, only on that channel.")] = "",
    tag: Annotated[str, typer.Option(help="Of all, only with that tag.")] = "",
    status: Annotated[Standing | None, typer.Option(help="Of all, only what stands so.")] = None,
    status_class: Annotated[
        Answered | None, typer.Option(help="Of all, only what was last answered so; 0 is no answer.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many, and start nothing.")] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Send messages to an endpoint once more, as a task that a server works on."""
    wanted = Wanted(
        what=what,
        since=since,
        until=until,
        event_types=event_type or [],
        channel=channel,
        tag=tag,
        status=status,
        status_class=status_class,
        reasons=reason or [],
    )
    shown = work(_replay((application, endpoint), wanted, dry_run=dry_run, database=database))
    if json:
        show_json(shown)
    elif dry_run:
        rest = "" if shown["complete"] else "; there are more, which were not counted"
        typer.echo(f"{shown['found']} messages, of which {shown['skipped']} could not be sent now{rest}")
    else:
        typer.echo(f"{shown['id']} has begun: `{LIST}` shows how far it is")


async def _replay(names: tuple[str, str], wanted: Wanted, *, dry_run: bool, database: str | None) -> dict[str, object]:
    async with desk(database) as at:
        endpoint = await _endpoint(at, *names)
        requests = Requests(at.store, at.clock, WISHES)
        task = requests.task(_KINDS[wanted.what], wanted.asked(at.clock.now_ms()), endpoint)
        if dry_run:
            it = await requests.count(task, endpoint)
            return {"found": it.sent + it.skipped, "skipped": it.skipped, "complete": it.complete}
        await at.store.task_create(TaskNew(task=task, running_max=RUNNING_MAX))
        return task_view(task)


async def _endpoint(at: Desk, application: str, name: str) -> Endpoint:
    found = await at.store.application_lookup(at.organisation.id, application)
    endpoint = await at.store.endpoint_lookup(at.organisation.id, found.id, name)
    if endpoint.disabled:
        raise Conflict(f"endpoint {endpoint.id} is disabled: switch it on first")
    return endpoint
