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
_BACK: Final = frozenset({"refund", "void"})
_KNOWN: Final = frozenset(_MONEY) | _BACK


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
            tell = Teller(payment_id, _time(operation, transaction))
            facts[ident(operation.id, "the operation's id")] = _facts(tell, operation, transaction)
            if operation.type not in _KNOWN or not _step(operation):
                unknown.append(
                    f"the operation {text(operation.type)!r} with status {text(operation.status)!r} is unknown"
                )
    return [fact for each in facts.values() for fact in each], "; ".join(dict.fromkeys(unknown))


def _facts(tell: Teller, operation: Operation, transaction: Transaction) -> list[Fact]:
    kind, step = operation.type, _step(operation)
    if kind == "void" and step == "successful" and _is_held(operation, transaction):
        return [tell.money(Kind.VOIDED, "", operation.amount)]
    if kind == "refund" or (kind == "void" and not _is_held(operation, transaction)):
        return _given_back(tell, operation, step)
    if kind in _MONEY and step == "successful":
        return [tell.money(_MONEY[kind], operation.id, operation.amount)]
    if kind in _TRIES and step:
        return [_tried(tell, operation, step)]
    return []


def _tried(tell: Teller, operation: Operation, step: str) -> Fact:
    if step != "failed":
        waits = Kind.PROCESSING if operation.status == "pending" else Kind.REQUIRES_ACTION
        return tell.fact(waits, operation.id)
    why = operation.latest_status or Status()
    return tell.fact(Kind.FAILED, operation.id, details(failure_code=text(why.code), failure_message=text(why.message)))


def _given_back(tell: Teller, operation: Operation, step: str) -> list[Fact]:
    kind = _REFUNDS.get(step)
    detail = {"reason": "a void of what was captured"} if operation.type == "void" else {}
    return [] if kind is None else [tell.money(kind, operation.id, operation.amount, detail)]


def _is_held(void: Operation, transaction: Transaction) -> bool:
    """Whether a void releases what is still held; else it gives back what was captured, as a refund does."""
    held = 0
    for operation in transaction.operations:
        if operation.status == "successful" and operation.type in _MONEY:
            amount = to_minor(operation.amount.value, currency_code(operation.amount.currency))
            held += {"authorize": amount, "capture": -amount}.get(operation.type, 0)
    return to_minor(void.amount.value, currency_code(void.amount.currency)) <= held


def _step(operation: Operation) -> str:
    """``pending`` (whatever it waits for), ``successful``, ``failed``; '' for another word."""
    status = operation.status
    return "pending" if status.startswith("pending") else status if status in {"successful", "failed"} else ""


def _time(operation: Operation, transaction: Transaction) -> int:
    """When the operation came to stand where it stands."""
    steps = [step.created for step in operation.statuses if step.value == operation.status and step.created]
    return time_to_ms(steps[-1] if steps else transaction.created, "the status's created")
