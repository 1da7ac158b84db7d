"""A store of one thing in memory, for tests of the rule: what `decide` says is what there is next time."""

from collections.abc import Iterable, Mapping
from typing import Any

from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import Entitlement, Grant, Product
from paybell.model.expectation import Expectation
from paybell.model.fact import Fact
from paybell.model.ledger import Posting
from paybell.model.message import Message
from paybell.model.payment import Payment
from paybell.ports import (
    Book,
    Change,
    Changes,
    ItemKey,
    Known,
    KnownItem,
    NewFact,
    NotificationOutcome,
    OrderKey,
    PaymentKey,
    Reading,
    Routed,
)
from paybell.record.rules import decide, expect, turn
from paybell.route.rules import Mint, route_change
from paybell.store.expectation_rows import by_order, orders
from paybell.store.member_rows import by_customer
from paybell.testing.builders import reading
from paybell.testing.fake_clock import FakeClock


class Ledger:
    """Applies `decide` again and again, as the store would."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.clock = FakeClock()
        self.endpoints = {"org_1": endpoints} if endpoints else {}
        self.known: dict[PaymentKey, Known] = {}
        self.items: dict[ItemKey, KnownItem] = {}
        self.products: dict[str, tuple[Product, ...]] = {}
        self.grants: dict[str, Grant] = {}
        self.entitlements: dict[str, Entitlement] = {}
        self.aliases: dict[PaymentKey, str] = {}
        self.merged: dict[str, str] = {}
        self.expectations: dict[OrderKey, tuple[Expectation, ...]] = {}
        self.new_facts: list[NewFact] = []
        self.postings: list[Posting] = []
        self.messages: list[Message] = []
        self.outcomes: list[NotificationOutcome] = []
        self._count = 0

    def take(self, *facts: Fact) -> Changes:
        self._count += 1
        return self.take_all([reading(*facts, number=self._count)])

    def take_all(self, readings: Iterable[Reading]) -> Changes:
        told = tuple(readings)
        said = {order: self.expectations[order] for order in orders(told) if order in self.expectations}
        book = self._book(readings=told, known=self._named(), expectations=said, items=dict(self.items))
        return self._keep(decide(book, route=self._route, now_ms=self.clock.now_ms()))

    def say(self, wish: Expectation) -> Changes:
        """What an order should pay; the order's payments are those that a store would find."""
        order = OrderKey(wish.organisation_id, wish.order_id)
        known = {key: it for key, it in self._named().items() if it.payment.state.order_id == wish.order_id}
        said = {order: self.expectations[order]} if order in self.expectations else {}
        book = self._book(readings=(), known=known, expectations=said)
        return self._keep(expect(book, wish, route=self._route, now_ms=self.clock.now_ms()))

    def turn(self) -> Changes:
        """What time alone has changed."""
        book = self._book(readings=(), known={})
        return self._keep(turn(book, route=self._route, now_ms=self.clock.now_ms()))

    def _book(self, **given: Any) -> Book:
        return Book(
            endpoints=self.endpoints,
            grants=by_customer(self.grants.values()),
            entitlements=by_customer(self.entitlements.values()),
            products=self.products,
            **given,
        )

    def _keep(self, changes: Changes) -> Changes:
        self.expectations |= {
            order: (*self.expectations.get(order, ()), *said) for order, said in by_order(changes.expectations).items()
        }
        by_id = {it.payment.id: it for it in self.known.values()}
        merged = {it.payment_id: it.merged_into for it in changes.merges}
        for payment in changes.payments:
            mine = [it for it in by_id.values() if payment.id in {it.payment.id, merged.get(it.payment.id)}]
            before = {digest: fact for it in mine for digest, fact in it.facts.items()}
            posted = by_id[payment.id].postings if payment.id in by_id else ()
            new = {it.digest: it.fact for it in changes.facts if it.subject_id == payment.id}
            new_posted = (it for it in changes.postings if it.payment_id == payment.id)
            by_id[payment.id] = Known(payment, before | new, (*posted, *new_posted))
        for change in changes.grants:
            self.grants.pop(change.subject_id, None)
            if change.grant is not None:
                self.grants[change.subject_id] = change.grant
        self.entitlements |= {it.id: it for it in changes.entitlements}
        for item in changes.items:
            key = ItemKey(item.source_id, item.subject, item.gateway_id)
            was = self.items.get(key, KnownItem(item, {}))
            told = {it.digest: it.fact for it in changes.facts if it.subject_id == item.id}
            posted = (it for it in changes.postings if it.payment_id == item.id)
            self.items[key] = KnownItem(item, {**was.facts, **told}, (*was.postings, *posted))
        self._merge(merged)
        self.aliases |= {PaymentKey(it.source_id, it.alias): it.payment_id for it in changes.aliases}
        left = (it for payment_id, it in by_id.items() if payment_id not in merged)
        self.known = {PaymentKey(it.payment.source_id, it.payment.gateway_payment_id): it for it in left}
        self.new_facts += changes.facts
        self.postings += changes.postings
        self.messages += changes.messages
        self.outcomes += changes.outcomes
        return changes

    def _merge(self, merged: Mapping[str, str]) -> None:
        self.merged = {key: merged.get(into, into) for key, into in self.merged.items()} | dict(merged)

    def _named(self) -> dict[PaymentKey, Known]:
        """All that is known, by every id of it."""
        by_id = {it.payment.id: it for it in self.known.values()}
        aliased = {key: by_id[self.merged.get(it, it)] for key, it in self.aliases.items()}
        return aliased | self.known

    @property
    def payment(self) -> Payment:
        (known,) = self.known.values()
        return known.payment

    def _route(self, change: Change, endpoints: tuple[Endpoint, ...]) -> Routed:
        mint = Mint(new_id=self.clock.new_id, has_room=lambda _: True, now_ms=self.clock.now_ms(), lease_ends_at_ms=0)
        return route_change(change, endpoints, mint)
