"""What a set of facts adds up to: a pure function of the whole set, so that arrival order cannot matter.

Ranks, not times, decide between operations; times (which tie often) only between attempts. See docs/decisions/0004.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Final

from paybell.model.alias import LinkType, ids_of
from paybell.model.fact import Fact, Kind
from paybell.model.payment import (
    DisputeState,
    DisputeStatus,
    Match,
    PaymentState,
    PaymentStatus,
    RefundState,
    RefundStatus,
)

_ATTEMPT_STATUS: Final = {
    Kind.PAYMENT_CREATED: PaymentStatus.CREATED,
    Kind.PROCESSING: PaymentStatus.PROCESSING,
    Kind.REQUIRES_ACTION: PaymentStatus.REQUIRES_ACTION,
    Kind.FAILED: PaymentStatus.FAILED,
}
_ATTEMPT_RANK: Final = {kind: rank for rank, kind in enumerate(_ATTEMPT_STATUS)}
_REFUND_STATUS: Final = {
    Kind.REFUND_PENDING: RefundStatus.PENDING,
    Kind.REFUND_SUCCEEDED: RefundStatus.COMPLETED,
    Kind.REFUND_FAILED: RefundStatus.FAILED,
}
_REFUND_RANK: Final = {kind: rank for rank, kind in enumerate(_REFUND_STATUS)}
_DISPUTE_RANK: Final = {
    DisputeStatus.WARNING: 0,
    DisputeStatus.OPEN: 1,
    DisputeStatus.CLOSED: 2,
    DisputeStatus.WON: 2,
    DisputeStatus.LOST: 2,
}
CUSTOMER: Final[Mapping[str, str]] = {
    "user_id": "userId",
    "customer_id": "id",
    "customer_email": "email",
    "customer_name": "name",
    "customer_phone": "phone",
}
"""Details of facts that are the customer's, and what a state calls them."""
FAILURE: Final[Mapping[str, str]] = {"failure_code": "code", "failure_message": "message"}
_PARENTS: Final = frozenset(Kind) - {
    Kind.REFUND_PENDING,
    Kind.REFUND_SUCCEEDED,
    Kind.REFUND_FAILED,
    Kind.DISPUTE_STATUS,
    Kind.DISPUTE_WITHDRAWN,
    Kind.DISPUTE_REINSTATED,
    Kind.FEE,
    Kind.REFUNDED_TOTAL,
    Kind.LINK,
    Kind.EXPECTED,
    Kind.CORRECTED,
}


_UNTOLD: Final = frozenset({Kind.EXPECTED, Kind.CORRECTED})
"""What no gateway told."""
_SETTLED: Final = frozenset({Kind.FEE, Kind.DISPUTE_WITHDRAWN, Kind.DISPUTE_REINSTATED})
"""What the gateway settles with its merchant, perhaps in another currency than the customer's."""


class _Totals:
    """Sums over a set of facts, in minor units."""

    def __init__(self, by_kind: dict[Kind, list[Fact]]) -> None:
        captures = _amounts_by_ref(by_kind.get(Kind.CAPTURED, []))
        reversed_refs = {fact.ref for fact in by_kind.get(Kind.CAPTURE_REVERSED, [])}
        self.conflict = any(len(amounts) > 1 for amounts in captures.values())
        listed = sum(max(amounts) for amounts in captures.values())
        total = _largest(by_kind.get(Kind.CAPTURED_TOTAL, []))
        self.reversed = sum(max(amounts) for ref, amounts in captures.items() if ref in reversed_refs)
        self.gross = max(listed, total)
        self.captured = self.gross - self.reversed
        self.operation_missing = listed < total
        listed_authorized = sum(max(them) for them in _amounts_by_ref(by_kind.get(Kind.AUTHORIZED, [])).values())
        self.authorized = max(listed_authorized, self.gross)  # what was captured must have been authorized
        self.voided = _largest(by_kind.get(Kind.VOIDED, []))
        self.refunds = _refunds(by_kind)
        self.refunded = self._refunded(by_kind) if self.refunds or Kind.REFUNDED_TOTAL in by_kind else 0
        self.disputes = _disputes(by_kind.get(Kind.DISPUTE_STATUS, []))

    def _refunded(self, by_kind: dict[Kind, list[Fact]]) -> int:
        """A gateway's running total counts refunds from their start, so those that are not through come off it."""
        of_status = dict.fromkeys(RefundStatus, 0)
        for refund in self.refunds:
            of_status[refund.status] += refund.amount_minor
        total = _largest(by_kind.get(Kind.REFUNDED_TOTAL, []))
        self.operation_missing |= sum(of_status.values()) < total
        not_through = of_status[RefundStatus.FAILED] + of_status[RefundStatus.PENDING]
        return max(of_status[RefundStatus.COMPLETED], total - not_through)


def project(facts: Iterable[Fact]) -> PaymentState:
    """Fold all facts of one payment (at least one) into its state; the same for every order of the same set."""
    ordered = _ordered(facts)
    by_kind: dict[Kind, list[Fact]] = {}
    for fact in ordered:
        by_kind.setdefault(fact.kind, []).append(fact)
    totals = _Totals(by_kind)
    wish = expected(ordered) if Kind.EXPECTED in by_kind else None
    told = [fact for fact in ordered if fact.kind not in _UNTOLD] or ordered
    priced = [fact for fact in told if fact.kind not in _SETTLED]
    currencies = {fact.currency for fact in priced if fact.currency}
    status = _status(by_kind, totals)
    match = None if wish is None else _match(by_kind, totals, status, wish)
    return PaymentState(
        status=status,
        amount_minor=_amount(by_kind, totals),
        currency=_last(priced, lambda fact: fact.currency),
        authorized_minor=totals.authorized,
        captured_minor=totals.captured,
        refunded_minor=totals.refunded,
        disputed_minor=sum(it.amount_minor for it in totals.disputes if _is_against(it)),
        order_id=order_of(ordered),
        customer=details(ordered, CUSTOMER),
        failure=details(by_kind.get(Kind.FAILED, []), FAILURE),
        refunds=totals.refunds,
        disputes=totals.disputes,
        flags=_flags(by_kind, totals, currencies, match),
        aliases=ids_of(ordered)[1:],
        product=_last(told, lambda fact: fact.detail.get("product", "")),
        invoice_id=_linked(by_kind, LinkType.INVOICE),
        subscription_id=_linked(by_kind, LinkType.SUBSCRIPTION),
        expected_minor=wish.amount_minor or 0 if wish is not None else 0,
        expected_currency=wish.currency if wish is not None else "",
        version=len(ordered),
        started_at_ms=told[0].at_ms,
        changed_at_ms=told[-1].at_ms,
    )


def order_of(ordered: list[Fact]) -> str:
    """The order of a payment: what the newest fact says that names one; '' where none does."""
    return _last(ordered, lambda fact: fact.detail.get("order_id", ""))


def _linked(by_kind: Mapping[Kind, list[Fact]], kind: LinkType) -> str:
    """The newest id of that kind that says where the payment belongs."""
    return _last([it for it in by_kind.get(Kind.LINK, []) if it.detail.get("type") == kind], lambda fact: fact.ref)


def expected(facts: Iterable[Fact]) -> Fact | None:
    """What the merchant said last that a payment's order should pay; else what its own metadata says."""
    ordered = _ordered(facts)
    order_id = order_of(ordered)
    of_order = [fact for fact in ordered if fact.kind is Kind.EXPECTED and fact.ref and fact.ref == order_id]
    said = of_order or [fact for fact in ordered if fact.kind is Kind.EXPECTED and not fact.ref]
    return max(said, key=lambda it: (it.at_ms, it.amount_minor or 0, it.currency), default=None)


def is_other_currency(by_kind: Mapping[Kind, Iterable[Fact]], wish: Fact) -> bool:
    """Whether anything was captured in another currency than the expected one."""
    captures = [fact for kind in (Kind.CAPTURED, Kind.CAPTURED_TOTAL) for fact in by_kind.get(kind, ())]
    return any(fact.currency != wish.currency for fact in captures if fact.amount_minor)


def _match(by_kind: dict[Kind, list[Fact]], totals: _Totals, status: PaymentStatus, wish: Fact) -> Match | None:
    """None before money came, and for too little while more may come."""
    if totals.captured <= 0:
        return None
    if is_other_currency(by_kind, wish):
        return Match.CURRENCY_MISMATCH
    missing = (wish.amount_minor or 0) - totals.captured
    if missing <= 0:
        return Match.OVERPAID if missing else Match.EXACT
    return None if status is PaymentStatus.PARTIALLY_CAPTURED else Match.UNDERPAID


def _ordered(facts: Iterable[Fact]) -> list[Fact]:
    """Time first; ties, which are normal, by content, so that the order never depends on arrival."""
    ordered = sorted(facts, key=_operation)
    if any(_operation(one) == _operation(next_one) for one, next_one in pairwise(ordered)):
        ordered.sort(key=_content)  # rare, and the whole content costs several times more to compare
    return ordered


def _operation(fact: Fact) -> tuple[int, str, str]:
    return (fact.at_ms, fact.kind, fact.ref)


def _content(fact: Fact) -> tuple[object, ...]:
    return (*_operation(fact), fact.amount_minor or 0, fact.currency, tuple(sorted(fact.detail.items())))


def _status(by_kind: dict[Kind, list[Fact]], totals: _Totals) -> PaymentStatus:
    """Money that moved decides first; then what ended the payment; then the newest attempt."""
    if totals.captured > 0:
        return _status_of_captured(totals)
    if Kind.CANCELED in by_kind or Kind.VOIDED in by_kind:
        return PaymentStatus.CANCELED  # also where it was captured first: some gateways void what is not settled yet
    if totals.reversed:
        return PaymentStatus.FAILED
    if Kind.EXPIRED in by_kind:
        return PaymentStatus.EXPIRED
    if Kind.AUTHORIZED in by_kind:
        return PaymentStatus.AUTHORIZED
    attempts = [fact for kind in _ATTEMPT_STATUS for fact in by_kind.get(kind, [])]
    if not attempts:
        return PaymentStatus.CREATED
    newest = max(attempts, key=lambda fact: (_ATTEMPT_RANK[fact.kind] > 0, fact.at_ms, _ATTEMPT_RANK[fact.kind]))
    return _ATTEMPT_STATUS[newest.kind]


def _status_of_captured(totals: _Totals) -> PaymentStatus:
    statuses = {dispute.status for dispute in totals.disputes}
    if DisputeStatus.LOST in statuses:
        return PaymentStatus.CHARGED_BACK
    if DisputeStatus.OPEN in statuses:
        return PaymentStatus.DISPUTED
    if totals.refunded >= totals.captured:
        return PaymentStatus.REFUNDED
    if totals.refunded > 0:
        return PaymentStatus.PARTIALLY_REFUNDED
    if totals.gross + totals.voided < totals.authorized:
        return PaymentStatus.PARTIALLY_CAPTURED
    return PaymentStatus.COMPLETED


def _amount(by_kind: dict[Kind, list[Fact]], totals: _Totals) -> int:
    """What was to be paid, if anybody said; else what was authorized or captured, or an attempt's amount."""
    asked = [fact.amount_minor for fact in by_kind.get(Kind.PAYMENT_CREATED, []) if fact.amount_minor is not None]
    if asked:
        return asked[-1]
    return max(totals.authorized, totals.gross) or max(
        (fact.amount_minor or 0 for kind in _ATTEMPT_STATUS for fact in by_kind.get(kind, [])), default=0
    )


def _refunds(by_kind: dict[Kind, list[Fact]]) -> tuple[RefundState, ...]:
    by_ref: dict[str, list[Fact]] = {}
    for kind in _REFUND_STATUS:
        for fact in by_kind.get(kind, []):
            by_ref.setdefault(fact.ref, []).append(fact)
    return tuple(
        RefundState(
            ref=ref,
            status=_REFUND_STATUS[max((fact.kind for fact in facts), key=_REFUND_RANK.__getitem__)],
            amount_minor=_largest(facts),
        )
        for ref, facts in sorted(by_ref.items())
    )


def _disputes(facts: list[Fact]) -> tuple[DisputeState, ...]:
    by_ref: dict[str, list[Fact]] = {}
    for fact in facts:
        by_ref.setdefault(fact.ref, []).append(fact)
    return tuple(
        DisputeState(ref=ref, status=dispute_status(them), amount_minor=_largest(them))
        for ref, them in sorted(by_ref.items())
    )


def dispute_status(facts: Iterable[Fact]) -> DisputeStatus:
    """The highest rank wins; between two decisions, the later one (a second stage may turn the first)."""
    ranked = [(DisputeStatus(fact.detail.get("status", "open")), fact.at_ms) for fact in facts]
    return max(ranked, key=lambda pair: (_DISPUTE_RANK[pair[0]], pair[1], pair[0]))[0]


def _is_against(dispute: DisputeState) -> bool:
    return dispute.status in (DisputeStatus.OPEN, DisputeStatus.LOST)


def _flags(
    by_kind: dict[Kind, list[Fact]], totals: _Totals, currencies: set[str], match: Match | None
) -> tuple[str, ...]:
    found = {
        "conflict": totals.conflict,
        "currency_conflict": len(currencies) > 1,
        "incomplete": not _PARENTS & by_kind.keys(),
        "needs_fetch": totals.operation_missing,
    }
    missed = (str(match),) if match is not None and match is not Match.EXACT else ()
    return (*(name for name, is_set in found.items() if is_set), *missed)


def _amounts_by_ref(facts: list[Fact]) -> dict[str, set[int]]:
    amounts: dict[str, set[int]] = {}
    for fact in facts:
        amounts.setdefault(fact.ref, set()).add(fact.amount_minor or 0)
    return amounts


def _largest(facts: Iterable[Fact]) -> int:
    return max((fact.amount_minor or 0 for fact in facts), default=0)


def _last(ordered: list[Fact], read: Callable[[Fact], str]) -> str:
    return next((value for fact in reversed(ordered) if (value := read(fact))), "")


def details(ordered: Iterable[Fact], names: Mapping[str, str]) -> dict[str, str]:
    """The newest of each detail, in the order of the table: a stored fact has its own in another one."""
    latest: dict[str, str] = {}
    for fact in ordered:
        latest |= {name: value for name, value in fact.detail.items() if name in names}
    return {called: latest[name] for name, called in names.items() if name in latest}
