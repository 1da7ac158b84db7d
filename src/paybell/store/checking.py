"""Whether a database adds up: what refers to what, counters, boxes, and each payment as the fold of its facts."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from paybell.clock import time_of
from paybell.model.account import AccountState
from paybell.model.alias import ids_of, joined
from paybell.model.fact import Fact, Kind, Subject, subject_of
from paybell.model.ledger import Posting
from paybell.model.payment import PaymentState
from paybell.model.personal import ERASED
from paybell.ports import ArchiveReader, ArchiveRow
from paybell.store import ledger_rows, rows
from paybell.store.archive import BY_NAME, TABLES, WEEK_MS, Digest, Table, TableDigest, Unopened, tolerant

EXAMPLES_MAX: Final = 10
_ROWS_MAX: Final = 1000
_STATE: Final = msgspec.json.Decoder(PaymentState)
_PAYMENTS: Final = BY_NAME["payments"]
_FACTS: Final = BY_NAME["facts"]
_ITEMS: Final = BY_NAME["account_items"]
_PAYMENT_ID: Final = "pay_"
_OWN_WORDS: Final = frozenset({Kind.EXPECTED, Kind.CORRECTED})
"""Facts that no notification told."""
_ITEM_STATE: Final[msgspec.json.Decoder[AccountState]] = msgspec.json.Decoder(AccountState)

Project = Callable[[Iterable[Fact]], PaymentState]
"""What a set of facts adds up to."""


class Folds(Struct, frozen=True, kw_only=True):
    """How facts are folded, by those who know."""

    project: Project
    project_item: Callable[[Subject, Iterable[Fact]], AccountState]
    """The same for account items."""
    audit: Callable[[Iterable[Fact], Sequence[Posting]], str]
    """Why the postings are not what the facts ask for; '' when they are."""


class Defect(Struct, frozen=True, kw_only=True):
    """One row that does not add up, and why."""

    table: str
    id: str
    what: str


class Defects:
    """All that does not add up: how many, and the first few of each check."""

    def __init__(self) -> None:
        self.total = 0
        self.examples: list[Defect] = []
        self._of_check: Counter[str] = Counter()

    def add(self, check: str, defect: Defect) -> None:
        """Count it, and keep it while there are few of its check."""
        self.total += 1
        self._of_check[check] += 1
        if self._of_check[check] <= EXAMPLES_MAX:
            self.examples.append(defect)


class SourceCounts(Struct, frozen=True, kw_only=True):
    """What one source's notifications became; all states together are what was accepted."""

    source_id: str
    accepted: int
    states: Mapping[str, int]


class Check(Struct, frozen=True, kw_only=True):
    """A query for what does not add up: the id, why, and the id of what is missed where retention may have dropped it.

    ``weeks`` is the query for what :func:`is_dropped` asks of the table in which that is missed.
    """

    query: str
    table: str
    weeks: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """A database's digests and counters, and what does not add up in it."""

    tables: tuple[TableDigest, ...]
    sources: tuple[SourceCounts, ...]
    defect_count: int
    examples: tuple[Defect, ...]


_CHECKS: Final = (
    Check(query="check_notifications", table="notifications"),
    Check(query="check_notification_states", table="notification_states"),
    Check(query="check_notification_times", table="notification_states"),
    Check(query="check_facts", table="facts", weeks="check_weeks_notifications"),
    Check(query="check_expectations", table="payments"),
    Check(query="check_merged", table="merged_payments"),
    Check(query="check_aliases", table="aliases"),
    Check(query="check_postings", table="postings"),
    Check(query="check_merged_postings", table="postings"),
    Check(query="check_grants", table="grants"),
    Check(query="check_messages", table="messages"),
    Check(query="check_deliveries", table="deliveries", weeks="check_weeks_messages"),
    Check(query="check_delivery_times", table="deliveries"),
    Check(query="check_delivery_lines", table="deliveries"),
    Check(query="check_delivery_attempts", table="deliveries", weeks="check_weeks_attempts"),
    Check(query="check_attempts", table="attempts", weeks="check_weeks_deliveries"),
)
_OWN_CHECKS: Final[Mapping[str, tuple[Check, ...]]] = {
    "sqlite": (),
    "postgres": (
        Check(query="check_deliveries_once", table="deliveries"),
        Check(query="check_notification_keys", table="notifications", weeks="check_weeks_notifications"),
        Check(query="check_message_keys", table="messages", weeks="check_weeks_messages"),
    ),
}


async def verify(reader: ArchiveReader, folds: Folds) -> Report:
    """Look at everything in one snapshot."""
    defects = Defects()
    tables = tuple([await _digest(reader, table, defects) for table in TABLES])
    for check in (*_CHECKS, *_OWN_CHECKS[reader.dialect]):
        await _run(reader, check, defects)
    counted = counters(await _all(reader, "check_accepted"), await _all(reader, "check_became"))
    for source in counted:
        if (what := uncounted(source)) is not None:
            defects.add("counters", Defect(table="sources", id=source.source_id, what=what))
    aliases = _Beside(_groups(_every(reader, "check_aliased")))
    async for table, row, facts in _subjects(reader):
        key = rows.text(row[0] if row is not None else facts[0][0])
        if table is _ITEMS:
            what = misfolded_item(row, facts, folds)
        else:
            found_by = [rows.text(alias) for _, alias in await aliases.of(key)]
            what = misfolded(row, facts, folds.project, found_by)
        if what is not None:
            defects.add(table.name, Defect(table=table.name, id=key, what=what))
    postings = _Beside(_groups(_every(reader, "check_posted")))
    async for facts in _groups(_each(reader, _FACTS)):
        key = rows.text(facts[0][0])
        if what := misposted(facts, await postings.of(key), folds):
            defects.add("ledger", Defect(table="postings", id=key, what=what))
    return Report(tables=tables, sources=counted, defect_count=defects.total, examples=tuple(defects.examples))


# ---- the checks


def is_dropped(row_id: str, firsts: Mapping[int, str]) -> bool:
    """Whether retention may have dropped the row: nothing of its week is kept, or only what came after it.

    ``firsts`` has the weeks since 1970 of which something is kept, with the first id of each behind its prefix.
    """
    made_at_ms = time_of(row_id)
    if made_at_ms is None:
        return False
    week = made_at_ms // WEEK_MS
    return week not in firsts or row_id.partition("_")[2] < firsts[week]


def counters(accepted: Sequence[ArchiveRow], became: Sequence[ArchiveRow]) -> tuple[SourceCounts, ...]:
    """Put together how many notifications each source has, and what became of them."""
    count = {rows.text(source_id): rows.number(number) for source_id, number in accepted}
    states: dict[str, dict[str, int]] = {source_id: {} for source_id in count}
    for source_id, state, number in became:
        states.setdefault(rows.text(source_id), {})[rows.text(state)] = rows.number(number)
    return tuple(
        SourceCounts(source_id=source_id, accepted=count.get(source_id, 0), states=of_source)
        for source_id, of_source in sorted(states.items())
    )


def uncounted(source: SourceCounts) -> str | None:
    """Why a source's counters do not add up; None when they do."""
    became = sum(source.states.values())
    if became == source.accepted:
        return None
    listed = ", ".join(f"{number} {state}" for state, number in source.states.items()) or "none"
    return f"{source.accepted} notifications were accepted, and {became} have a state ({listed})"


def misfolded(
    payment: ArchiveRow | None, facts: Sequence[ArchiveRow], project: Project, found_by: Collection[str] = ()
) -> str | None:
    """Why a payment is not what its facts add up to, or not found by the aliases they give; None when it is."""
    if payment is None:
        return f"it is not there, and has {len(facts)} facts"
    if not facts:
        return "it has no facts"
    named = dict(zip(_PAYMENTS.columns, payment, strict=True))
    try:
        found = [rows.fact(row[2]) for row in facts]
        stored = _STATE.decode(rows.blob(named["state"]))
    except msgspec.MsgspecError as error:
        return f"it cannot be read: {error}"
    if any(_is_changed(fact, row) for fact, row in zip(found, facts, strict=True)):
        return "a fact of it has another digest than its content"
    if any(row[3] == "" and fact.kind not in _OWN_WORDS for fact, row in zip(found, facts, strict=True)):
        return "a fact of it comes from no notification, and is not what the merchant said"
    named_ids = [fact for fact in found if fact.aggregate]
    if not named_ids:
        return "no fact of it names it"
    if named["gateway_payment_id"] not in ids_of(named_ids) or len(joined(named_ids)) > 1:
        return "a fact of it is of another payment"
    return _unequal(stored, project(found)) or _unindexed(stored, named) or _unnamed(ids_of(found), named, found_by)


def _is_changed(fact: Fact, row: ArchiveRow) -> bool:
    """Whether it is not what it was; one of which personal data was taken out has the digest of the whole one."""
    return ERASED not in fact.detail and fact.digest() != row[1]


def misfolded_item(item: ArchiveRow | None, facts: Sequence[ArchiveRow], folds: Folds) -> str | None:
    """The same of an account item."""
    if item is None:
        return f"it is not there, and has {len(facts)} facts"
    if not facts:
        return "it has no facts"
    named = dict(zip(_ITEMS.columns, item, strict=True))
    try:
        found = [rows.fact(row[2]) for row in facts]
        stored = _ITEM_STATE.decode(rows.blob(named["state"]))
    except msgspec.MsgspecError as error:
        return f"it cannot be read: {error}"
    subject = Subject(rows.text(named["subject"]))
    if any(_is_changed(fact, row) for fact, row in zip(found, facts, strict=True)):
        return "a fact of it has another digest than its content"
    told = [it for it in found if it.kind is not Kind.CORRECTED]
    if any((subject_of(it.kind), it.aggregate) != (subject, named["gateway_id"]) for it in told):
        return "a fact of it is of something else"
    if stored != (folded := folds.project_item(subject, found)):
        return f"its state is not what its facts add up to ({stored}, not {folded})"
    if (str(stored.status), stored.version) != (named["status"], named["version"]):
        return "its columns are not as in its state"
    return None


def misposted(facts: Sequence[ArchiveRow], posted: Sequence[ArchiveRow], folds: Folds) -> str:
    """Why the ledger of a payment is not what its facts ask for; '' when it is, or its facts cannot be read at all."""
    try:
        found = [rows.fact(row[2]) for row in facts]
    except msgspec.MsgspecError:
        return ""  # told of the payment already
    return folds.audit(found, [ledger_rows.posting(row[1:]) for row in posted])


def _unequal(stored: PaymentState, folded: PaymentState) -> str | None:
    wrong = [name for name in PaymentState.__struct_fields__ if getattr(stored, name) != getattr(folded, name)]
    if not wrong:
        return None
    first = wrong[0]
    return (
        f"its {', '.join(wrong)} differ from what its facts add up to "
        f"({first}: {getattr(stored, first)!s}, not {getattr(folded, first)!s})"
    )


def _unindexed(stored: PaymentState, named: Mapping[str, object]) -> str | None:
    for column in ("status", "order_id", "version"):
        if getattr(stored, column) != named[column]:
            return f"its column {column} is {named[column]}, not {getattr(stored, column)!s} as in its state"
    return None


def _unnamed(ids: Sequence[str], named: Mapping[str, object], found_by: Collection[str]) -> str | None:
    called, *aliases = ids
    if named["gateway_payment_id"] != called:
        return f"it is called {named['gateway_payment_id']}, and {called} by its facts"
    if missing := sorted(set(aliases) - set(found_by)):
        return f"its alias {missing[0]} does not lead to it"
    if foreign := sorted(set(found_by) - set(ids)):
        return f"the alias {foreign[0]} leads to it, and no fact of it says so"
    return None


# ---- reading


class _Beside:
    """Groups of rows, by the payment in their first column, read side by side with payments in the order of its id."""

    def __init__(self, groups: AsyncIterator[list[ArchiveRow]]) -> None:
        self._groups = groups
        self._group: list[ArchiveRow] | None = None

    async def of(self, payment_id: str) -> list[ArchiveRow]:
        """That payment's; those of payments that are passed over are told of by checks of their own."""
        if self._group is None:
            self._group = await anext(self._groups, [])
        while self._group and rows.text(self._group[0][0]) < payment_id:
            self._group = await anext(self._groups, [])
        return self._group if self._group and self._group[0][0] == payment_id else []


async def _digest(reader: ArchiveReader, table: Table, defects: Defects) -> TableDigest:
    digest = Digest(table.name)
    unopened: list[Unopened] = []
    async for batch in tolerant(reader, table, unopened):
        digest.add(batch)
    for box in unopened:
        defects.add(table.name, Defect(table=table.name, id=box.id, what=box.what))
    return digest.result()


async def _run(reader: ArchiveReader, check: Check, defects: Defects) -> None:
    firsts: Mapping[int, str] | None = None
    async for batch in reader.batches(check.query, _ROWS_MAX):
        for row_id, what, missed in batch:
            if missed is not None:
                if firsts is None:
                    firsts = {rows.number(week): rows.text(it) for week, it in await _all(reader, check.weeks)}
                if is_dropped(rows.text(missed), firsts):
                    continue
            defects.add(check.query, Defect(table=check.table, id=rows.text(row_id), what=rows.text(what)))


async def _subjects(reader: ArchiveReader) -> AsyncIterator[tuple[Table, ArchiveRow | None, list[ArchiveRow]]]:
    """Each payment and account item, by id, with its facts; None for facts of what is not there."""
    facts = _groups(_each(reader, _FACTS))
    group: list[ArchiveRow] = await anext(facts, [])
    async for table, row in _merged(reader, _PAYMENTS, _ITEMS):
        while group and rows.text(group[0][0]) < rows.text(row[0]):
            yield _table_of(group), None, group
            group = await anext(facts, [])
        if group and group[0][0] == row[0]:
            yield table, row, group
            group = await anext(facts, [])
        else:
            yield table, row, []
    while group:
        yield _table_of(group), None, group
        group = await anext(facts, [])


def _table_of(group: Sequence[ArchiveRow]) -> Table:
    return _PAYMENTS if rows.text(group[0][0]).startswith(_PAYMENT_ID) else _ITEMS


async def _merged(reader: ArchiveReader, one: Table, other: Table) -> AsyncIterator[tuple[Table, ArchiveRow]]:
    """The rows of two tables in the order of their ids."""
    rest = _each(reader, other)
    waiting: ArchiveRow | None = await anext(rest, None)
    async for row in _each(reader, one):
        while waiting is not None and rows.text(waiting[0]) < rows.text(row[0]):
            yield other, waiting
            waiting = await anext(rest, None)
        yield one, row
    while waiting is not None:
        yield other, waiting
        waiting = await anext(rest, None)


async def _groups(facts: AsyncIterator[ArchiveRow]) -> AsyncIterator[list[ArchiveRow]]:
    group: list[ArchiveRow] = []
    async for fact in facts:
        if group and group[0][0] != fact[0]:
            yield group
            group = []
        group.append(fact)
    if group:
        yield group


async def _each(reader: ArchiveReader, table: Table) -> AsyncIterator[ArchiveRow]:
    async for batch in reader.batches(table.query, table.rows_max):
        for row in batch:
            yield row


async def _every(reader: ArchiveReader, query: str) -> AsyncIterator[ArchiveRow]:
    async for batch in reader.batches(query, _ROWS_MAX):
        for row in batch:
            yield row


async def _all(reader: ArchiveReader, query: str) -> list[ArchiveRow]:
    return [row async for row in _every(reader, query)]
