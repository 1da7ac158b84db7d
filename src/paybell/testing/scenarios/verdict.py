"""What was seen, and in what it differs from what a scenario wants. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from paybell.testing.received import Received
from paybell.testing.scenarios.script import EndpointWanted, PaymentWanted, Scenario, Wanted

FREE = "payment.updated"
"""The fallback that an endpoint gets where a change has no event of its own: any number of them will do."""


class PaymentSeen(Struct, frozen=True, kw_only=True):
    """A payment as it is at the end. ``told`` is what the first endpoint took, ``amounts`` how it was written there.

    ``last_told`` is the status in the newest version that was told, '' where nothing was.
    """

    payment: str
    gateway_payment_id: str
    status: str
    currency: str
    captured_minor: int
    refunded_minor: int
    told: tuple[str, ...]
    amounts: frozenset[str]
    last_told: str


class EndpointSeen(Struct, frozen=True, kw_only=True):
    """An endpoint's deliveries by what became of them; the requests that its server got, and how many ids they had."""

    name: str
    delivered: int
    waiting: int
    dead: int
    requests: int
    ids: int
    disabled: bool


class Seen(Struct, frozen=True, kw_only=True):
    """All that is there at the end. ``balances`` by currency and account; ``faults`` are broken promises in words."""

    payments: tuple[PaymentSeen, ...]
    balances: Mapping[str, Mapping[str, int]]
    notifications: Mapping[str, int]
    refused: frozenset[str]
    endpoints: tuple[EndpointSeen, ...]
    faults: tuple[str, ...] = ()


def differences(scenario: Scenario, seen: Seen, copies: Mapping[str, int]) -> tuple[str, ...]:
    """What is not as the scenario wants it; ``copies`` says of how many payments each name was given to."""
    wanted = scenario.wanted
    return (
        *seen.faults,
        *_payments(wanted, seen.payments, copies),
        *_balances(wanted, seen.balances, copies),
        *_counts("notifications", wanted.notifications, seen.notifications),
        *_refused(wanted.refused, seen.refused),
        *_endpoints(scenario, seen.endpoints),
    )


def faults(name: str, requests: Sequence[Received], taken: Sequence[Received]) -> Iterator[str]:
    """What no endpoint may ever see, among the requests that it got and those it took."""
    bodies: dict[str, set[bytes]] = {}
    for received in requests:
        bodies.setdefault(received.webhook_id, set()).add(received.body)
    if not all(received.verified for received in requests):
        yield f"endpoint {name}: a wrong signature"
    if any(len(them) > 1 for them in bodies.values()):
        yield f"endpoint {name}: another body under the same id"
    if len({received.webhook_id for received in taken}) < len(taken):
        yield f"endpoint {name}: sent again after it had been taken"


def _payments(wanted: Wanted, seen: Sequence[PaymentSeen], copies: Mapping[str, int]) -> Iterator[str]:
    by_name = {it.payment: it for it in wanted.payments}
    counts = Counter(it.payment for it in seen)
    for name in by_name:
        if counts[name] != copies.get(name, 1):
            yield f"payment {name}: {counts[name]} there, wanted {copies.get(name, 1)}"
    for payment in seen:
        one = by_name.get(payment.payment)
        if one is None:
            yield f"payment {payment.payment} ({payment.gateway_payment_id}) is there, wanted none"
        else:
            yield from (
                f"payment {payment.payment} ({payment.gateway_payment_id}): {it}" for it in _payment(one, payment)
            )


def _payment(wanted: PaymentWanted, seen: PaymentSeen) -> Iterator[str]:
    for what in ("status", "currency", "captured_minor", "refunded_minor"):
        is_there, should_be = getattr(seen, what), getattr(wanted, what)
        if is_there != should_be:
            yield f"{what} is {is_there}, wanted {should_be}"
    told = Counter(event for event in seen.told if event != FREE)
    for event in wanted.told:
        if not told[event]:
            yield f"{event} was not told"
    for event, count in told.items():
        if event not in (*wanted.told, *wanted.may):
            yield f"{event} was told, wanted no such message"
        elif count > 1:
            yield f"{event} was told {count} times, wanted one"
    if seen.told and seen.last_told != wanted.status:
        yield f"the newest version that was told says {seen.last_told}, wanted {wanted.status}"
    if wanted.amount and seen.amounts - {wanted.amount}:
        yield f"the amount was told as {', '.join(sorted(seen.amounts))}, wanted {wanted.amount}"


def _balances(wanted: Wanted, seen: Mapping[str, Mapping[str, int]], copies: Mapping[str, int]) -> Iterator[str]:
    should_be: dict[str, Counter[str]] = {}
    for payment in wanted.payments:
        of_currency = should_be.setdefault(payment.currency, Counter())
        for account, balance in payment.booked.items():
            of_currency[account] += balance * copies.get(payment.payment, 1)
    for currency in sorted({*should_be, *seen}):
        yield from _counts(f"balances in {currency}", should_be.get(currency, {}), seen.get(currency, {}))


def _counts(what: str, wanted: Mapping[str, int], seen: Mapping[str, int]) -> Iterator[str]:
    for name in sorted({*wanted, *seen}):
        if wanted.get(name, 0) != seen.get(name, 0):
            yield f"{what}: {name} is {seen.get(name, 0)}, wanted {wanted.get(name, 0)}"


def _refused(wanted: frozenset[str], seen: frozenset[str]) -> Iterator[str]:
    if seen != wanted:
        yield f"refused because of {_list(seen)}, wanted {_list(wanted)}"


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _endpoints(scenario: Scenario, seen: Sequence[EndpointSeen]) -> Iterator[str]:
    by_name = {it.name: it for it in scenario.wanted.endpoints}
    for endpoint in seen:
        wanted = by_name.get(endpoint.name, EndpointWanted(name=endpoint.name))
        for what in ("delivered", "waiting", "dead", "requests", "disabled"):
            is_there, should_be = getattr(endpoint, what), getattr(wanted, what)
            if should_be is not None and is_there != should_be:
                yield f"endpoint {endpoint.name}: {what} is {is_there}, wanted {should_be}"
        deliveries = endpoint.delivered + endpoint.waiting + endpoint.dead
        if endpoint.ids > deliveries:
            yield f"endpoint {endpoint.name}: {endpoint.ids} ids for {deliveries} deliveries, wanted one each"
