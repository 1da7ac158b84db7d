"""Whether a run counts: what was sent, what the database has and what the receiver got are compared as multisets."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct


class Books(Struct, frozen=True, kw_only=True):
    """The difference between what was sent and what there is, over all the places where it should be.

    ``lost``: acknowledged, but absent. ``unexpected``: there, but never sent. ``duplicated``: there more than once.
    ``recovered``: there although the answer was lost or bad, so the gateway would have sent it again; no fault.
    """

    lost: int
    unexpected: int
    duplicated: int
    recovered: int

    @property
    def balanced(self) -> bool:
        """Whether nothing is missing and nothing too much."""
        return self.lost == self.unexpected == self.duplicated == 0

    def __add__(self, other: "Books") -> "Books":
        """Both differences together."""
        return Books(
            lost=self.lost + other.lost,
            unexpected=self.unexpected + other.unexpected,
            duplicated=self.duplicated + other.duplicated,
            recovered=max(self.recovered, other.recovered),
        )


def compare(acknowledged: Iterable[str], unsure: Iterable[str], found: Iterable[str]) -> Books:
    """Compare the ids sent (answered 2xx; not answered 2xx) with the ids found in one place."""
    sure, maybe, there = Counter(acknowledged), set(unsure), Counter(found)
    return Books(
        lost=(sure - there).total(),
        unexpected=sum(count for name, count in there.items() if name not in sure and name not in maybe),
        duplicated=sum(count - 1 for count in there.values()),
        recovered=len(maybe & there.keys()),
    )
