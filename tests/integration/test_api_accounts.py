"""Payouts, subscriptions, invoices and customers over the API."""

import json

from paybell.gateways.kit import accounts
from paybell.model.account import InvoiceStatus, PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact
from paybell.testing.fake_clock import START_MS
from tests.databases import Database
from tests.integration.api_world import World, in_world

WHO = {"customer_id": "cus_x", "customer_email": "pat@example.com"}
FACTS: tuple[Fact, ...] = (
    accounts.payout("po_x", PayoutStatus.FAILED, at_ms=START_MS, money=(5_000, "JPY"), why={"failure_code": "closed"}),
    accounts.subscription(
        "sub_x", SubscriptionStatus.ACTIVE, at_ms=START_MS, plan="price_1", period_end_ms=START_MS, who=WHO
    ),
    accounts.invoice("in_x", InvoiceStatus.PAID, at_ms=START_MS, money=(905, "EUR"), subscription_id="sub_x", who=WHO),
    accounts.customer("cus_x", at_ms=START_MS, who=WHO),
)


def test_each_is_shown_with_what_is_its_own(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        await world.record(*FACTS)
        shown = {}
        for subject in ("payout", "subscription", "invoice", "customer"):
            page = await world.ask("GET", f"/{subject}")
            (shown[subject],) = page["data"]
            assert page["done"]
            assert await world.ask("GET", f"/{subject}/{shown[subject]['id']}") == shown[subject]
            assert shown[subject]["source"] == "shop"
            named = await world.ask("GET", f"/{subject}?gatewayId={shown[subject]['gatewayId']}&source=shop")
            assert named["data"] == page["data"]
            assert (await world.ask("GET", f"/{subject}?gatewayId=none"))["data"] == []
            await world.ask("GET", f"/{subject}?status=nonsense", status=422)
            await world.ask("GET", f"/{subject}/nothing", status=404)
        payout, subscription, invoice, customer = shown.values()
        assert (payout["status"], payout["amount"], payout["failure"]) == ("failed", 5000, {"code": "closed"})
        assert (subscription["plan"], subscription["periodEnd"]) == ("price_1", "2025-06-15T15:06:40.000Z")
        assert (subscription["endsAt"], subscription["cancelAtPeriodEnd"]) == (None, False)
        assert (invoice["amount"], invoice["gatewaySubscriptionId"]) == (9.05, "sub_x")
        assert customer["customer"] == {"id": "cus_x", "email": "pat@example.com"}
        assert (await world.ask("GET", "/payout?status=paid"))["data"] == []
        postings = await world.ask("GET", f"/ledger/posting?payment={payout['id']}")
        assert {it["kind"] for it in postings["data"]} == {"payout", "payout_failed"}

    in_world(database, scenario)


def test_subscribers_hear_of_them(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        path, _ = await world.add_endpoint(eventTypes=["payout.failed", "invoice.paid"])
        await world.record(*FACTS)
        messages = (await world.ask("GET", f"{path}/msg"))["data"]
        assert sorted(it["eventType"] for it in messages) == ["invoice.paid", "payout.failed"]
        payload = next(it["payload"] for it in messages if it["eventType"] == "payout.failed")
        assert (payload["data"]["amount"], payload["data"]["status"]) == (5000, "failed")
        assert json.dumps(payload)

    in_world(database, scenario)
