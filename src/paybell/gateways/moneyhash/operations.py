"""What the operations of MoneyHash's transactions say: each purchase, authorisation, capture, void and refund.

Each has an id of its own, so that every event that lists an operation says the same of it.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.gateways.moneyhash.shapes import Money, Operation, Status, Transaction
from paybell.model.fact import Fact, Kind
from paybell.model.money import to_minor

_MONEY: Final[Mapping[str, Kind]] = {
    "purchase": Kind.CAPTURED,
    "capture": Kind.CAPTURED,
    "authorize": Kind.AUTHORIZED,
}
_REFUNDS: Final[Mapping[str, Kind]] = {
    "pending": Kind.REFUND_PENDING,
    "successful": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
}
_TRIES: Final = frozenset({"purchase", "authorize"})
_CAPTURES: Final = frozenset({"purchase", "capture"})
_KNOWN: Final = frozenset(_MONEY) | {"refund", "void"}


class Teller(Struct, frozen=True):
    """Whose payment, and when."""

    aggregate: str
    at_ms: int

    def fact(self, kind: Kind, ref: str = "", detail: Mapping[str, str] | None = None) -> Fact:
        """A fact without an amount."""
        return Fact(aggregate=self.aggregate, kind=kind, ref=ref, at_ms=self.at_ms, detail=detail or {})

    def money(self, kind: Kind, ref: str, amount: Money, detail: Mapping[str, str] | None = None) -> Fact:
        """A fact with an amount in major units."""
        currency = currency_code(amount.currency)
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=to_minor(amount.value, currency),
            currency=currency,
            detail=detail or {},
        )


def read_operations(payment_id: str, transactions: Iterable[Transaction]) -> tuple[list[Fact], str]:
    """Facts of every operation, once; and those that nobody has explained, in words."""
    facts: dict[str, list[Fact]] = {}
    unknown: list[str] = []
    for transaction in transactions:
        for operation in transaction.operations:
            tell = Teller(payment_id, time_of(operation, transaction))
            facts[ident(operation.id, "the operation's id")] = _facts(tell, operation, transaction)
            if operation.type not in _KNOWN or not step_of(operation):
                unknown.append(
                    f"the operation {text(operation.type)!r} with status {text(operation.status)!r} is unknown"
                )
    return [fact for each in facts.values() for fact in each], "; ".join(dict.fromkeys(unknown))


def _facts(tell: Teller, operation: Operation, transaction: Transaction) -> list[Fact]:
    kind, step = operation.type, step_of(operation)
    if kind == "void":
        return _voided(tell, operation, transaction) if step == "successful" else []
    if kind == "refund":
        return [] if step not in _REFUNDS else [tell.money(_REFUNDS[step], operation.id, operation.amount)]
    if kind in _MONEY and step == "successful":
        return [tell.money(_MONEY[kind], operation.id, operation.amount)]
    if kind in _TRIES and step:
        return [_tried(tell, operation, step)]
    return []


def _voided(tell: Teller, void: Operation, transaction: Transaction) -> list[Fact]:
    """What a void releases of an authorisation; of what was captured it takes a capture back, or a part as a refund."""
    amount = _minor(void)
    done = [each for each in transaction.operations if each.status == "successful" and each.type in _MONEY]
    held = sum({"authorize": 1, "capture": -1}.get(each.type, 0) * _minor(each) for each in done)
    if amount <= held:
        return [tell.money(Kind.VOIDED, "", void.amount)]
    for each in done:
        if each.type in _CAPTURES and _minor(each) == amount:
            return [tell.money(Kind.CAPTURE_REVERSED, each.id, void.amount), tell.money(Kind.VOIDED, "", void.amount)]
    return [
        tell.money(Kind.REFUND_SUCCEEDED, void.id, void.amount, {"reason": "a void of a part of what was captured"})
    ]


def _tried(tell: Teller, operation: Operation, step: str) -> Fact:
    if step != "failed":
        waits = Kind.PROCESSING if operation.status == "pending" else Kind.REQUIRES_ACTION
        return tell.fact(waits, operation.id)
    why = operation.latest_status or Status()
    return tell.fact(Kind.FAILED, operation.id, details(failure_code=text(why.code), failure_message=text(why.message)))


def _minor(operation: Operation) -> int:
    return to_minor(operation.amount.value, currency_code(operation.amount.currency))


def step_of(operation: Operation) -> str:
    """``pending`` (whatever it waits for), ``successful``, ``failed``; '' for another word."""
    status = operation.status
    return "pending" if status.startswith("pending") else status if status in {"successful", "failed"} else ""


def time_of(operation: Operation, transaction: Transaction) -> int:
    """When the operation came to stand where it stands."""
    steps = [step.created for step in operation.statuses if step.value == operation.status and step.created]
    return time_to_ms(steps[-1] if steps else transaction.created, "the status's created")
