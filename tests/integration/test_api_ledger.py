"""The ledger over the API: what was booked, what it adds up to, and that nobody sees another's."""

import json

import pytest

from tests.databases import Database
from tests.integration.api_world import SOON, World, in_world


def told(payment: str, status: str, amount: str, **more: str) -> bytes:
    data = {"paymentId": payment, "status": status, "amount": float(amount), "currency": "USD", "orderId": "o_1"} | more
    return json.dumps({"event": "payment.updated", "timestamp": SOON, "data": data}).encode()


async def traded(world: World) -> None:
    """Two sales in one currency, one of them refunded, and one in yen."""
    await world.add_source()
    assert await world.notify(told("p_1", "completed", "100.00")) == 200
    assert await world.notify(told("p_1", "completed", "100.00")) == 200
    assert await world.notify(told("p_2", "completed", "40.50")) == 200
    assert await world.notify(told("p_3", "completed", "700", currency="JPY")) == 200
    assert await world.notify(told("p_2", "refunded", "40.50")) == 200


def test_the_trial_balance(database: Database) -> None:
    async def scenario(world: World) -> None:
        assert (await world.ask("GET", "/ledger/balance")) == {"data": [], "totals": []}
        await traded(world)
        found = await world.ask("GET", "/ledger/balance")
        sums = {(it["currency"], it["account"]): (it["debitMinor"], it["creditMinor"]) for it in found["data"]}
        assert sums == {
            ("USD", "clearing"): (14_050, 4_050),
            ("USD", "sales"): (0, 14_050),
            ("USD", "refunds"): (4_050, 0),
            ("JPY", "clearing"): (700, 0),
            ("JPY", "sales"): (0, 700),
        }
        assert {(it["currency"], it["debitMinor"], it["creditMinor"]) for it in found["totals"]} == {
            ("USD", 18_100, 18_100),
            ("JPY", 700, 700),
        }
        shown = {(it["currency"], it["account"]): (it["source"], it["type"], it["balance"]) for it in found["data"]}
        assert shown["USD", "clearing"] == ("shop", "asset", 100.0)
        assert shown["JPY", "sales"] == ("shop", "income", -700)
        only = await world.ask("GET", "/ledger/balance?source=shop&currency=JPY")
        assert {it["currency"] for it in only["data"]} == {"JPY"}
        assert (await world.ask("GET", "/ledger/balance?currency=EUR"))["data"] == []

    in_world(database, scenario)


def test_postings_by_payment_and_account_a_page_at_a_time(database: Database) -> None:
    async def scenario(world: World) -> None:
        await traded(world)
        everything = (await world.ask("GET", "/ledger/posting"))["data"]
        assert len(everything) == 4
        assert [it["id"] for it in everything] == sorted((it["id"] for it in everything), reverse=True)
        refund = next(it for it in everything if it["kind"] == "refund")
        assert (refund["debit"], refund["credit"], refund["amount"], refund["reversal"]) == (
            "refunds",
            "clearing",
            40.5,
            False,
        )
        of_payment = (await world.ask("GET", f"/ledger/posting?payment={refund['paymentId']}"))["data"]
        assert [it["kind"] for it in of_payment] == ["refund", "captured"]
        assert [it["id"] for it in (await world.ask("GET", "/ledger/posting?account=refunds"))["data"]] == [
            refund["id"]
        ]
        first = await world.ask("GET", "/ledger/posting?limit=3")
        rest = await world.ask("GET", f"/ledger/posting?limit=3&iterator={first['iterator']}")
        assert [it["id"] for it in (*first["data"], *rest["data"])] == [it["id"] for it in everything]
        assert (first["done"], rest["done"]) == (False, True)

    in_world(database, scenario)


@pytest.mark.parametrize("query", ["currency=usd", "currency=EURO", "account=pocket"])
def test_what_is_no_currency_or_account_is_said(database: Database, query: str) -> None:
    async def scenario(world: World) -> None:
        for path in ("/ledger/posting", "/ledger/balance"):
            if path == "/ledger/posting" or "account" not in query:
                await world.ask("GET", f"{path}?{query}", status=422)

    in_world(database, scenario)
