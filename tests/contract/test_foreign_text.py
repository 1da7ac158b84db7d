"""Text that no database holds, by every way that leads a stranger's words to a column: each store ends it the same."""

from collections.abc import Sequence

import pytest

from paybell.deliver.service import DeliverConfig, DeliverService
from paybell.gateways.generic import Generic
from paybell.model.delivery import Answered, Attempt, Failed, Outcome
from paybell.model.endpoint import Transport
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification, NotificationState, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import Change, NotificationView, PageQuery, Routed, Sending
from paybell.receive.service import ReceiveConfig, ReceiveService
from paybell.record.service import RecordConfig, RecordService
from paybell.route.rules import route_change
from paybell.testing.builders import appending, fact, notification
from tests.contract.stores import Place, World, run

HOSTILE = ("a\0b", "a\ud800b", "\0", "\udfff")
SHOWN = {"a\0b": "a\ufffdb", "a\ud800b": "a\ufffdb", "\0": "\ufffd", "\udfff": "\ufffd"}


class Odd(Generic):
    """A gateway's module that lets a stranger's words through."""

    def __init__(self, *, parsed: Parsed | None = None, key: str = "") -> None:
        self.parsed, self.key = parsed or Parsed(), key

    def verify(self, request: Request, source: Source, now_ms: int) -> Verdict:
        return Verified(self.key)

    def parse(self, notification: Notification, source: Source) -> Parsed:
        return self.parsed


class Says:
    """An endpoint's end of the wire."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def serves(self, url: str) -> bool:
        return True

    async def send(self, sending: Sending) -> Outcome:
        return self.outcome

    async def close(self) -> None: ...


async def recorded(at: World, parsed: Parsed) -> Sequence[NotificationView]:
    """What becomes of a notification that reads as that, and of the sound one behind it."""
    sound = Parsed(facts=(fact(Kind.CAPTURED, "c", 100, aggregate="pi_sound"),))

    def route(change: Change, endpoints: object, now_ms: int) -> Routed:
        return route_change(change, (at.endpoint,), at.mint())

    gateway = Odd(parsed=parsed)
    service = RecordService(
        at.store, {"generic": gateway}, at.clock, RecordConfig(batch_max=1), route=route, hand_on=lambda _: None
    )
    for number, text in enumerate((parsed, sound), 1):
        gateway.parsed = text
        await at.store.notification_append(appending(notification(number, organisation_id=at.organisation.id)))
        assert await service.run_once() == 1
        service.wake()
    page = await at.store.notification_page(PageQuery(organisation_id=at.organisation.id))
    first, second = reversed(page.data)
    assert second.status.state is NotificationState.RECORDED
    return (first, second)


async def attempts(at: World, outcome: Outcome) -> Sequence[Attempt]:
    service = DeliverService(at.store, {Transport.HTTP: Says(outcome)}, at.clock, DeliverConfig())
    await at.post(1)
    assert await service.run_once() == 1
    await service.settle()
    filters = {"endpoint_id": at.endpoint.id, "application_id": at.application.id}
    return (await at.store.attempt_page(PageQuery(organisation_id=at.organisation.id, filters=filters))).data


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_an_answers_body_is_kept_readable(place: Place, text: str) -> None:
    async def scenario(at: World) -> None:
        body = text.encode("utf-8", "surrogatepass")
        (kept,) = await attempts(at, Answered(status_code=500, body=body))
        assert kept.status_code == 500
        assert kept.response.strip("ab\ufffd") == ""
        assert "\ufffd" in kept.response

    run(place, scenario)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_what_a_function_raises_is_kept_readable(place: Place, text: str) -> None:
    async def scenario(at: World) -> None:
        (kept,) = await attempts(at, Failed(phase="call", reason=f"ValueError: {text}"))
        assert kept.error.endswith(f"ValueError: {SHOWN[text]}")
        (waiting,) = (await at.store.delivery_page(PageQuery(organisation_id=at.organisation.id))).data
        assert waiting.last_error == kept.error
        assert waiting.attempt_count == 1

    run(place, scenario)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_an_event_and_a_reason_are_kept_readable(place: Place, text: str) -> None:
    async def scenario(at: World) -> None:
        first, _ = await recorded(at, Parsed(event=text, reason=text))
        assert first.status.state is NotificationState.UNMAPPED
        assert (first.status.event, first.status.reason) == (SHOWN[text], SHOWN[text])

    run(place, scenario)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("place_of_it", ["aggregate", "ref", "order_id"])
def test_a_payment_operation_or_order_with_such_a_name_is_parked(place: Place, text: str, place_of_it: str) -> None:
    async def scenario(at: World) -> None:
        ref = text if place_of_it == "ref" else "c"
        named: Fact = fact(Kind.CAPTURED, ref, 100, **{"aggregate": text} if place_of_it == "aggregate" else {})
        if place_of_it == "order_id":
            named = fact(Kind.CAPTURED, "c", 100, detail={"order_id": text})
        first, _ = await recorded(at, Parsed(event="paid", facts=(named,)))
        assert first.status.state is NotificationState.PARKED
        assert "has a name with characters that cannot be kept" in first.status.reason
        found = await at.store.payment_page(PageQuery(organisation_id=at.organisation.id))
        assert [it.gateway_payment_id for it in found.data] == ["pi_sound"]

    run(place, scenario)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_dedupe_key_of_such_text_knows_its_duplicates_still(place: Place, text: str) -> None:
    async def scenario(at: World) -> None:
        service = ReceiveService(
            at.store, {"generic": Odd(key=text)}, at.clock, ReceiveConfig(), record=None, hint_came=lambda: None
        )
        for _ in range(2):
            answer = await service.receive("shop", Request(b"{}", ((b"user-agent", b"\0\xff"),)))
            assert answer.status_code == 200
        (kept,) = (await at.store.notification_page(PageQuery(organisation_id=at.organisation.id))).data
        assert kept.notification.dedupe_key.startswith("sha256:")
        assert kept.notification.headers == (("user-agent", "\0\xff"),)
        assert service.counts["duplicate"] == 1

    run(place, scenario)


def test_all_other_text_is_kept_as_it_is(place: Place) -> None:
    odd = "\x01\x1b[31m\x7f\x85\u2028\ufeff\ufffe\U0010ffff é e\u0301 'a\"\\ %s $1 :name {}"

    async def scenario(at: World) -> None:
        (kept,) = await attempts(at, Failed(phase="call", reason=odd))
        assert kept.error.endswith(odd)
        named = fact(Kind.CAPTURED, "c", 100, aggregate=odd, detail={"order_id": odd})
        first, _ = await recorded(at, Parsed(event=odd, reason=odd, facts=(named,)))
        assert (first.status.state, first.status.event, first.status.reason) == (NotificationState.RECORDED, odd, odd)
        filters = {"gateway_payment_id": odd, "order_id": odd}
        (found,) = (await at.store.payment_page(PageQuery(organisation_id=at.organisation.id, filters=filters))).data
        assert (found.gateway_payment_id, found.state.order_id) == (odd, odd)

    run(place, scenario)
