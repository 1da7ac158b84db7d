"""Whatever differs from what a scenario wants is told, in words that say what and how."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from paybell.testing.received import Received
from paybell.testing.scenarios.accounts import STRIPE
from paybell.testing.scenarios.script import EndpointWanted, PaymentWanted, Scenario, Wanted
from paybell.testing.scenarios.verdict import EndpointSeen, PaymentSeen, Seen, differences, faults

PAID = PaymentWanted(
    payment="p",
    status="partially_refunded",
    currency="USD",
    captured_minor=10_000,
    refunded_minor=3_000,
    kept={"fees": 200},
    told=("payment.completed",),
    may=("refund.created",),
    amount="100.00",
)
PLAN = Scenario(
    name="plan",
    wrong="w",
    right="r",
    sources=(STRIPE,),
    steps=(),
    wanted=Wanted(
        payments=(PAID,),
        notifications={"recorded": 2},
        refused=frozenset({"signature_mismatch"}),
        endpoints=(EndpointWanted(delivered=1),),
    ),
)
PAYMENT = PaymentSeen(
    payment="p",
    gateway_payment_id="pi_1",
    status="partially_refunded",
    currency="USD",
    captured_minor=10_000,
    refunded_minor=3_000,
    told=("payment.completed", "payment.updated", "payment.updated"),
    amounts=frozenset({"100.00"}),
    last_told="partially_refunded",
)
SHOP = EndpointSeen(name="shop", delivered=1, waiting=0, dead=0, requests=1, ids=1, disabled=False)
SEEN = Seen(
    payments=(PAYMENT,),
    balances={"USD": {"clearing": 6_800, "sales": -10_000, "refunds": 3_000, "fees": 200}},
    notifications={"recorded": 2},
    refused=frozenset({"signature_mismatch"}),
    endpoints=(SHOP,),
)


def payment(**changes: Any) -> dict[str, Any]:
    return {"payments": (replace(PAYMENT, **changes),)}


def shop(**changes: Any) -> dict[str, Any]:
    return {"endpoints": (replace(SHOP, **changes),)}


def test_what_is_as_it_must_be_gives_none() -> None:
    assert differences(PLAN, SEEN, {}) == ()


def test_copies_multiply_what_the_ledger_must_say() -> None:
    twice = {"USD": {name: 2 * minor for name, minor in SEEN.balances["USD"].items()}}
    seen = replace(SEEN, payments=(PAYMENT, PAYMENT), balances=twice)
    assert differences(PLAN, seen, {"p": 2}) == ()
    assert "payment p: 2 there, wanted 3" in differences(PLAN, seen, {"p": 3})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (payment(status="completed", last_told=""), "payment p (pi_1): status is completed, wanted partially_refunded"),
        (payment(captured_minor=20_000), "payment p (pi_1): captured_minor is 20000, wanted 10000"),
        (payment(refunded_minor=6_000), "payment p (pi_1): refunded_minor is 6000, wanted 3000"),
        (payment(currency="EUR"), "payment p (pi_1): currency is EUR, wanted USD"),
        (payment(told=()), "payment p (pi_1): payment.completed was not told"),
        (
            payment(told=("payment.completed", "payment.failed")),
            "payment p (pi_1): payment.failed was told, wanted no such message",
        ),
        (
            payment(told=("payment.completed", "payment.completed")),
            "payment p (pi_1): payment.completed was told 2 times, wanted one",
        ),
        (
            payment(told=("payment.completed", "refund.created", "refund.created")),
            "payment p (pi_1): refund.created was told 2 times, wanted one",
        ),
        (
            payment(last_told="completed"),
            "payment p (pi_1): the newest version that was told says completed, wanted partially_refunded",
        ),
        (payment(amounts=frozenset({"99.99"})), "payment p (pi_1): the amount was told as 99.99, wanted 100.00"),
        (payment(payment="x", gateway_payment_id="pi_x"), "payment x (pi_x) is there, wanted none"),
        ({"payments": ()}, "payment p: 0 there, wanted 1"),
        ({"balances": {}}, "balances in USD: clearing is 0, wanted 6800"),
        ({"balances": {**SEEN.balances, "EUR": {"sales": -1}}}, "balances in EUR: sales is -1, wanted 0"),
        ({"notifications": {"recorded": 1}}, "notifications: recorded is 1, wanted 2"),
        ({"notifications": {"recorded": 2, "parked": 1}}, "notifications: parked is 1, wanted 0"),
        ({"refused": frozenset()}, "refused because of nothing, wanted signature_mismatch"),
        (shop(delivered=2), "endpoint shop: delivered is 2, wanted 1"),
        (shop(waiting=1), "endpoint shop: waiting is 1, wanted 0"),
        (shop(dead=1), "endpoint shop: dead is 1, wanted 0"),
        (shop(ids=2), "endpoint shop: 2 ids for 1 deliveries, wanted one each"),
        (shop(disabled=True), "endpoint shop: disabled is True, wanted False"),
        (shop(name="other", dead=1), "endpoint other: dead is 1, wanted 0"),
        ({"faults": ("another body under the same id",)}, "another body under the same id"),
    ],
)
def test_each_difference_is_named(changes: Mapping[str, Any], text: str) -> None:
    assert text in differences(PLAN, replace(SEEN, **changes), {})


def received(webhook_id: str, body: bytes = b"1", *, verified: bool = True) -> Received:
    headers = ((b"webhook-id", webhook_id.encode()),)
    return Received(arrived_s=0.0, method="POST", path="/", headers=headers, body=body, verified=verified)


def test_what_no_endpoint_may_see_is_a_fault() -> None:
    one, two = received("msg_1"), received("msg_2", b"2")
    assert list(faults("shop", [one, one, two], [one, two])) == []
    assert list(faults("shop", [one, received("msg_1", b"2")], [one])) == [
        "endpoint shop: another body under the same id"
    ]
    assert list(faults("shop", [one, one], [one, one])) == ["endpoint shop: sent again after it had been taken"]
    assert list(faults("shop", [received("msg_1", verified=False)], [])) == ["endpoint shop: a wrong signature"]
