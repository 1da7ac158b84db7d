"""docs/states.md is drawn from the tables in the model; the failing test shows the page as it should be."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from paybell.model import delivery, notification, task
from paybell.model.payment import PaymentStatus

PAGE = Path(__file__).parents[2] / "docs/states.md"
HEAD = """\
# States

Drawn from the `TRANSITIONS` tables in `model/`; the database refuses any other state.
"""


def diagram(title: str, sentence: str, start: str, table: Mapping[StrEnum, frozenset[StrEnum]]) -> str:
    """A machine as Mermaid draws it: states in the order of their declaration."""
    order = list(type(next(iter(table))))
    lines = [f"    {each} --> {to}" for each in order for to in sorted(table[each], key=order.index)]
    starts = [f"    [*] --> {state}" for state in start.split()]
    return "\n".join(["", f"## {title}", "", sentence, "", "```mermaid", "stateDiagram-v2", *starts, *lines, "```", ""])


def drawn() -> str:
    """The whole page."""
    statuses = ", ".join(f"`{each}`" for each in PaymentStatus)
    return "".join(
        (
            HEAD,
            diagram(
                "Notification",
                "Replay takes it back to `pending` (a hint to `needs_fetch`); all else goes forward.",
                "pending needs_fetch",
                notification.TRANSITIONS,
            ),
            diagram(
                "Delivery",
                "It begins `leased` to the process that commits it, or `due`. Delivered or dead, it becomes `due` "
                "again only when somebody has it sent once more.",
                "leased due",
                delivery.TRANSITIONS,
            ),
            diagram(
                "Background task",
                "It begins `running`; where it is in its range is kept with every step.",
                "running",
                task.TRANSITIONS,
            ),
            f"\n## Payment\n\nNo machine: the status is computed from all facts. Statuses: {statuses}.\n",
        )
    )


def test_the_page_shows_the_tables() -> None:
    assert PAGE.read_text() == drawn()


def test_each_state_has_its_row_and_can_be_reached() -> None:
    for table, starts in ((notification.TRANSITIONS, "pending needs_fetch"), (delivery.TRANSITIONS, "due leased")):
        states = set(type(next(iter(table))))
        assert set(table) == states
        assert set().union(*table.values()) | set(starts.split()) == states
