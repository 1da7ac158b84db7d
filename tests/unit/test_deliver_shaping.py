"""A try at an endpoint that has a transformation, on a store in memory."""

import asyncio

import msgspec
import pytest

from paybell.deliver.rules import loggable
from paybell.deliver.service import DeliverConfig, DeliverService
from paybell.deliver.shaping import Shape, Shaper
from paybell.deliver.signing import sign
from paybell.model.delivery import Answered, Attempt, DeliveryState
from paybell.model.endpoint import EndpointOptions, PayloadFormat, Transport
from paybell.ports import Fault, PageQuery, Transformed, Webhook
from paybell.testing.builders import SECRET
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import World
from tests.unit.steps import Wire, run

CODE = "def handler(webhook): return webhook"
MADE = Transformed(payload=b'{"made":1}', headers=(("X-Shop", "new"), ("x-more", "1")))


class Pretender:
    """A transformer that answers what it is told, and keeps what it was asked."""

    def __init__(self, *answers: Transformed | Fault) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Webhook, str]] = []

    async def check(self, code: str, *, owner: str) -> Fault | None:
        raise NotImplementedError

    async def transform(self, code: str, webhook: Webhook, *, owner: str) -> Transformed | Fault:
        self.asked.append((code, webhook, owner))
        if not self.answers:
            await asyncio.Event().wait()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def close(self) -> None:
        pass


class Office:
    """The service with a transformer, over an endpoint that has code."""

    def __init__(
        self, at: World, *answers: Transformed | Fault, wire: Wire | None = None, timeout_s: float = 5
    ) -> None:
        self.at, self.wire = at, wire or Wire()
        self.transformer = Pretender(*answers)
        self.service = self.serving(Shaper(at.store, self.transformer, timeout_s=timeout_s).shape)

    def serving(self, shape: Shape) -> DeliverService:
        return DeliverService(self.at.store, {Transport.HTTP: self.wire}, self.at.clock, DeliverConfig(), shape=shape)

    async def enable(self, *, enabled: bool = True) -> None:
        options = EndpointOptions(transformation=CODE, transformation_enabled=enabled)
        changed = msgspec.structs.replace(
            self.at.endpoint, options=options, headers=(("x-shop", "old"), ("x-own", "2"))
        )
        await self.at.store.endpoint_update(changed)

    async def turn(self) -> None:
        await self.service.run_once()
        await self.service.settle()

    async def attempts(self) -> list[Attempt]:
        filters = {"endpoint_id": self.at.endpoint.id, "application_id": "app_1"}
        page = await self.at.store.attempt_page(PageQuery(organisation_id=self.at.organisation.id, filters=filters))
        return list(reversed(page.data))

    async def delivery(self) -> tuple[DeliveryState, str]:
        page = await self.at.store.delivery_page(PageQuery(organisation_id=self.at.organisation.id))
        return page.data[0].state, page.data[0].last_error


def test_what_the_code_makes_is_signed_and_sent() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, MADE)
        await office.enable()
        posting = await at.post(1)
        await office.turn()
        (sent,) = office.wire.sent
        assert sent.body == b'{"made":1}'
        headers = dict(sent.headers)
        assert (headers["X-Shop"], headers["x-more"], headers["x-own"]) == ("new", "1", "2")
        assert "x-shop" not in headers
        message_id = posting.message.id
        assert headers["webhook-signature"] == sign(message_id, START_MS // 1000, sent.body, [SECRET])
        ((code, webhook, owner),) = office.transformer.asked
        assert (code, owner) == (CODE, "app_1")
        assert (webhook.id, webhook.url, webhook.payload) == (message_id, at.endpoint.url, posting.message.payload)
        assert webhook.at_ms == posting.message.created_at_ms

    run(scenario)


def test_it_is_formatted_after_the_code_has_run() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, MADE)
        await office.enable()
        endpoint = await at.store.endpoint_get(at.endpoint.id)
        assert endpoint is not None
        options = msgspec.structs.replace(endpoint.options, payload_format=PayloadFormat.STANDARD)
        await at.store.endpoint_update(msgspec.structs.replace(endpoint, options=options))
        posting = await at.post(1)
        await office.turn()
        (sent,) = office.wire.sent
        body = msgspec.json.decode(sent.body)
        assert (body["type"], body["data"]) == (posting.message.event_type, {"made": 1})

    run(scenario)


def test_what_is_switched_off_is_not_run() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, MADE)
        await office.enable(enabled=False)
        posting = await at.post(1)
        await office.turn()
        assert [it.body for it in office.wire.sent] == [posting.message.payload]
        assert office.transformer.asked == []

    run(scenario)


def test_a_canceled_one_is_done_and_nothing_is_sent() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Transformed(payload=b"{}", canceled=True))
        await office.enable()
        await at.post(1)
        await office.turn()
        assert office.wire.sent == []
        assert (await office.delivery())[0] is DeliveryState.DELIVERED
        (attempt,) = await office.attempts()
        assert (attempt.canceled, attempt.status_code) == (True, 0)
        assert attempt.error == "canceled by its transformation: nothing was sent"

    run(scenario)


def test_a_fault_fails_the_try_with_its_reason_and_the_next_try_runs_the_code_again() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Fault(reason="KeyError: total", line=3), MADE)
        await office.enable()
        await at.post(1)
        await office.turn()
        assert office.wire.sent == []
        assert await office.delivery() == (DeliveryState.DUE, "transform: KeyError: total (line 3)")
        at.clock.advance(6)
        await office.turn()
        assert [it.body for it in office.wire.sent] == [b'{"made":1}']
        first, second = await office.attempts()
        assert (first.delivered, first.canceled, first.error) == (False, False, "transform: KeyError: total (line 3)")
        assert (second.delivered, second.canceled, second.error) == (True, False, "")

    run(scenario)


def test_each_try_is_given_the_same_message_at_the_same_time() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, MADE, wire=Wire(Answered(status_code=500), Answered(status_code=200)))
        await office.enable()
        await at.post(1)
        await office.turn()
        at.clock.advance(6)
        await office.turn()
        first, second = office.transformer.asked
        assert first == second
        assert len({it.body for it in office.wire.sent}) == 1

    run(scenario)


def test_one_that_is_not_done_in_time_fails() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, timeout_s=0.01)
        await office.enable()
        await at.post(1)
        await office.turn()
        assert await office.delivery() == (DeliveryState.DUE, "transform: it was not done within 0.01 s")

    run(scenario)


def test_a_process_without_a_sandbox_sends_nothing_untransformed() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, MADE)
        office.service = DeliverService(at.store, {Transport.HTTP: office.wire}, at.clock, DeliverConfig())
        await office.enable()
        await at.post(1)
        await office.turn()
        assert office.wire.sent == []
        assert await office.delivery() == (DeliveryState.DUE, "transform: this process runs no transformations")

    run(scenario)


@pytest.mark.parametrize(
    ("error", "logged"),
    [("transform: KeyError: jane@example.com", "transform"), ("connect: refused", "connect: refused"), ("", "")],
)
def test_the_words_of_somebodys_code_stay_out_of_the_log(error: str, logged: str) -> None:
    assert loggable(error) == logged
