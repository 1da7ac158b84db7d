"""Whose transformation runs next: owners take turns, so that slow code of one delays others little. Synchronous."""

from collections import deque
from typing import Generic, TypeVar

Place = TypeVar("Place")


class Turns(Generic[Place]):
    """At most ``active_max`` run at once, of one owner one less, so that a place is left for the others."""

    def __init__(self, *, active_max: int) -> None:
        self._active_max = active_max
        self._own_max = max(1, active_max - 1)
        self._waiting: dict[str, deque[Place]] = {}
        self._active: dict[str, int] = {}

    def put(self, owner: str, place: Place) -> None:
        """Wait behind the owner's own; an owner who waited for nothing comes after all who do."""
        self._waiting.setdefault(owner, deque()).append(place)

    def take(self) -> Place | None:
        """The next one that may run, if any; its owner then comes last."""
        if sum(self._active.values()) >= self._active_max:
            return None
        for owner, places in self._waiting.items():
            if self._active.get(owner, 0) < self._own_max:
                del self._waiting[owner]
                self._active[owner] = self._active.get(owner, 0) + 1
                place = places.popleft()
                if places:
                    self._waiting[owner] = places
                return place
        return None

    def done(self, owner: str) -> None:
        """One of the owner's has run."""
        self._active[owner] -= 1
        if not self._active[owner]:
            del self._active[owner]

    def drop(self, owner: str, place: Place) -> None:
        """It waits no longer."""
        places = self._waiting[owner]
        places.remove(place)
        if not places:
            del self._waiting[owner]

    @property
    def waiting_count(self) -> int:
        """How many wait."""
        return sum(len(places) for places in self._waiting.values())
