"""A store of one thing in memory, for tests of the rule: what `decide` says is what there is next time."""

from collections.abc import Iterable

from paybell.model.endpoint import Endpoint
from paybell.model.fact import Fact
from paybell.model.message import Message
from paybell.model.payment import Payment
from paybell.ports import Book, Change, Changes, Known, NewFact, NotificationOutcome, PaymentKey, Reading, Routed
from paybell.record.rules import decide
from paybell.route.rules import Mint, route_change
from paybell.testing.builders import reading
from paybell.testing.fake_clock import FakeClock


class Ledger:
    """Applies `decide` again and again, as the store would."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.clock = FakeClock()
        self.endpoints = {"org_1": endpoints} if endpoints else {}
        self.known: dict[PaymentKey, Known] = {}
        self.new_facts: list[NewFact] = []
        self.messages: list[Message] = []
        self.outcomes: list[NotificationOutcome] = []
        self._count = 0

    def take(self, *facts: Fact) -> Changes:
        self._count += 1
        return self.take_all([reading(*facts, number=self._count)])

    def take_all(self, readings: Iterable[Reading]) -> Changes:
        book = Book(readings=tuple(readings), known=self.known, endpoints=self.endpoints)
        changes = decide(book, route=self._route, now_ms=self.clock.now_ms())
        for payment in changes.payments:
            key = PaymentKey(payment.source_id, payment.gateway_payment_id)
            before = self.known.get(key) or Known(payment, ())
            new = (it.fact for it in changes.facts if it.payment_id == payment.id)
            posted = (it for it in changes.postings if it.payment_id == payment.id)
            self.known[key] = Known(payment, (*before.facts, *new), (*before.postings, *posted))
        self.new_facts += changes.facts
        self.messages += changes.messages
        self.outcomes += changes.outcomes
        return changes

    @property
    def payment(self) -> Payment:
        (known,) = self.known.values()
        return known.payment

    def _route(self, change: Change, endpoints: tuple[Endpoint, ...]) -> Routed:
        mint = Mint(new_id=self.clock.new_id, has_room=lambda _: True, now_ms=self.clock.now_ms(), lease_ends_at_ms=0)
        return route_change(change, endpoints, mint)
