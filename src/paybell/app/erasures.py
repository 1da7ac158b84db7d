"""Take a customer's personal data out of everything that is kept; amounts, ledger, hashes and ids stay."""

from collections.abc import AsyncIterator, Mapping
from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.clock import Clock
from paybell.model.account import AccountItem, PayoutState
from paybell.model.entitlement import holder
from paybell.model.fact import Subject
from paybell.model.notification import ERASED_HEADER, Notification, NotificationState
from paybell.model.payment import Payment
from paybell.model.personal import VALUE_CHARS_MIN, personal_values, redacted_body, redacted_fact, redacted_text
from paybell.ports import Book, Changes, Erasure, ItemKey, PageQuery, PaymentKey, Personal, Routed, Store, Subjects
from paybell.record.rebuild import rebuild

ROWS_MAX: Final = 250
_KEPT_HEADERS: Final = frozenset({"content-type", "paybell-subject"})
_PEOPLE: Final = (Subject.SUBSCRIPTION, Subject.INVOICE, Subject.CUSTOMER)


class Found(Struct, frozen=True, kw_only=True):
    """What names a customer; and how many payments have the same e-mail address under another name."""

    payments: tuple[Payment, ...]
    items: tuple[AccountItem, ...]
    others_count: int


class _Scan:
    """Everything of an organisation that names somebody, page by page."""

    def __init__(self, store: Store, organisation_id: str) -> None:
        self._store = store
        self._organisation_id = organisation_id

    async def payments(self) -> AsyncIterator[Payment]:
        iterator, done = "", False
        while not done:
            page = await self._store.payment_page(self._query(iterator, {}))
            for it in page.data:
                yield it
            iterator, done = page.iterator, page.done

    async def items(self) -> AsyncIterator[AccountItem]:
        for subject in _PEOPLE:
            iterator, done = "", False
            while not done:
                page = await self._store.account_item_page(self._query(iterator, {"subject": str(subject)}))
                for it in page.data:
                    yield it
                iterator, done = page.iterator, page.done

    def _query(self, iterator: str, filters: Mapping[str, str]) -> PageQuery:
        return PageQuery(organisation_id=self._organisation_id, limit=ROWS_MAX, iterator=iterator, filters=filters)


async def find_customer(store: Store, organisation_id: str, name: str) -> Found:
    """Everything that names a customer: by our id, the gateway's, the e-mail address or the merchant's own name."""
    scan = _Scan(store, organisation_id)
    items = [it async for it in scan.items() if _names(_who(it), name) or it.id == name]
    ids = {it.gateway_id for it in items if it.id == name}
    payments, emails, others = list[Payment](), {_who(it).get("email", "").lower() for it in items}, list[Payment]()
    async for it in scan.payments():
        who = it.state.customer
        if _names(who, name) or who.get("id", "") in ids:
            payments.append(it)
            emails.add(who.get("email", "").lower())
        elif who.get("email"):
            others.append(it)
    same = sum(it.state.customer["email"].lower() in emails for it in others)
    return Found(payments=tuple(payments), items=tuple(items), others_count=same)


def _who(it: AccountItem) -> Mapping[str, str]:
    return {} if isinstance(it.state, PayoutState) else it.state.customer


def _names(who: Mapping[str, str], name: str) -> bool:
    if not name:
        return False
    return name in {who.get("id"), who.get("userId")} or name.lower() == who.get("email", "").lower()


async def weigh(store: Store, organisation_id: str, found: Found) -> Erasure:
    """How much an erasure would be of; nothing is changed."""
    held = [await store.personal_list(organisation_id, it) for it in _ids(found)]
    return Erasure(
        id="",
        organisation_id=organisation_id,
        customers=names_of(found),
        payment_count=len(found.payments),
        notification_count=len({it.id for each in held for it in each.notifications}),
        message_count=sum(len(it.messages) for it in held),
        erased_at_ms=0,
    )


async def erase_customer(store: Store, clock: Clock, organisation_id: str, found: Found) -> Erasure:
    """Take it out of facts, notifications, messages and attempts, then fold what is left again. It can be repeated."""
    weight = await weigh(store, organisation_id, found)
    values: frozenset[str] = frozenset()
    for subject_id in _ids(found):
        held = await store.personal_list(organisation_id, subject_id)
        values |= personal_values(held.facts.values())
        await store.personal_replace(subject_id, _without(held, values, organisation_id))
    for name in _customers(found):
        for it in await store.entitlement_of(organisation_id, name):
            told = await store.personal_list(organisation_id, it.id)
            await store.personal_replace(it.id, _without(told, values, organisation_id))
        if "@" in name:
            await store.entitlement_rename(organisation_id, name, _pseudonym(organisation_id, name))
    await _clear_loose(store, organisation_id, values)
    await _fold(store, clock, found)
    erasure = replace(weight, id=clock.new_id("era"), erased_at_ms=clock.now_ms())
    await store.erasure_insert(erasure)
    return erasure


def _ids(found: Found) -> list[str]:
    return [*(it.id for it in found.payments), *(it.id for it in found.items)]


def _customers(found: Found) -> list[str]:
    """What they are called where it is said what they may use."""
    return sorted({name for it in _people(found) if (name := holder(it))})


def _people(found: Found) -> list[Mapping[str, str]]:
    return [*(it.state.customer for it in found.payments), *map(_who, found.items)]


def names_of(found: Found) -> tuple[str, ...]:
    """The gateways' ids, which stay and say nothing."""
    return tuple(sorted({it["id"] for it in _people(found) if it.get("id")}))


def _pseudonym(organisation_id: str, email: str) -> str:
    digest = blake2b(f"{organisation_id}\0{email.lower()}".encode(), digest_size=10).hexdigest()
    return f"erased-{digest}"


def _without(held: Personal, values: frozenset[str], organisation_id: str) -> Personal:
    return Personal(
        facts={
            digest: redacted_fact(fact, values, _pseudonym(organisation_id, fact.detail.get("customer_email", "")))
            for digest, fact in held.facts.items()
        },
        notifications=tuple(_cleared(it, values) for it in held.notifications),
        messages=tuple((message_id, redacted_body(payload, values)) for message_id, payload in held.messages),
        attempts=tuple(
            (it, redacted_text(response, values), redacted_text(error, values)) for it, response, error in held.attempts
        ),
    )


def _cleared(it: Notification, values: frozenset[str]) -> Notification:
    """Its headers may hold anything, and its signature fits nothing any more."""
    kept = tuple(header for header in it.headers if header[0] in _KEPT_HEADERS)
    return replace(it, headers=(*kept, (ERASED_HEADER, "1")), body=redacted_body(it.body, values))


async def _clear_loose(store: Store, organisation_id: str, values: frozenset[str]) -> None:
    """Notifications that told of no payment may name the customer, too."""
    wanted = [it.lower().encode() for it in values if len(it) >= VALUE_CHARS_MIN]
    for state in (NotificationState.UNMAPPED, NotificationState.PARKED):
        iterator, done = "", not wanted
        while not done:
            filters = {"state": str(state)}
            query = PageQuery(organisation_id=organisation_id, limit=ROWS_MAX, iterator=iterator, filters=filters)
            page = await store.notification_page(query)
            naming = [
                it.notification for it in page.data if any(value in it.notification.body.lower() for value in wanted)
            ]
            if naming:
                cleared = tuple(_cleared(it, values) for it in naming)
                await store.personal_replace("", Personal(notifications=cleared))
            iterator, done = page.iterator, page.done


async def _fold(store: Store, clock: Clock, found: Found) -> None:
    """States, grants and entitlements follow from the facts; nobody is told."""

    def decide(book: Book) -> Changes:
        return rebuild(book, route=_nobody, now_ms=clock.now_ms())

    for start in range(0, len(found.payments), ROWS_MAX):
        some = found.payments[start : start + ROWS_MAX]
        keys = tuple(PaymentKey(it.source_id, it.gateway_payment_id) for it in some)
        await store.subject_rebuild(Subjects(payments=keys), decide)
    items = tuple(ItemKey(it.source_id, it.subject, it.gateway_id) for it in found.items)
    for start in range(0, len(items), ROWS_MAX):
        await store.subject_rebuild(Subjects(items=items[start : start + ROWS_MAX]), decide)


def _nobody(*_: object) -> Routed:
    return Routed(messages=(), deliveries=())
