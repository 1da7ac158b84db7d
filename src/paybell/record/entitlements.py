"""What all grants of a customer come to, at a time: pure. See docs/decisions/0014."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.entitlement import (
    DAY_MS,
    Billed,
    Bought,
    EntitlementState,
    Grant,
    Money,
    OnRefund,
    Product,
    Reason,
    Subscribed,
)

RENEWAL_MS: Final = DAY_MS
"""How long a renewal may take to be heard of before a period that is over counts as lapsed."""
_RUNNING: Final = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
_REFUNDED: Final = {Money.REFUNDED: Reason.REFUNDED, Money.CHARGED_BACK: Reason.CHARGED_BACK}
_RANKS: Final = {state: rank for rank, state in enumerate(EntitlementState)}


class Standing(Struct, frozen=True, kw_only=True):
    """Where an entitlement stands. ``due_at_ms``: when time alone will change it."""

    state: EntitlementState
    reason: Reason
    until_ms: int | None = None
    due_at_ms: int | None = None
    who: Mapping[str, str] = {}


class _Run(Struct):
    """One subscription with its invoices and their payments, gathered from grants in any order."""

    subscribed: Subscribed | None = None
    bills: list[Billed] = []
    payments: list[Bought] = []


def entitled(grants: Iterable[Grant], products: Iterable[Product], now_ms: int) -> Mapping[str, Standing]:
    """By product: the best of what each subscription, and all purchases together, come to."""
    says = [grant.says for grant in sorted(grants, key=lambda it: it.subject_id)]
    catalogue = _Catalogue(products)
    found: dict[str, list[Standing]] = {}
    for run in _runs(says):
        product = catalogue.of_run(run)
        standing = None if product is None else _of_run(run, product, now_ms)
        if product is not None and standing is not None:
            found.setdefault(product.uid, []).append(standing)
    for product, bought in _purchases(says, catalogue):
        found.setdefault(product.uid, []).append(_of_purchases(bought, product, now_ms))
    return {uid: min(standings, key=_worst_last) for uid, standings in sorted(found.items())}


class _Catalogue:
    """Which product a plan, or a merchant's word, is; what is not listed is a product of its own."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._by_uid = {it.uid: it for it in products}
        self._by_plan = {plan: it for it in sorted(self._by_uid.values(), key=lambda it: it.uid) for plan in it.plans}

    def named(self, uid: str) -> Product:
        return self._by_uid.get(uid) or Product(organisation_id="", uid=uid)

    def of_run(self, run: _Run) -> Product | None:
        own: list[Subscribed | Billed] = [run.subscribed] if run.subscribed else []
        tellers = [*own, *_newest_first(run.bills)]
        paid = sorted(run.payments, key=lambda it: it.at_ms, reverse=True)
        uid = next((it.product for it in (*tellers, *paid) if it.product), "")
        plan = next((it.plan for it in tellers if it.plan), "")
        if uid:
            return self.named(uid)
        return (self._by_plan.get(plan) or self.named(plan)) if plan else None


def _runs(says: Iterable[Bought | Subscribed | Billed]) -> Iterable[_Run]:
    told = list(says)
    of_invoice = {it.invoice_id: it.subscription_id for it in told if isinstance(it, Billed)}
    runs: dict[str, _Run] = {}
    for it in told:
        of = it.subscription_id or (of_invoice.get(it.invoice_id, "") if isinstance(it, Bought) else "")
        if not of:
            continue
        run = runs.setdefault(of, _Run())
        match it:
            case Subscribed():
                run.subscribed = it
            case Billed():
                run.bills.append(it)
            case Bought():
                run.payments.append(it)
    return [run for _, run in sorted(runs.items())]


def _purchases(
    says: Iterable[Bought | Subscribed | Billed], catalogue: _Catalogue
) -> Iterable[tuple[Product, list[Bought]]]:
    by_uid: dict[str, list[Bought]] = {}
    for it in says:
        if isinstance(it, Bought) and it.product and not it.subscription_id and not it.invoice_id:
            by_uid.setdefault(it.product, []).append(it)
    return [(catalogue.named(uid), bought) for uid, bought in sorted(by_uid.items())]


def _of_purchases(bought: Sequence[Bought], product: Product, now_ms: int) -> Standing:
    """Those that last for days add up, one after the other."""
    ordered = sorted(bought, key=lambda it: it.at_ms)
    who = _who(ordered)
    kept = [it for it in ordered if it.money is Money.KEPT or _stays(product)]
    if not kept:
        return Standing(state=EntitlementState.REVOKED, reason=_REFUNDED[ordered[-1].money], who=who)
    if not product.duration_days:
        return Standing(state=EntitlementState.GRANTED, reason=Reason.PAID, who=who)
    until_ms = 0
    for it in kept:
        until_ms = max(until_ms, it.at_ms) + product.duration_days * DAY_MS
    return _granted(until_ms, now_ms, Reason.PAID, who)


def _stays(product: Product) -> bool:
    """Whether what was given back counts all the same; what never ends has no end of its period to wait for."""
    lasts = product.on_refund is OnRefund.END_OF_PERIOD and product.duration_days > 0
    return product.on_refund is OnRefund.NONE or lasts


def _of_run(run: _Run, product: Product, now_ms: int) -> Standing | None:
    """None while nothing was paid and nothing runs."""
    subscribed = run.subscribed
    paid = [it for it in run.bills if it.status is InvoiceStatus.PAID]
    who = _who([*run.payments, *_newest_first(run.bills)[::-1], *([subscribed] if subscribed else [])])
    lost = _lost(run, paid)
    if lost is not None and product.on_refund is OnRefund.REVOKE:
        return Standing(state=EntitlementState.REVOKED, reason=lost, who=who)
    ends = lost is not None and product.on_refund is OnRefund.END_OF_PERIOD
    until_ms = max((it.period_end_ms for it in paid), default=0)
    if subscribed is None or subscribed.status is SubscriptionStatus.INCOMPLETE or _restored(run, subscribed, paid):
        return _of_bills(run, until_ms, product, now_ms, ends=ends, who=who) if paid or run.payments else None
    if subscribed.status in _RUNNING:
        return _running(subscribed, max(until_ms, subscribed.period_end_ms), product, now_ms, ends=ends, who=who)
    return _halted(subscribed, until_ms, product, now_ms, who)


def _lost(run: _Run, paid: Sequence[Billed]) -> Reason | None:
    """Why the money of the current period is gone; an earlier period's refund changes nothing of this one."""
    newest = _newest_first(paid)[0].invoice_id if paid else ""
    of_newest = [it for it in run.payments if newest and it.invoice_id == newest]
    latest = max(of_newest or ([] if newest else run.payments), key=lambda it: it.at_ms, default=None)
    return None if latest is None else _REFUNDED.get(latest.money)


def _restored(run: _Run, subscribed: Subscribed, paid: Sequence[Billed]) -> bool:
    """Whether it was paid after it was last said to be past due, and the subscription's own word of that is to come."""
    if subscribed.status is not SubscriptionStatus.PAST_DUE:
        return False
    kept = [it.at_ms for it in run.payments if it.money is Money.KEPT]
    return any(at_ms > subscribed.changed_at_ms for at_ms in (*(it.at_ms for it in paid), *kept))


def _of_bills(
    run: _Run, until_ms: int, product: Product, now_ms: int, *, ends: bool, who: Mapping[str, str]
) -> Standing:
    """Of a subscription that says nothing itself: what was paid, and whether the next was not."""
    if not until_ms:
        return Standing(state=EntitlementState.GRANTED, reason=Reason.PAID, who=who)
    if ends:
        return _granted(until_ms, now_ms, Reason.PAID, who)
    newest = _newest_first(run.bills)[0]
    if newest.status is InvoiceStatus.FAILED and now_ms >= until_ms:
        return _ladder(max(until_ms, newest.at_ms), product, now_ms, Reason.UNPAID, who)
    return _until_renewed(until_ms, product, now_ms, Reason.PAID, who)


def _running(
    subscribed: Subscribed, until_ms: int, product: Product, now_ms: int, *, ends: bool, who: Mapping[str, str]
) -> Standing:
    reason = Reason.TRIAL if subscribed.status is SubscriptionStatus.TRIALING else Reason.PAID
    end_ms = subscribed.ends_at_ms
    if not until_ms:
        return _granted(end_ms, now_ms, reason, who) if end_ms else _open(reason, who)
    if ends or subscribed.cancel_at_period_end or 0 < end_ms <= until_ms:
        return _granted(min(end_ms or until_ms, until_ms), now_ms, reason, who)
    return _until_renewed(until_ms, product, now_ms, reason, who)


def _halted(subscribed: Subscribed, until_ms: int, product: Product, now_ms: int, who: Mapping[str, str]) -> Standing:
    if subscribed.status is SubscriptionStatus.PAUSED:
        return Standing(state=EntitlementState.SUSPENDED, reason=Reason.PAUSED, who=who)
    if subscribed.status is SubscriptionStatus.PAST_DUE:
        since_ms = max(subscribed.unpaid_since_ms, until_ms)
        if now_ms < since_ms:
            return _at(EntitlementState.GRANTED, Reason.PAID, since_ms, who)
        return _ladder(since_ms, product, now_ms, Reason.UNPAID, who)
    end_ms = subscribed.ends_at_ms or subscribed.changed_at_ms
    if now_ms < end_ms:
        return _at(EntitlementState.GRANTED, Reason.CANCELED, end_ms, who)
    return Standing(state=EntitlementState.REVOKED, reason=Reason.CANCELED, until_ms=end_ms, who=who)


def _until_renewed(until_ms: int, product: Product, now_ms: int, reason: Reason, who: Mapping[str, str]) -> Standing:
    """Granted until it should be renewed, and a little longer: a renewal is told late."""
    if now_ms < until_ms + RENEWAL_MS:
        return Standing(
            state=EntitlementState.GRANTED, reason=reason, until_ms=until_ms, due_at_ms=until_ms + RENEWAL_MS, who=who
        )
    return _ladder(until_ms, product, now_ms, Reason.LAPSED, who)


def _ladder(since_ms: int, product: Product, now_ms: int, reason: Reason, who: Mapping[str, str]) -> Standing:
    """From grace to suspended to revoked."""
    grace_ends_ms = since_ms + product.grace_days * DAY_MS
    ends_ms = grace_ends_ms + product.suspended_days * DAY_MS
    if now_ms < grace_ends_ms:
        return _at(EntitlementState.GRACE, reason, grace_ends_ms, who)
    if now_ms < ends_ms:
        return _at(EntitlementState.SUSPENDED, reason, ends_ms, who)
    return Standing(state=EntitlementState.REVOKED, reason=reason, until_ms=ends_ms, who=who)


def _granted(until_ms: int, now_ms: int, reason: Reason, who: Mapping[str, str]) -> Standing:
    """Granted until it ends by itself."""
    if now_ms < until_ms:
        return _at(EntitlementState.GRANTED, reason, until_ms, who)
    return Standing(state=EntitlementState.REVOKED, reason=Reason.ENDED, until_ms=until_ms, who=who)


def _at(state: EntitlementState, reason: Reason, until_ms: int, who: Mapping[str, str]) -> Standing:
    return Standing(state=state, reason=reason, until_ms=until_ms, due_at_ms=until_ms, who=who)


def _open(reason: Reason, who: Mapping[str, str]) -> Standing:
    """With no known end."""
    return Standing(state=EntitlementState.GRANTED, reason=reason, who=who)


def _newest_first(bills: Iterable[Billed]) -> list[Billed]:
    return sorted(bills, key=lambda it: (it.period_end_ms, it.at_ms, it.invoice_id), reverse=True)


def _who(tellers: Iterable[Bought | Subscribed | Billed]) -> Mapping[str, str]:
    """What is known of the customer; the last word counts."""
    known: dict[str, str] = {}
    for it in tellers:
        known |= it.who
    return dict(sorted(known.items()))


def _worst_last(standing: Standing) -> tuple[int, bool, int, str]:
    """Best first: by state, then the one that lasts longest."""
    until_ms = standing.until_ms
    return (_RANKS[standing.state], until_ms is not None, -(until_ms or 0), standing.reason)
