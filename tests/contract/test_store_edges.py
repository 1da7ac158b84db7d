"""At the limits: the largest body, the largest amount, the longest names and the longest page."""

from paybell.model.fact import Kind
from paybell.model.money import AMOUNT_MINOR_MAX
from paybell.ports import PageQuery
from paybell.testing.builders import appending, fact, notification, reading
from tests.contract.stores import Place, World, run

BODY = bytes(range(256)) * 4096  # a mebibyte, and every byte there is
WIDE = "\U0001f514" * 255  # four bytes each: as long as an id may be
PAGE = 250


def test_the_largest_body_and_headers_come_back_byte_for_byte(place: Place) -> None:
    async def scenario(at: World) -> None:
        headers = tuple((f"x-{number}", "\xff" * 1024) for number in range(64))
        kept = notification(1, organisation_id=at.organisation.id, body=BODY, headers=headers, dedupe_key=WIDE)
        assert not (await at.store.notification_append(appending(kept))).duplicate
        again = notification(2, organisation_id=at.organisation.id, dedupe_key=WIDE)
        assert (await at.store.notification_append(appending(again))).duplicate
        assert (await at.store.notification_get(at.organisation.id, kept.id)).notification == kept

    run(place, scenario)


def test_the_largest_amount_and_the_longest_names_are_exact(place: Place) -> None:
    async def scenario(at: World) -> None:
        await at.store.notification_append(appending(notification(1, organisation_id=at.organisation.id)))
        named = fact(Kind.CAPTURED, "c", AMOUNT_MINOR_MAX, aggregate=WIDE, detail={"order_id": WIDE})
        await at.record([reading(named)])
        filters = {"gateway_payment_id": WIDE, "order_id": WIDE}
        (found,) = (await at.store.payment_page(PageQuery(organisation_id=at.organisation.id, filters=filters))).data
        assert found.state.captured_minor == found.state.amount_minor == AMOUNT_MINOR_MAX

    run(place, scenario)


def test_the_longest_page_is_full_and_the_next_one_is_the_rest(place: Place) -> None:
    async def scenario(at: World) -> None:
        for number in range(PAGE + 1):
            await at.post(number)
        for turn in (at.store.message_page, at.store.delivery_page):
            query = PageQuery(
                organisation_id=at.organisation.id, limit=PAGE, filters={"application_id": at.application.id}
            )
            first = await turn(query)
            assert (len(first.data), first.done) == (PAGE, False)
            rest = await turn(
                PageQuery(
                    organisation_id=at.organisation.id, limit=PAGE, iterator=first.iterator, filters=query.filters
                )
            )
            assert (len(rest.data), rest.done) == (1, True)

    run(place, scenario)
