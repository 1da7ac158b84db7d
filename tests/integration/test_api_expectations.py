"""Expected amounts over the API: said exactly, once, and seen in the payment."""

from typing import Any

from tests.databases import Database
from tests.integration.api_world import API, World, in_world
from tests.integration.test_api_ledger import told

PLACE = "/payment-expectation"
WISH = {"orderId": "o_1", "amount": 90.5, "currency": "USD"}


async def ask_raw(world: World, body: str) -> Any:
    headers = {"Content-Type": "application/json"}
    return await world.client.post(API + PLACE, content=body.encode(), headers=headers)


def test_an_expectation_is_said_read_and_changed(database: Database) -> None:
    async def scenario(world: World) -> None:
        assert (await world.ask("GET", PLACE))["data"] == []
        assert (await world.ask("GET", f"{PLACE}/o_1", status=404))["code"] == "not_found"
        made = await world.ask("POST", PLACE, WISH, status=201)
        assert (made["orderId"], made["amount"], made["amountMinor"], made["currency"]) == ("o_1", 90.5, 9_050, "USD")
        assert await world.ask("POST", PLACE, WISH, status=200) == made
        minor = {"orderId": "o_1", "amountMinor": 9_050, "currency": "USD"}
        assert await world.ask("POST", PLACE, minor, status=200) == made
        other = await world.ask("POST", PLACE, {**minor, "orderId": "o_2"}, status=201)
        changed = await world.ask("POST", PLACE, {**minor, "amountMinor": 1}, status=201)
        assert await world.ask("GET", f"{PLACE}/o_1") == changed
        assert {it["id"] for it in (await world.ask("GET", PLACE))["data"]} == {made["id"], other["id"], changed["id"]}
        assert (await world.ask("GET", f"{PLACE}?orderId=o_1"))["data"] == [changed, made]
        first = await world.ask("GET", f"{PLACE}?orderId=o_1&limit=1")
        rest = await world.ask("GET", f"{PLACE}?orderId=o_1&limit=1&iterator={first['iterator']}")
        assert (*first["data"], *rest["data"]) == (changed, made)

    in_world(database, scenario)


def test_a_payment_says_how_it_compares(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        await world.notify(told("p_1", "completed", "100.00"))
        (plain,) = (await world.ask("GET", "/payment"))["data"]
        assert (plain["expectedMinor"], plain["expectedCurrency"], plain["match"]) == (0, "", None)
        path, _ = await world.add_endpoint(eventTypes=["payment.amount_mismatch"])
        await world.ask("POST", PLACE, WISH, status=201)
        await world.notify(told("p_2", "completed", "50.00"))
        found = {it["gatewayPaymentId"]: it for it in (await world.ask("GET", "/payment"))["data"]}
        assert {name: (it["expectedMinor"], it["match"], it["flags"]) for name, it in found.items()} == {
            "p_1": (9_050, "overpaid", ["overpaid"]),
            "p_2": (9_050, "underpaid", ["underpaid"]),
        }
        messages = (await world.ask("GET", f"{path}/msg"))["data"]
        assert {it["payload"]["data"]["match"] for it in messages} == {"overpaid", "underpaid"}
        assert {it["eventType"] for it in messages} == {"payment.amount_mismatch"}
        balances = {it["account"]: it["balanceMinor"] for it in (await world.ask("GET", "/ledger/balance"))["data"]}
        assert balances == {"clearing": 15_000, "sales": -14_050, "overpayments": -950}

    in_world(database, scenario)


IMPOSSIBLE = [
    ('{"orderId": "o", "currency": "USD"}', "amount", "either"),
    ('{"orderId": "o", "currency": "USD", "amount": 1, "amountMinor": 100}', "amount", "either"),
    ('{"orderId": "o", "currency": "USD", "amount": 1.005}', "amount", "more digits"),
    ('{"orderId": "o", "currency": "USD", "amount": 1.000000000000000001}', "amount", "more digits"),
    ('{"orderId": "o", "currency": "JPY", "amount": 100.5}', "amount", "more digits"),
    ('{"orderId": "o", "currency": "USD", "amount": 0}', "amount", "above zero"),
    ('{"orderId": "o", "currency": "USD", "amount": -1}', "amount", "negative"),
    ('{"orderId": "o", "currency": "USD", "amount": 1e3}', "amount", "plain"),
    ('{"orderId": "o", "currency": "USD", "amount": true}', "amount", ""),
    ('{"orderId": "o", "currency": "USD", "amount": "NaN"}', "amount", ""),
    ('{"orderId": "o", "currency": "USD", "amountMinor": 0}', "amountMinor", ""),
    ('{"orderId": "o", "currency": "USD", "amountMinor": 1.0}', "amountMinor", ""),
    ('{"orderId": "o", "currency": "USD", "amountMinor": 1000000000000001}', "amountMinor", ""),
    ('{"orderId": "o", "currency": "XXX", "amountMinor": 1}', "currency", "unknown currency"),
    ('{"orderId": "o", "currency": "usd", "amountMinor": 1}', "currency", ""),
    ('{"orderId": "", "currency": "USD", "amountMinor": 1}', "orderId", ""),
    ('{"orderId": "\\u0000", "currency": "USD", "amountMinor": 1}', "orderId", ""),
]


def test_what_cannot_be_expected_is_said(database: Database) -> None:
    async def scenario(world: World) -> None:
        for body, place, why in IMPOSSIBLE:
            answer = await ask_raw(world, body)
            assert answer.status_code == 422, (body, answer.text)
            (mistake,) = answer.json()["detail"]
            assert mistake["loc"] == ["body", place], body
            assert why in mistake["msg"], body
            assert (await world.ask("GET", PLACE))["data"] == [], body

    in_world(database, scenario)


def test_an_amount_is_taken_with_all_its_digits(database: Database) -> None:
    async def scenario(world: World) -> None:
        for written in ("900719925474.09", '"900719925474.09"'):
            answer = await ask_raw(world, f'{{"orderId": "o", "currency": "USD", "amount": {written}}}')
            assert answer.json()["amountMinor"] == 90_071_992_547_409

    in_world(database, scenario)
