"""Decide what changed grants, and time, change of entitlements, and what is told of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.model.entitlement import CustomerKey, Entitlement, EntitlementState, Grant, Product, Reason
from paybell.ports import Book, GrantChange
from paybell.record.account_messages import moment
from paybell.record.draft import Draft, News
from paybell.record.entitlements import Standing, entitled
from paybell.record.ids import subject_id
from paybell.record.messages import Transition

GRANTS_MAX: Final = 2_000
"""Of one customer; older ones beyond are left out."""


class Party(Struct, frozen=True):
    """Whose entitlement it is, and where."""

    key: CustomerKey
    gateway: str
    livemode: bool


class Members:
    """The entitlements of one decision: what is known of them so far, and what has been decided."""

    def __init__(self, book: Book, draft: Draft) -> None:
        self._draft = draft
        self._products = book.products
        self._grants = {it.subject_id: it for grants in book.grants.values() for it in grants}
        self._of_customer: dict[CustomerKey, dict[str, Grant]] = {}
        for it in self._grants.values():
            self._of_customer.setdefault(it.key, {})[it.subject_id] = it
        self._held = {key: {it.product: it for it in entitlements} for key, entitlements in book.entitlements.items()}
        self._changed_grants: dict[str, Grant | None] = {}
        self._changed: dict[str, Entitlement] = {}

    def settle(self, time: str) -> None:
        """Take what was granted since, and compute what that comes to."""
        touched: dict[CustomerKey, Party] = {}
        for owner, grant in self._draft.take_grants():
            before = self._grants.get(owner.id)
            if before == grant:
                continue
            self._put(owner.id, before, grant)
            for it in (before, grant):
                if it is not None:
                    touched.setdefault(it.key, Party(it.key, owner.gateway, owner.livemode))
        for party in touched.values():
            self._compute(party, time)

    def turn(self, time: str) -> None:
        """Compute what time alone has changed, of all that are in hand."""
        for held in list(self._held.values()):
            for it in list(held.values())[:1]:
                self._compute(Party(it.key, it.gateway, it.livemode), time)

    def _put(self, owner_id: str, before: Grant | None, grant: Grant | None) -> None:
        self._changed_grants[owner_id] = grant
        if before is not None:
            del self._of_customer[before.key][owner_id]
            del self._grants[owner_id]
        if grant is not None:
            self._grants[owner_id] = grant
            self._of_customer.setdefault(grant.key, {})[owner_id] = grant

    def _compute(self, party: Party, time: str) -> None:
        grants = self._of_customer.get(party.key, {}).values()
        newest = sorted(grants, key=lambda it: it.subject_id.partition("_")[2], reverse=True)[:GRANTS_MAX]
        standings = entitled(newest, self._products.get(party.key.organisation_id, ()), self._draft.now_ms)
        held = self._held.setdefault(party.key, {})
        gone = Standing(state=EntitlementState.REVOKED, reason=Reason.REPLACED)
        for product in sorted({*standings, *held}):
            before = held.get(product)
            standing = standings.get(product) or replace(gone, who=before.who if before else {})
            after = self._moved(before or _begun(party, product, time, self._draft.now_ms), standing)
            if after != before:
                held[product] = self._changed[after.id] = after
                self._tell(before, after)

    def _moved(self, before: Entitlement, standing: Standing) -> Entitlement:
        """Its version rises with what people see of it."""
        after = replace(
            before,
            state=standing.state,
            reason=standing.reason,
            until_ms=standing.until_ms,
            due_at_ms=standing.due_at_ms,
            who=standing.who,
        )
        if before.version and _seen(after) == _seen(before):
            return after  # a timer that was set anew is nobody's news
        return replace(after, version=before.version + 1, updated_at_ms=self._draft.now_ms)

    def _tell(self, before: Entitlement | None, after: Entitlement) -> None:
        told = _told(before, after)
        if told:
            products = self._products.get(after.organisation_id, ())
            news = News(
                organisation_id=after.organisation_id,
                subject_id=after.id,
                version=after.version,
                told=(Transition(told),),
                data=lambda _: membership_data(after, products),
            )
            self._draft.tell(after.organisation_id, lambda: news)

    def grants(self) -> tuple[GrantChange, ...]:
        """Grants that are not what they were."""
        return tuple(GrantChange(owner_id, grant) for owner_id, grant in self._changed_grants.items())

    def changed(self) -> tuple[Entitlement, ...]:
        """Entitlements that are not what they were."""
        return tuple(self._changed.values())


def _seen(it: Entitlement) -> tuple[object, ...]:
    return (it.state, it.reason, it.until_ms)


def _told(before: Entitlement | None, after: Entitlement) -> str:
    """The state, when it is another one; that it is granted for longer. What begins with its end is told to nobody."""
    if before is None or before.state is not after.state:
        begins_revoked = before is None and after.state is EntitlementState.REVOKED
        return "" if begins_revoked else f"membership.{after.state}"
    is_longer = before.until_ms is not None and (after.until_ms is None or after.until_ms > before.until_ms)
    return "membership.renewed" if after.state is EntitlementState.GRANTED and is_longer else ""


def membership_data(it: Entitlement, products: Iterable[Product]) -> Mapping[str, object]:
    """An entitlement as told to subscribers: the desired state, so that it can be applied in any order."""
    names: Sequence[str] = [product.name for product in products if product.uid == it.product]
    return {
        "membershipId": it.id,
        "state": it.state,
        "allowed": it.allowed,
        "product": it.product,
        "productName": names[0] if names else None,
        "until": moment(it.until_ms or 0),
        "reason": it.reason,
        "customer": {**it.who, "key": it.customer},
        "version": it.version,
        "gateway": it.gateway,
        "sourceId": it.source_id,
        "livemode": it.livemode,
    }


def _begun(party: Party, product: str, time: str, now_ms: int) -> Entitlement:
    name = f"{party.key.source_id}\0{party.key.customer}\0{product}"
    return Entitlement(
        id=subject_id("ent", name, f"ent_{time}"),
        organisation_id=party.key.organisation_id,
        source_id=party.key.source_id,
        gateway=party.gateway,
        livemode=party.livemode,
        customer=party.key.customer,
        product=product,
        state=EntitlementState.REVOKED,
        reason=Reason.REPLACED,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
