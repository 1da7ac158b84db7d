"""Expectations and their facts, ready to use."""

from collections.abc import Sequence

from paybell.model.expectation import Expectation
from paybell.model.fact import Fact, Kind
from paybell.testing.fake_clock import START_MS
from tests.unit.desk import Ledger


def said(amount_minor: int, at_s: int = 1, *, order_id: str = "o_1", currency: str = "USD") -> Expectation:
    """What the order ``o_1`` of ``org_1`` should pay, said ``at_s`` seconds after the start of the fake clock."""
    return Expectation(
        organisation_id="org_1",
        order_id=order_id,
        amount_minor=amount_minor,
        currency=currency,
        created_at_ms=START_MS + at_s * 1000,
    )


def expected(amount_minor: int, at_s: int = 1, *, ref: str = "o_1", currency: str = "USD") -> Fact:
    """The same as a fact."""
    return said(amount_minor, at_s, order_id=ref, currency=currency).fact()


def hear(ledger: Ledger, fact: Fact) -> None:
    """A fact, from whom it comes: the merchant or a gateway."""
    if fact.kind is not Kind.EXPECTED:
        ledger.take(fact)
        return
    at_s = (fact.at_ms - START_MS) // 1000
    ledger.say(said(fact.amount_minor or 0, at_s, order_id=fact.ref, currency=fact.currency))


def as_said(facts: Sequence[Fact]) -> bool:
    """Whether what the merchant said stands in the order of its times, as it always does."""
    times = [fact.at_ms for fact in facts if fact.kind is Kind.EXPECTED]
    return times == sorted(times)
