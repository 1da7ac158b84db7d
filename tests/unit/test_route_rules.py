"""Who hears of a message."""

from paybell.ports import Change
from paybell.route.rules import Mint, route_change, route_message, wants
from paybell.testing.builders import endpoint, message
from paybell.testing.fake_clock import START_MS, FakeClock


def mint(*, room: frozenset[str] = frozenset()) -> Mint:
    return Mint(
        new_id=FakeClock().new_id,
        has_room=room.__contains__,
        now_ms=START_MS,
        lease_ends_at_ms=START_MS + 60_000,
    )


def change(*event_types: str) -> Change:
    return Change(
        organisation_id="org_1",
        subject_id="pay_1",
        version=3,
        event_types=tuple((name, "re_1" if name.startswith("refund") else "") for name in event_types[:-1]),
        fallback=event_types[-1],
        write=lambda message_id, event_type, ref: f"{message_id} {event_type} {ref}".encode(),
    )


def test_no_filter_means_all_and_disabled_means_nothing() -> None:
    assert wants(endpoint(), "anything.at_all")
    assert wants(endpoint(event_types=frozenset({"a", "b"})), "b")
    assert not wants(endpoint(event_types=frozenset({"a"})), "b")
    assert not wants(endpoint(disabled=True), "a")


def test_one_message_per_application_and_event_type() -> None:
    endpoints = [
        endpoint(id="ep_1", application_id="app_1"),
        endpoint(id="ep_2", application_id="app_1"),
        endpoint(id="ep_3", application_id="app_2"),
    ]
    routed = route_change(change("payment.completed", "refund.completed", "payment.updated"), endpoints, mint())
    assert sorted((it.application_id, it.event_id) for it in routed.messages) == [
        ("app_1", "pay_1.3.payment.completed"),
        ("app_1", "pay_1.3.refund.completed.re_1"),
        ("app_2", "pay_1.3.payment.completed"),
        ("app_2", "pay_1.3.refund.completed.re_1"),
    ]
    assert len(routed.deliveries) == 6
    by_id = {it.id: it for it in routed.messages}
    for delivery in routed.deliveries:
        told = by_id[delivery.message_id]
        assert (delivery.payload, delivery.event_type) == (told.payload, told.event_type)
        assert told.payload.startswith(told.id.encode())


def test_nobody_subscribed_makes_no_message() -> None:
    only_refunds = endpoint(event_types=frozenset({"refund.failed"}))
    routed = route_change(change("payment.completed", "payment.updated"), [only_refunds], mint())
    assert (routed.messages, routed.deliveries) == ((), ())


def test_the_fallback_goes_to_those_with_nothing_more_special() -> None:
    asks_both = endpoint(id="ep_1", event_types=frozenset({"payment.completed", "payment.updated"}))
    asks_fallback = endpoint(id="ep_2", event_types=frozenset({"payment.updated"}))
    routed = route_change(change("payment.completed", "payment.updated"), [asks_both, asks_fallback], mint())
    assert {it.endpoint_id: it.event_type for it in routed.deliveries} == {
        "ep_1": "payment.completed",
        "ep_2": "payment.updated",
    }
    assert len(routed.deliveries) == 2


def test_a_delivery_is_leased_where_there_is_room() -> None:
    endpoints = [endpoint(id="ep_1"), endpoint(id="ep_2")]
    routed = route_change(change("payment.completed", "payment.updated"), endpoints, mint(room=frozenset({"ep_1"})))
    with_room, without = routed.deliveries
    assert (with_room.lease_no, with_room.lease_ends_at_ms) == (1, START_MS + 60_000)
    assert (without.lease_no, without.due_at_ms) == (0, START_MS)


def test_a_posted_message_stays_in_its_application() -> None:
    endpoints = [
        endpoint(id="ep_1"),
        endpoint(id="ep_2", application_id="app_2"),
        endpoint(id="ep_3", event_types=frozenset({"other"})),
        endpoint(id="ep_4", event_types=frozenset({"payment.completed"})),
    ]
    assert [it.endpoint_id for it in route_message(message(), endpoints, mint())] == ["ep_1", "ep_4"]
