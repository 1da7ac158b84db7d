"""The entries of a payment's timeline, from the rows of its parts."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from paybell.model.delivery import Attempt, Delivery
from paybell.model.fact import Fact, Kind
from paybell.ports import AFTER_ALL, TIMELINE_KINDS, TimelineEntry
from paybell.store import ledger_rows, rows
from paybell.store.alias_rows import Merged

Rows = Iterable[Sequence[Any]]
_RANKS: Final = {kind: rank for rank, kind in enumerate(TIMELINE_KINDS)}


def notifications(found: Rows) -> list[TimelineEntry]:
    """What arrived."""
    return [
        TimelineEntry(
            at_ms=rows.number(received),
            kind="notification",
            id=rows.text(notification_id),
            text=f"{origin} {event or '(no event name)'}: {state}{': ' if reason else ''}{reason}"
            f"{'' if is_news else ' (nothing that was not known already)'}",
            detail={"origin": origin, "event": event, "state": state, "reason": reason, "isNews": bool(is_news)},
        )
        for notification_id, received, origin, event, state, reason, is_news in found
    ]


def facts(found: Rows) -> list[TimelineEntry]:
    """What it said."""
    entries = []
    for stored, notification_id, recorded_at_ms in found:
        fact = rows.fact(stored)
        amount = "" if fact.amount_minor is None else f" {fact.amount_minor} {fact.currency} (minor units)"
        entries.append(
            TimelineEntry(
                at_ms=rows.number(recorded_at_ms),
                kind="fact",
                id=fact.digest().hex(),
                text=f"{_said(fact)}{' ' if fact.ref else ''}{fact.ref}{amount}",
                detail={
                    "kind": str(fact.kind),
                    "ref": fact.ref,
                    "gatewayAtMs": fact.at_ms,
                    "amountMinor": fact.amount_minor,
                    "currency": fact.currency,
                    "notificationId": notification_id,
                    "detail": dict(fact.detail),
                },
            )
        )
    return entries


def _said(fact: Fact) -> str:
    return "expected by the merchant, of order" if fact.kind is Kind.EXPECTED else fact.kind


def merges(found: Iterable[Merged]) -> list[TimelineEntry]:
    """Which payments turned out to be this one."""
    return [
        TimelineEntry(
            at_ms=it.merged_at_ms,
            kind="merge",
            id=it.id,
            text=f"{it.id} turned out to be this payment: its facts and postings are here",
            detail={"mergedPaymentId": it.id},
        )
        for it in found
    ]


def postings(found: Rows) -> list[TimelineEntry]:
    """What was booked."""
    entries = []
    for row in found:
        it = ledger_rows.posting(row)
        undone = "reversal of " if it.reversal else ""
        entries.append(
            TimelineEntry(
                at_ms=it.posted_at_ms,
                kind="posting",
                id=it.id,
                text=f"{undone}{it.kind} {it.ref}: {it.amount_minor} {it.currency} from {it.credit} to {it.debit}",
                detail={
                    "kind": str(it.kind),
                    "ref": it.ref,
                    "reversal": it.reversal,
                    "debit": str(it.debit),
                    "credit": str(it.credit),
                    "amountMinor": it.amount_minor,
                    "currency": it.currency,
                },
            )
        )
    return entries


def silences(found: Rows) -> list[TimelineEntry]:
    """What was not told, and why."""
    return [
        TimelineEntry(
            at_ms=rows.number(at_ms),
            kind="silence",
            id=f"version {version}",
            text=f"not told: {event_types} ({reason})",
            detail={"eventTypes": rows.text(event_types).split(), "reason": reason},
        )
        for version, event_types, reason, at_ms in found
    ]


def messages(found: Rows) -> list[TimelineEntry]:
    """What was told."""
    return [
        TimelineEntry(
            at_ms=rows.number(created),
            kind="message",
            id=rows.text(message_id),
            text=f"{event_type} for {application_id}",
            detail={"eventType": event_type, "applicationId": application_id},
        )
        for message_id, event_type, application_id, created in found
    ]


def deliveries(found: Iterable[Delivery]) -> list[TimelineEntry]:
    """To whom."""
    return [
        TimelineEntry(
            at_ms=delivery.created_at_ms,
            kind="delivery",
            id=delivery.id,
            text=f"{delivery.event_type} to {delivery.endpoint_id}: {delivery.state}",
            detail={"state": str(delivery.state), "attemptCount": delivery.attempt_count},
        )
        for delivery in found
    ]


def attempts(found: Iterable[Attempt]) -> list[TimelineEntry]:
    """How it went."""
    return [
        TimelineEntry(
            at_ms=attempt.started_at_ms,
            kind="attempt",
            id=attempt.id,
            text=f"try {attempt.attempt_no}: {attempt.status_code or attempt.error} in {attempt.duration_ms} ms",
            detail={"url": attempt.url, "statusCode": attempt.status_code, "error": attempt.error},
        )
        for attempt in found
    ]


def ordered(*parts: Sequence[TimelineEntry]) -> tuple[TimelineEntry, ...]:
    """All parts as one, oldest first; of one moment, what follows from another comes after it."""
    return tuple(sorted((entry for part in parts for entry in part), key=lambda it: (it.at_ms, _RANKS[it.kind])))


def of_message(organisation_id: str, application_id: str, message_id: str) -> dict[str, str | int]:
    """What to ask for a message's deliveries and attempts with."""
    return {
        "organisation_id": organisation_id,
        "application_id": application_id,
        "message_id": message_id,
        "endpoint_id": "",
        "after": "",
        "before": AFTER_ALL,
        "state": "",
        "limit": 1000,
        "delivered": "",
        "status_class": "",
        "event_types": "",
        "channel": "",
        "tag": "",
    }


def posting_query(filters: Any) -> str:
    """The query for a page of postings whose index serves the narrowest filter given."""
    return "posting_page_of_payment" if filters.get("payment_id") else "posting_page"


def page_query(filters: Any) -> str:
    """The query for a page of payments whose index serves the narrowest filter given."""
    if filters.get("gateway_payment_id"):
        return "payment_page_by_gateway"
    if filters.get("order_id"):
        return "payment_page_by_order"
    if filters.get("status"):
        return "payment_page_by_status"
    return "payment_page_all"
