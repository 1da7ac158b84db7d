"""Random histories of payments out of a seed, and how a gateway tells of them: twice, late, mixed, and again."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from paybell.model.fact import Fact, Kind
from paybell.testing.builders import fact

Told = tuple[Fact, ...]
"""The facts of one notification."""

_PAYMENTS_MAX: Final = 6
_BATCH_MAX: Final = 40
_DAY_S: Final = 86_400


def log_of(seed: int) -> list[Told]:
    """The notifications of a few payments as they arrive: with duplicates, mixed, the whole log once more in part."""
    chance = Random(seed)
    told = [it for number in range(chance.randint(1, _PAYMENTS_MAX)) for it in _told(chance, f"pi_{number}")]
    told += chance.choices(told, k=len(told) // 3)
    chance.shuffle(told)
    return told + told[: chance.randrange(len(told))]


def batches_of(seed: int, log: Sequence[Told]) -> Iterator[Sequence[Told]]:
    """The same log in batches of any size."""
    chance, start = Random(seed), 0
    while start < len(log):
        size = chance.randint(1, _BATCH_MAX)
        yield log[start : start + size]
        start += size


def reordered(seed: int, log: Sequence[Told]) -> list[Told]:
    """The same notifications in another order, some twice."""
    chance = Random(seed)
    again = [*log, *chance.choices(log, k=len(log) // 4)]
    chance.shuffle(again)
    return again


def _told(chance: Random, aggregate: str) -> Iterator[Told]:
    """A payment's facts, some together in one notification, as gateways do."""
    facts = [*_Payment(chance, aggregate).facts()]
    while facts:
        count = chance.choice((1, 1, 1, 2, 3))
        yield tuple(facts[:count])
        del facts[:count]


class _Payment:
    """One payment's life, at random, and what is said of it."""

    def __init__(self, chance: Random, aggregate: str) -> None:
        self._chance = chance
        self._aggregate = aggregate
        self._at_s = chance.randrange(5)
        self._amount = chance.randint(1, 10**6)

    def facts(self) -> Iterator[Fact]:
        order_id = f"o_{self._aggregate}"
        yield self._fact(Kind.PAYMENT_CREATED, "", self._amount, order_id=order_id)
        for _ in range(self._chance.choice((0, 0, 1, 2))):
            less = self._chance.choice((0, 1, -1, self._amount // 2))
            yield self._fact(Kind.EXPECTED, order_id, max(1, self._amount - less))
        for number in range(self._chance.choice((0, 0, 1, 2))):
            kind = self._chance.choice((Kind.FAILED, Kind.PROCESSING, Kind.REQUIRES_ACTION))
            yield self._fact(kind, f"try_{number}", self._amount)
        if self._chance.random() < 0.5:
            yield self._fact(Kind.AUTHORIZED, "ch_0", self._amount)
        ends = self._chance.random()
        if ends < 0.1:
            yield self._fact(self._chance.choice((Kind.CANCELED, Kind.EXPIRED)), "", None)
        if ends > 0.2:
            yield from self._captures()
            yield from self._refunds()
            yield from self._disputes()

    def _captures(self) -> Iterator[Fact]:
        left, parts = self._amount, self._chance.choice((1, 1, 2, 3))
        for number in range(parts):
            all_of_it = number == parts - 1 and self._chance.random() < 0.9
            part = left if all_of_it else self._chance.randint(0, left)
            left -= part
            ref = f"ch_{number}"
            yield self._fact(Kind.CAPTURED, ref, part)
            yield from self._now_and_then(0.2, Kind.CAPTURED, ref, part)  # the same, said a second later
            yield from self._now_and_then(0.1, Kind.CAPTURED, ref, part + 1)  # a conflict
            yield from self._now_and_then(0.3, Kind.CAPTURED_TOTAL, "", self._amount - left)
            yield from self._now_and_then(0.1, Kind.CAPTURE_REVERSED, ref, part)
            if self._chance.random() < 0.3:
                yield self._fee(ref, part // 50)
                yield self._fee(ref, part // 40)  # a correction

    def _refunds(self) -> Iterator[Fact]:
        total, part = 0, self._amount // 4
        for number in range(self._chance.choice((0, 0, 1, 3))):
            ref, total = f"re_{number}", total + part
            yield from self._now_and_then(0.5, Kind.REFUND_PENDING, ref, part)
            yield self._fact(Kind.REFUND_SUCCEEDED, ref, part)
            yield from self._now_and_then(0.1, Kind.REFUND_SUCCEEDED, ref, part + 1)  # a conflict
            yield from self._now_and_then(0.5, Kind.REFUNDED_TOTAL, "", total)
            yield from self._now_and_then(0.2, Kind.REFUND_FAILED, ref, part)

    def _disputes(self) -> Iterator[Fact]:
        for number in range(self._chance.choice((0, 0, 0, 1, 2))):
            ref, amount = f"dp_{number}", self._amount // 2 + 1
            stages = self._chance.sample(
                ("warning", "open", "won", "lost", "closed", "lost"), k=self._chance.randint(1, 3)
            )
            for status in stages:
                yield self._fact(Kind.DISPUTE_STATUS, ref, amount, status=status)
            yield from self._now_and_then(0.6, Kind.DISPUTE_WITHDRAWN, ref, amount)
            yield from self._now_and_then(
                0.4, Kind.DISPUTE_REINSTATED, ref, amount + self._chance.choice((0, 0, 0, -1, 1))
            )
            if self._chance.random() < 0.5:
                yield self._fee(ref, 1_500, of="dispute")

    def _now_and_then(self, odds: float, kind: Kind, ref: str, amount: int) -> Iterator[Fact]:
        if self._chance.random() < odds:
            yield self._fact(kind, ref, amount)

    def _fee(self, ref: str, amount: int, **detail: str) -> Fact:
        tax = {"tax_minor": str(amount // 5)} if self._chance.random() < 0.5 else {}
        return self._fact(Kind.FEE, ref, amount, **tax, **detail)

    def _fact(self, kind: Kind, ref: str, amount: int | None, **detail: str) -> Fact:
        self._at_s += self._chance.choice((0, 0, 1, 1, 60, _DAY_S))  # ties are normal
        return fact(kind, ref, amount, self._at_s, aggregate=self._aggregate, detail=detail)
