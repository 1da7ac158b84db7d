"""What a dispute did to the balance at Stripe, as its balance transactions say: at most one each way."""

from collections.abc import Iterable, Sequence
from functools import partial

from msgspec.structs import replace

from paybell.gateways.kit.amounts import STRIPE_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.payloads import seconds_to_ms
from paybell.gateways.stripe.shapes import Movement
from paybell.model.fact import Fact, Kind


def funds(dispute: Fact, movements: Sequence[Movement]) -> list[Fact]:
    """What was taken, what came back, and the fee; ``dispute`` tells of the dispute's status and its amount.

    An account in another currency is moved in that one: then it is the disputed amount that went or came, as it was
    captured, and the fee is left out. A fee that is given back (below zero) has no fact.
    """
    taken = _moved(Kind.DISPUTE_WITHDRAWN, dispute, [it for it in movements if it.amount < 0])
    back = _moved(Kind.DISPUTE_REINSTATED, dispute, [it for it in movements if it.amount > 0])
    charged = [it for it in movements if it.fee > 0 and currency_code(it.currency) == dispute.currency]
    charge = replace(dispute, at_ms=_time(charged, dispute))
    minor = partial(to_iso, currency=dispute.currency, exponents=STRIPE_EXPONENTS)
    return [*taken, *back, *fee(charge, lambda: sum(minor(it.fee) for it in charged), dispute=True)]


def _moved(kind: Kind, dispute: Fact, movements: Sequence[Movement]) -> list[Fact]:
    if not movements:
        return []
    amount = dispute.amount_minor
    if all(currency_code(it.currency) == dispute.currency for it in movements):
        amount = sum(to_iso(abs(it.amount), dispute.currency, STRIPE_EXPONENTS) for it in movements)
    return [replace(dispute, kind=kind, at_ms=_time(movements, dispute), amount_minor=amount, detail={})]


def _time(movements: Iterable[Movement], dispute: Fact) -> int:
    times = [seconds_to_ms(it.created, "a balance transaction's created") for it in movements if it.created is not None]
    return max(times, default=dispute.at_ms)
