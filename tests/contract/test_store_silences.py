"""What is not told, and why: it counts in every other way, and stands in the timeline. And what told nothing new."""

from msgspec.structs import replace

from paybell.model.fact import Kind
from paybell.ports import PageQuery, TimelineEntry
from paybell.record.timelines import payment_timeline
from paybell.testing.builders import fact
from tests.contract.archives import verified
from tests.contract.ledger_world import arrive, told
from tests.contract.stores import Place, World, run

DAY_S = 86_400
OLD = fact(Kind.CAPTURED, "ch_1", 10_000, -DAY_S)
NEW = fact(Kind.REFUND_SUCCEEDED, "re_1", 300, 60)


async def timeline(world: World) -> tuple[TimelineEntry, ...]:
    (payment,) = (await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))).data
    return await payment_timeline(world.store, world.organisation.id, payment.id)


async def messages(world: World) -> list[str]:
    query = PageQuery(organisation_id=world.organisation.id, filters={"application_id": "app_1"})
    return [it.event_type for it in (await world.store.message_page(query)).data]


def test_what_happened_before_the_source_was_connected_is_nobodys_news(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2, 3)
        await world.record([told(world, 1, OLD)])
        assert await messages(world) == []
        (payment,) = (await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))).data
        assert payment.state.captured_minor == 10_000
        assert len(await world.store.ledger_balances(world.organisation.id)) == 2
        silences = [it for it in await timeline(world) if it.kind == "silence"]
        assert [it.detail["eventTypes"] for it in silences] == [["payment.completed", "payment.updated"]]
        assert "before the source was connected" in silences[0].text
        await world.record([told(world, 2, NEW)])
        assert await messages(world) == ["refund.completed"]
        # A clock that is a little behind, or a notification that tells of old and new: that is news.
        await world.record([told(world, 3, fact(Kind.CAPTURED, "ch_2", 5, -60, aggregate="pi_2"))])
        assert "payment.completed" in await messages(world)

    run(place, scenario)
    assert verified(place).examples == ()


def test_a_notification_that_tells_nothing_new_stands_in_the_timeline(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2, 3)
        sale = replace(OLD, at_ms=NEW.at_ms)
        await world.record([told(world, 1, sale), told(world, 2, sale), told(world, 3, NEW)])
        shown = await timeline(world)
        said = [it.text for it in shown if it.kind == "notification"]
        assert [it.endswith("(nothing that was not known already)") for it in said] == [False, True, False]
        kinds = [it.kind for it in shown if it.kind in {"fact", "transition", "posting", "message"}]
        assert kinds.index("fact") < kinds.index("transition") < kinds.index("posting") < kinds.index("message")

    run(place, scenario)
    assert verified(place).examples == ()
