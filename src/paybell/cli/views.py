"""Records as plain mappings, for ``--json`` and for tables. The same names as the API's."""

from datetime import UTC, datetime

from paybell.model.account import AccountItem
from paybell.model.delivery import Delivery
from paybell.model.endpoint_state import EndpointState
from paybell.model.entitlement import Entitlement, Product
from paybell.model.fact import Fact
from paybell.model.ledger import ACCOUNT_TYPES, Balance, Posting
from paybell.model.money import to_major
from paybell.model.payment import Payment
from paybell.model.source import Source
from paybell.ports import Erasure, NotificationView, Said, TimelineEntry
from paybell.record.account_messages import account_data
from paybell.record.rebuild import Difference


def time_text(at_ms: int | None) -> str | None:
    """A time as people write it, UTC."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def payment_view(payment: Payment) -> dict[str, object]:
    """A payment."""
    state = payment.state
    return {
        "id": payment.id,
        "gatewayPaymentId": payment.gateway_payment_id,
        "aliases": payment.state.aliases,
        "gateway": payment.gateway,
        "sourceId": payment.source_id,
        "orderId": state.order_id or None,
        "status": state.status,
        "amount": to_major(state.amount_minor, state.currency),
        "amountMinor": state.amount_minor,
        "currency": state.currency,
        "authorizedMinor": state.authorized_minor,
        "capturedMinor": state.captured_minor,
        "refundedMinor": state.refunded_minor,
        "version": state.version,
        "livemode": payment.livemode,
        "flags": state.flags,
        "expectedMinor": state.expected_minor or None,
        "expectedCurrency": state.expected_currency or None,
        "match": state.match,
        "customer": state.customer,
        "failure": state.failure,
        "createdAt": time_text(payment.created_at_ms),
        "updatedAt": time_text(payment.updated_at_ms),
    }


def expectation_view(said: Said) -> dict[str, object]:
    """What an order should pay."""
    it = said.expectation
    return {
        "id": it.id,
        "orderId": it.order_id,
        "amount": to_major(it.amount_minor, it.currency),
        "amountMinor": it.amount_minor,
        "currency": it.currency,
        "isNew": said.is_new,
        "createdAt": time_text(it.created_at_ms),
    }


def fact_view(fact: Fact) -> dict[str, object]:
    """A fact."""
    return {
        "gatewayPaymentId": fact.aggregate,
        "kind": fact.kind,
        "ref": fact.ref or None,
        "at": time_text(fact.at_ms),
        "amount": None if fact.amount_minor is None else to_major(fact.amount_minor, fact.currency),
        "amountMinor": fact.amount_minor,
        "currency": fact.currency or None,
        "detail": fact.detail,
    }


def difference_view(difference: Difference) -> dict[str, object]:
    """What a payment differed in from its facts."""
    return {
        "id": difference.payment_id,
        "gatewayPaymentId": difference.gateway_payment_id,
        "fields": ", ".join(difference.fields),
        "postingCount": difference.posting_count,
        "factsAdded": difference.added_count,
        "factsDropped": difference.dropped_count,
    }


def posting_view(posting: Posting) -> dict[str, object]:
    """A posting."""
    return {
        "id": posting.id,
        "paymentId": posting.payment_id,
        "sourceId": posting.source_id,
        "kind": posting.kind,
        "ref": posting.ref,
        "no": posting.no,
        "lineNo": posting.line_no,
        "reversal": posting.reversal,
        "debit": posting.debit,
        "credit": posting.credit,
        "amount": to_major(posting.amount_minor, posting.currency),
        "amountMinor": posting.amount_minor,
        "currency": posting.currency,
        "at": time_text(posting.at_ms),
        "postedAt": time_text(posting.posted_at_ms),
    }


def balance_view(balance: Balance) -> dict[str, object]:
    """An account's sums."""
    return {
        "sourceId": balance.source_id,
        "currency": balance.currency,
        "account": balance.account,
        "type": ACCOUNT_TYPES[balance.account],
        "debit": to_major(balance.debit_minor, balance.currency),
        "credit": to_major(balance.credit_minor, balance.currency),
        "balance": to_major(balance.balance_minor, balance.currency),
        "debitMinor": balance.debit_minor,
        "creditMinor": balance.credit_minor,
        "balanceMinor": balance.balance_minor,
    }


def account_item_view(item: AccountItem) -> dict[str, object]:
    """A payout, subscription, invoice or customer."""
    return {
        "id": item.id,
        "gatewayId": item.gateway_id,
        "gateway": item.gateway,
        "sourceId": item.source_id,
        "status": item.state.status,
        **account_data(item.state),
        "version": item.state.version,
        "livemode": item.livemode,
        "createdAt": time_text(item.created_at_ms),
        "updatedAt": time_text(item.updated_at_ms),
    }


def entitlement_view(it: Entitlement) -> dict[str, object]:
    """What a customer may use of one product."""
    return {
        "id": it.id,
        "customer": it.customer,
        "product": it.product,
        "state": it.state,
        "allowed": it.allowed,
        "reason": it.reason,
        "until": time_text(it.until_ms),
        "who": it.who,
        "version": it.version,
        "gateway": it.gateway,
        "sourceId": it.source_id,
        "livemode": it.livemode,
        "createdAt": time_text(it.created_at_ms),
        "updatedAt": time_text(it.updated_at_ms),
    }


def product_view(it: Product) -> dict[str, object]:
    """A product and its policy."""
    return {
        "uid": it.uid,
        "name": it.name,
        "plans": it.plans,
        "durationDays": it.duration_days,
        "graceDays": it.grace_days,
        "suspendedDays": it.suspended_days,
        "onRefund": it.on_refund,
        "createdAt": time_text(it.created_at_ms),
        "updatedAt": time_text(it.updated_at_ms),
    }


def erasure_view(it: Erasure, others_count: int) -> dict[str, object]:
    """Of how much a customer's personal data was taken out."""
    return {
        "id": it.id or None,
        "customers": it.customers,
        "paymentCount": it.payment_count,
        "notificationCount": it.notification_count,
        "messageCount": it.message_count,
        "othersCount": others_count,
        "erasedAt": time_text(it.erased_at_ms or None),
    }


def timeline_view(entry: TimelineEntry) -> dict[str, object]:
    """A line of a timeline."""
    return {
        "at": time_text(entry.at_ms),
        "kind": entry.kind,
        "id": entry.id,
        "text": entry.text,
        "detail": entry.detail,
    }


def notification_view(view: NotificationView) -> dict[str, object]:
    """A notification, without its body."""
    return {
        "id": view.notification.id,
        "sourceId": view.notification.source_id,
        "origin": view.notification.origin,
        "hint": view.notification.hint,
        "event": view.status.event or None,
        "state": view.status.state,
        "reason": view.status.reason or None,
        "attemptCount": view.status.attempt_count,
        "receivedAt": time_text(view.notification.received_at_ms),
        "bytes": len(view.notification.body),
    }


def source_view(source: Source, url: str) -> dict[str, object]:
    """A source, without its secrets."""
    return {
        "id": source.id,
        "uid": source.uid,
        "gateway": source.gateway,
        "livemode": source.livemode,
        "enabled": source.enabled,
        "secretCount": len(source.secrets),
        "url": url,
    }


def delivery_view(delivery: Delivery) -> dict[str, object]:
    """A delivery."""
    return {
        "id": delivery.id,
        "messageId": delivery.message_id,
        "endpointId": delivery.endpoint_id,
        "applicationId": delivery.application_id,
        "eventType": delivery.event_type,
        "state": delivery.state,
        "attemptCount": delivery.attempt_count,
        "dueAt": time_text(delivery.due_at_ms),
        "finishedAt": time_text(delivery.finished_at_ms),
        "lastError": delivery.last_error or None,
        "deadReason": delivery.dead_reason,
    }


def endpoint_state_view(it: EndpointState, waiting_count: int) -> dict[str, object]:
    """An endpoint that is not well, and how many deliveries wait for it."""
    return {
        "endpointId": it.endpoint_id,
        "breaker": it.breaker,
        "breakerSince": time_text(it.breaker_since_ms or None),
        "heldUntil": time_text(it.held_until_ms or None),
        "reason": it.held_reason,
        "concurrency": it.concurrency,
        "failingSince": time_text(it.failing_since_ms or None),
        "failureCount": it.failure_count,
        "waitingCount": waiting_count,
    }
