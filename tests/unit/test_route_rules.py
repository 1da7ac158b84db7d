"""Who hears of a message."""

from paybell.model.endpoint import EndpointOptions, Ordering
from paybell.ports import Change
from paybell.route.rules import Mint, asked_for, route_change, route_message, wants
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


def test_an_endpoint_with_channels_takes_messages_that_share_one() -> None:
    some = endpoint(id="ep_1", options=EndpointOptions(channels=frozenset({"a", "b"})))
    every = endpoint(id="ep_2")

    def takers(*channels: str) -> list[str]:
        told = message(channels=frozenset(channels))
        return [it.endpoint_id for it in route_message(told, [some, every], mint())]

    assert takers("b", "c") == ["ep_1", "ep_2"]
    assert takers("c") == ["ep_2"]
    assert takers() == ["ep_2"]
    routed = route_change(change("payment.completed", "payment.updated"), [some, every], mint())
    assert [it.endpoint_id for it in routed.deliveries] == ["ep_2"]


def test_an_endpoint_takes_what_its_filter_lets_through() -> None:
    first, second = (
        endpoint(id=f"ep_{number}", options=EndpointOptions(filter=f'{{"number": {number}}}')) for number in (1, 2)
    )
    assert [it.endpoint_id for it in route_message(message(1), [first, second, endpoint()], mint())] == ["ep_1", "ep_1"]
    assert [it.endpoint_id for it in route_message(message(2), [first, second], mint())] == ["ep_2"]


def telling(event_type: str, text: str) -> Change:
    """A change that tells of a completed payment, whose payloads say how they are called."""
    return Change(
        organisation_id="org_1",
        subject_id="pay_1",
        version=3,
        event_types=((event_type, ""),),
        fallback="payment.updated",
        write=lambda message_id, event_type, _: f'{{"id": "{message_id}", "event": "{event_type}", {text}}}'.encode(),
    )


def test_of_a_change_each_endpoint_hears_what_its_filter_lets_through() -> None:
    dear = endpoint(id="ep_1", options=EndpointOptions(filter='{"amount": {"$gte": 100}}'))
    cheap = endpoint(id="ep_2", options=EndpointOptions(filter='{"amount": {"$lt": 100}}'))
    routed = route_change(telling("payment.completed", '"amount": 100.00'), [dear, cheap, endpoint(id="ep_3")], mint())
    assert [it.endpoint_id for it in routed.deliveries] == ["ep_1", "ep_3"]
    (told,) = routed.messages
    assert told.id.encode() in told.payload
    assert {it.message_id for it in routed.deliveries} == {told.id}


def test_a_message_that_no_filter_lets_through_is_not_kept() -> None:
    nobody = endpoint(options=EndpointOptions(filter='{"amount": 1}'))
    routed = route_change(telling("payment.completed", '"amount": 2'), [nobody], mint())
    assert (routed.messages, routed.deliveries) == ((), ())


def test_whom_the_filter_leaves_nothing_special_hears_the_fallback() -> None:
    updates = endpoint(options=EndpointOptions(filter='{"event": "payment.updated"}'))
    routed = route_change(telling("payment.completed", '"amount": 2'), [updates], mint())
    assert [it.event_type for it in routed.deliveries] == ["payment.updated"]


def test_whoever_takes_one_after_the_other_is_never_handed_anything_on() -> None:
    told = message(1, payment_id="pay_1")
    orderings = {
        "ep_1": Ordering.NONE,
        "ep_2": Ordering.FIFO,
        "ep_3": Ordering.FIFO_BY_KEY,
    }
    endpoints = [endpoint(id=name, options=EndpointOptions(ordering=it)) for name, it in orderings.items()]
    endpoints.append(endpoint(id="ep_4", options=EndpointOptions(throttle_rate=5)))
    jobs = route_message(told, endpoints, mint(room=frozenset({"ep_1", "ep_2", "ep_3", "ep_4"})))
    assert [(it.endpoint_id, it.order_key, it.lease_no) for it in jobs] == [
        ("ep_1", "", 1),
        ("ep_2", "*", 0),
        ("ep_3", "=pay_1", 0),
        ("ep_4", "", 0),
    ]


def test_the_key_that_an_application_gives_goes_before_the_payment_and_without_any_nobody_waits() -> None:
    by_key = endpoint(options=EndpointOptions(ordering=Ordering.FIFO_BY_KEY))
    told = (message(1, payment_id="pay_1", ordering_key="order-7"), message(2, ordering_key="order-7"), message(3))
    room = mint(room=frozenset({"ep_1"}))
    jobs = [job for it in told for job in route_message(it, [by_key], room)]
    assert [(it.order_key, it.lease_no) for it in jobs] == [("=order-7", 0), ("=order-7", 0), ("", 1)]


def test_for_a_polled_endpoint_messages_are_written_and_nothing_is_sent() -> None:
    sink = endpoint(id="ep_1", options=EndpointOptions(polled=True))
    told = change("payment.completed", "payment.updated")
    alone = route_change(told, [sink], mint())
    assert [it.event_type for it in alone.messages] == ["payment.completed"]
    assert alone.deliveries == ()
    both = route_change(told, [sink, endpoint(id="ep_2")], mint())
    assert [it.endpoint_id for it in both.deliveries] == ["ep_2"]
    assert route_message(message(), [sink], mint()) == ()
    assert route_change(told, [endpoint(disabled=True, options=sink.options)], mint()).messages == ()


def test_what_an_endpoint_asked_for_does_not_depend_on_its_being_switched_on() -> None:
    asked = EndpointOptions(filter='{"number":1}', channels=frozenset({"a"}))
    sink = endpoint(disabled=True, event_types=frozenset({"payment.completed"}), options=asked)
    assert asked_for(sink, message(1, channels=frozenset({"a"})))
    assert not asked_for(sink, message(1))
    assert not asked_for(sink, message(2, channels=frozenset({"a"})))
    assert not asked_for(sink, message(1, channels=frozenset({"a"}), event_type="payment.failed"))
