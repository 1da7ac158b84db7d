"""Records ready to use in tests: each function gives a plain, valid one, and takes by name what should differ."""

from typing import Any, Final

import msgspec

from paybell.model.delivery import Attempt, DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.message import Application, Message
from paybell.model.notification import Notification, NotificationState, Origin
from paybell.model.payment import Payment, PaymentState, PaymentStatus
from paybell.model.source import Source
from paybell.ports import NotificationNew, Reading
from paybell.testing.fake_clock import START_MS

SECRET: Final = "whsec_" + "cGF5YmVsbC10ZXN0LXNlY3JldC0wMDAwMDAwMQ=="
"""An endpoint's secret that everybody knows."""


def fact(kind: Kind, ref: str = "", amount_minor: int | None = None, at_s: int = 0, **changes: Any) -> Fact:
    """A fact of payment ``pi_1`` in USD, ``at_s`` seconds after the start of the fake clock."""
    plain = Fact(
        aggregate="pi_1",
        kind=kind,
        ref=ref,
        at_ms=START_MS + at_s * 1000,
        amount_minor=amount_minor,
        currency="" if amount_minor is None else "USD",
    )
    return msgspec.structs.replace(plain, **changes)


def payment(**changes: Any) -> Payment:
    """A payment ``pi_1`` of the source ``src_1`` that was just created."""
    plain = Payment(
        id="pay_" + "1" * 32,
        organisation_id="org_1",
        source_id="src_1",
        gateway="stripe",
        gateway_payment_id="pi_1",
        livemode=False,
        state=PaymentState(status=PaymentStatus.CREATED, amount_minor=0, currency=""),
        created_at_ms=START_MS,
        updated_at_ms=START_MS,
    )
    return msgspec.structs.replace(plain, **changes)


def source(**changes: Any) -> Source:
    """A live source ``src_1`` of the generic gateway."""
    plain = Source(
        id="src_1",
        organisation_id="org_1",
        uid="shop",
        gateway="generic",
        livemode=True,
        secrets=("a-secret-of-the-shop",),
        token="",
        options={"header": "X-Paybell-Signature"},
        enabled=True,
        created_at_ms=START_MS,
    )
    return msgspec.structs.replace(plain, **changes)


def notification(number: int = 1, **changes: Any) -> Notification:
    """The ``number``-th notification of ``src_1``; ids sort by number."""
    plain = Notification(
        id=f"ntf_{START_MS + number:012x}{number:020x}",
        source_id="src_1",
        organisation_id="org_1",
        dedupe_key=f"key-{number}",
        origin=Origin.WEBHOOK,
        hint=False,
        received_at_ms=START_MS + number,
        headers=(("content-type", "application/json"),),
        body=b"{}",
    )
    return msgspec.structs.replace(plain, **changes)


def appending(
    kept: Notification, state: NotificationState = NotificationState.PENDING, due_at_ms: int = START_MS
) -> NotificationNew:
    """A notification to append, due at once."""
    return NotificationNew(notification=kept, state=state, due_at_ms=due_at_ms)


def reading(*facts: Fact, number: int = 1, error: str = "", **parsed: Any) -> Reading:
    """The ``number``-th notification, read as these facts."""
    return Reading(
        notification=notification(number), source=source(), parsed=Parsed(facts=facts, **parsed), error=error
    )


def application(**changes: Any) -> Application:
    """An application ``app_1``."""
    plain = Application(
        id="app_1",
        organisation_id="org_1",
        uid="",
        name="Shop",
        created_at_ms=START_MS,
        updated_at_ms=START_MS,
    )
    return msgspec.structs.replace(plain, **changes)


def endpoint(**changes: Any) -> Endpoint:
    """An endpoint ``ep_1`` of ``app_1`` that takes all event types."""
    plain = Endpoint(
        id="ep_1",
        organisation_id="org_1",
        application_id="app_1",
        url="https://shop.example/hook",
        secrets=(SECRET,),
        created_at_ms=START_MS,
        updated_at_ms=START_MS,
    )
    return msgspec.structs.replace(plain, **changes)


def message(number: int = 1, **changes: Any) -> Message:
    """The ``number``-th message of ``app_1``."""
    plain = Message(
        id=f"msg_{START_MS + number:012x}{number:020x}",
        organisation_id="org_1",
        application_id="app_1",
        event_type="payment.completed",
        event_id=f"event-{number}",
        payload=b'{"number":%d}' % number,
        payment_id="",
        created_at_ms=START_MS + number,
    )
    return msgspec.structs.replace(plain, **changes)


def delivery(told: Message, number: int = 1, **changes: Any) -> DeliveryJob:
    """A delivery of the message for ``ep_1``, due at once and nobody's."""
    plain = DeliveryJob(
        id=f"dlv_{START_MS + number:012x}{number:020x}",
        message_id=told.id,
        endpoint_id="ep_1",
        application_id=told.application_id,
        organisation_id=told.organisation_id,
        event_type=told.event_type,
        payload=told.payload,
        told_at_ms=told.created_at_ms,
        trace=told.trace,
        attempt_count=0,
        lease_no=0,
        lease_ends_at_ms=0,
        due_at_ms=START_MS,
    )
    return msgspec.structs.replace(plain, **changes)


def attempt(job: DeliveryJob, **changes: Any) -> Attempt:
    """The next attempt of the delivery, answered 200 at once."""
    attempt_no = job.attempt_count + 1
    plain = Attempt(
        id=f"atmpt_{job.id.partition('_')[2]}{attempt_no:02x}",
        delivery_id=job.id,
        message_id=job.message_id,
        endpoint_id=job.endpoint_id,
        application_id=job.application_id,
        organisation_id=job.organisation_id,
        attempt_no=attempt_no,
        delivered=True,
        status_code=200,
        response="ok",
        error="",
        url="https://shop.example/hook",
        started_at_ms=START_MS,
        duration_ms=5,
    )
    return msgspec.structs.replace(plain, **changes)
