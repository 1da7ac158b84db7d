"""``paybell nodes``."""

from typing import Final

from paybell.cli.shared import OUT, AsJson, Database, desk, show_json, show_rows, work
from paybell.model.node import Backlog, Node, Roll

_COUNT_MAX: Final = 10_001
"""How far the backlog is counted: more than ten thousand is told as just that."""


def nodes(*, database: Database = None, json: AsJson = False) -> None:
    """Say which nodes are alive, what each does, and how far behind it is."""
    roll, backlog, now_ms = work(_look(database))
    views = [_view(node, roll, now_ms) for node in roll.nodes]
    waits = [_backlog_view(it, now_ms) for it in backlog]
    if json:
        show_json({"nodes": views, "backlog": waits})
        return
    columns = {
        "node": "id",
        "name": "name",
        "roles": "roleText",
        "leads": "leaderText",
        "version": "version",
        "up": "upText",
        "last sign": "silentText",
        "clock off": "clockText",
        "waiting in memory": "waitingText",
    }
    show_rows(views, columns, json=False)
    OUT.print()
    show_rows(waits, {"step": "step", "due and nobody's yet": "countText", "oldest": "oldestText"}, json=False)


async def _look(database: str | None) -> tuple[Roll, tuple[Backlog, ...], int]:
    async with desk(database) as at:
        now_ms = await at.store.now_ms()
        return await at.store.node_list(), await at.store.backlog_list(now_ms=now_ms, count_max=_COUNT_MAX), now_ms


def _view(node: Node, roll: Roll, now_ms: int) -> dict[str, object]:
    silent_s = max(0, now_ms - node.beat_at_ms) / 1000
    leads = node.id == roll.leader_id
    waiting = {name: count for name, count in node.figures.items() if count}
    return {
        "id": node.id,
        "name": node.name,
        "roles": list(node.roles),
        "leads": leads,
        "version": node.version,
        "startedAtMs": node.started_at_ms,
        "silentSeconds": silent_s,
        "clockOffMs": node.clock_off_ms,
        "figures": node.figures,
        "roleText": ",".join(node.roles),
        "leaderText": "leads" if leads else "",
        "upText": _span(max(0, now_ms - node.started_at_ms) / 1000),
        "silentText": f"{_span(silent_s)} ago",
        "clockText": f"{node.clock_off_ms / 1000:+.1f} s",
        "waitingText": ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in waiting.items()) or "nothing",
    }


def _backlog_view(backlog: Backlog, now_ms: int) -> dict[str, object]:
    oldest = backlog.oldest_due_at_ms
    behind_s = None if oldest is None else max(0, now_ms - oldest) / 1000
    return {
        "step": backlog.step,
        "count": backlog.count,
        "more": backlog.count >= _COUNT_MAX,
        "behindSeconds": behind_s,
        "countText": "more than 10,000" if backlog.count >= _COUNT_MAX else f"{backlog.count:,}",
        "oldestText": "" if behind_s is None else f"due {_span(behind_s)} ago",
    }


def _span(seconds: float) -> str:
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.1f} s"
