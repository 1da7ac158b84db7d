"""What became of a scenario: wait until nothing moves any more, and gather what is there."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from paybell.cli.scenario_stage import Ear, Stage
from paybell.model.delivery import Delivery, DeliveryState
from paybell.model.notification import NotificationState
from paybell.model.payment import Payment
from paybell.ports import NotificationView, PageQuery
from paybell.testing.scenarios.verdict import EndpointSeen, PaymentSeen, Seen, faults

_LOOK_S: Final = 0.01
_QUIET_WITHIN_S: Final = 20.0
_ROWS_MAX: Final = 10_000


class _Data(msgspec.Struct):
    gateway_payment_id: str = msgspec.field(name="gatewayPaymentId")
    status: str
    version: int
    amount: Raw


class _Message(msgspec.Struct):
    event: str
    data: _Data


async def quiet(stage: Stage) -> str:
    """Return when nothing is to be done at this moment; after too long a while, with what still is."""
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + _QUIET_WITHIN_S
    while busy := await _busy(stage):
        if loop.time() > ends_s:
            return f"still not done after {_QUIET_WITHIN_S:g} s: {busy}"
        await stage.clock.sleep(_LOOK_S)
    return ""


async def _busy(stage: Stage) -> str:
    """What is to be done now, looked at in the order in which one thing leads to the next; '' for nothing."""
    now_ms = stage.clock.now_ms()
    for source in stage.sources.values():
        for view in await _notifications(stage, source.id, NotificationState.NEEDS_FETCH):
            if _is_asked(stage, view, now_ms):
                return f"the API is asked about {view.notification.id}"
    for source in stage.sources.values():
        for view in await _notifications(stage, source.id, NotificationState.PENDING):
            return f"notification {view.notification.id} is to be recorded"
    for name, endpoint in stage.endpoints.items():
        if not stage.ears[name].plan.hangs and (busy := await _busy_delivery(stage, endpoint.id, now_ms)):
            return f"{busy} ({name})"
    return ""


async def _busy_delivery(stage: Stage, endpoint_id: str, now_ms: int) -> str:
    for delivery in await _deliveries(stage, endpoint_id, DeliveryState.DUE):
        if _is_due(delivery.due_at_ms, now_ms):
            return f"delivery {delivery.id} is due"
    for delivery in await _deliveries(stage, endpoint_id, DeliveryState.LEASED):
        return f"delivery {delivery.id} is on its way"
    return ""


def _is_asked(stage: Stage, hint: NotificationView, now_ms: int) -> bool:
    """While a hint is asked about it is due only at the end of its lease; one that was put off says why."""
    asked = hint.notification.id in stage.host.bell.reconcile.held()
    return asked or not hint.status.reason or _is_due(hint.status.due_at_ms, now_ms)


def _is_due(due_at_ms: int | None, now_ms: int) -> bool:
    return due_at_ms is not None and due_at_ms <= now_ms


async def see(stage: Stage) -> Seen:
    """All that is there."""
    states: Counter[str] = Counter()
    refused: set[str] = set()
    for source in stage.sources.values():
        states.update(view.status.state for view in await _notifications(stage, source.id))
        query = _query(stage, source_id=source.id)
        refused.update(refusal.reason for refusal in (await stage.store.refusal_page(query)).data)
    balances, unbalanced = await _balances(stage)
    return Seen(
        payments=await _payments(stage),
        balances=balances,
        notifications=dict(states),
        refused=frozenset(refused),
        endpoints=tuple([await _endpoint(stage, ear) for ear in stage.ears.values()]),
        faults=(
            *unbalanced,
            *(fault for it in stage.ears.values() for fault in faults(it.plan.name, it.receiver.requests, it.taken)),
        ),
    )


def _query(stage: Stage, **filters: str) -> PageQuery:
    return PageQuery(organisation_id=stage.organisation.id, limit=_ROWS_MAX, filters=filters)


async def _notifications(stage: Stage, source_id: str, state: str = "") -> tuple[NotificationView, ...]:
    filters = {"source_id": source_id} | ({"state": state} if state else {})
    return (await stage.store.notification_page(_query(stage, **filters))).data


async def _deliveries(stage: Stage, endpoint_id: str, state: str = "") -> tuple[Delivery, ...]:
    filters = {"endpoint_id": endpoint_id} | ({"state": state} if state else {})
    return (await stage.store.delivery_page(_query(stage, **filters))).data


async def _payments(stage: Stage) -> tuple[PaymentSeen, ...]:
    told: dict[str, list[_Message]] = {}
    for received in next(iter(stage.ears.values())).taken:
        message = msgspec.json.decode(received.body, type=_Message)
        told.setdefault(message.data.gateway_payment_id, []).append(message)
    found = [
        payment
        for source in stage.sources.values()
        for payment in (await stage.store.payment_page(_query(stage, source_id=source.id))).data
    ]
    return tuple(_payment(stage, it, told.get(it.gateway_payment_id, [])) for it in found)


def _payment(stage: Stage, payment: Payment, told: list[_Message]) -> PaymentSeen:
    newest = max(told, key=lambda it: it.data.version, default=None)
    return PaymentSeen(
        payment=stage.names.get(payment.gateway_payment_id, payment.gateway_payment_id),
        gateway_payment_id=payment.gateway_payment_id,
        status=payment.state.status,
        currency=payment.state.currency,
        captured_minor=payment.state.captured_minor,
        refunded_minor=payment.state.refunded_minor,
        told=tuple(it.event for it in told),
        amounts=frozenset(bytes(it.data.amount).decode() for it in told),
        last_told=newest.data.status if newest else "",
    )


async def _balances(stage: Stage) -> tuple[Mapping[str, Mapping[str, int]], tuple[str, ...]]:
    ours = {source.id for source in stage.sources.values()}
    found: dict[str, Counter[str]] = {}
    for balance in await stage.store.ledger_balances(stage.organisation.id):
        if balance.source_id in ours:
            found.setdefault(balance.currency, Counter())[balance.account] += balance.balance_minor
    unbalanced = tuple(
        f"the ledger is out of balance by {sum(of.values())} in {currency}"
        for currency, of in found.items()
        if sum(of.values())
    )
    return {
        currency: {account: minor for account, minor in of.items() if minor} for currency, of in found.items()
    }, unbalanced


async def _endpoint(stage: Stage, ear: Ear) -> EndpointSeen:
    endpoint = stage.endpoints.get(ear.plan.name)
    states: Counter[str] = Counter()
    disabled = False
    if endpoint is not None:
        states.update(it.state for it in await _deliveries(stage, endpoint.id))
        found = await stage.store.endpoint_lookup(endpoint.organisation_id, endpoint.application_id, endpoint.id)
        disabled = found.disabled
    return EndpointSeen(
        name=ear.plan.name,
        delivered=states[DeliveryState.DELIVERED],
        waiting=states[DeliveryState.DUE] + states[DeliveryState.LEASED],
        dead=states[DeliveryState.DEAD],
        requests=ear.receiver.count,
        ids=len({received.webhook_id for received in ear.receiver.requests}),
        disabled=disabled,
    )
