"""What moves beside a payment at Stripe: a dispute's funds and fee, and captures in parts."""

from collections.abc import Mapping, Sequence

import pytest

from paybell.model.fact import Fact, Kind, Parsed
from tests.unit.gateways.booked import booked
from tests.unit.gateways.sources import kinds, only, parse
from tests.unit.gateways.test_stripe import AT_S, charge, event, intent

TAKEN = {"id": "txn_1", "amount": -5000, "fee": 1500, "net": -6500, "currency": "usd", "created": AT_S + 1}
BACK = {"id": "txn_2", "amount": 5000, "fee": 0, "net": 5000, "currency": "usd", "created": AT_S + 9}


def dispute(status: str, *movements: Mapping[str, object] | str) -> Parsed:
    thing = {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "amount": 5000, "currency": "usd"}
    return parse("stripe", event({**thing, "status": status, "balance_transactions": list(movements)}))


def told(facts: Sequence[Fact]) -> list[tuple[Kind, str, int | None, str, int]]:
    return [(it.kind, it.ref, it.amount_minor, it.currency, it.at_ms // 1000 - AT_S) for it in facts]


def test_funds_are_told_from_the_balance_whichever_event_lists_them() -> None:
    withdrawn, won = dispute("needs_response", TAKEN), dispute("won", TAKEN, BACK)
    taken = (Kind.DISPUTE_WITHDRAWN, "dp_1", 5000, "USD", 1)
    fee = (Kind.FEE, "dp_1", 1500, "USD", 1)
    assert told(withdrawn.facts[1:]) == [taken, fee]
    assert told(won.facts[1:]) == [taken, (Kind.DISPUTE_REINSTATED, "dp_1", 5000, "USD", 9), fee]
    assert only(won, Kind.FEE).detail == {"of": "dispute"}
    assert all(fact in won.facts for fact in withdrawn.facts[1:]), "the same facts, not others that say the same"


def test_an_inquiry_moves_nothing() -> None:
    assert kinds(dispute("warning_needs_response")) == [Kind.DISPUTE_STATUS]


def test_a_movement_of_which_only_the_id_is_told_says_nothing() -> None:
    assert kinds(dispute("needs_response", "txn_1")) == [Kind.DISPUTE_STATUS]


def test_an_account_in_another_currency_loses_what_was_disputed_and_its_fee_is_left_out() -> None:
    abroad = {**TAKEN, "amount": -4600, "fee": 1400, "currency": "eur"}
    assert told(dispute("lost", abroad).facts[1:]) == [(Kind.DISPUTE_WITHDRAWN, "dp_1", 5000, "USD", 1)]


def test_a_fee_that_is_given_back_is_no_fee() -> None:
    assert told(dispute("won", TAKEN, {**BACK, "fee": -1500}).facts[1:])[-1] == (Kind.FEE, "dp_1", 1500, "USD", 1)


@pytest.mark.parametrize(
    ("status", "movements", "expected"),
    [
        ("needs_response", [TAKEN], {"clearing": -1500, "disputes_receivable": 5000, "dispute_fees": 1500}),
        ("won", [TAKEN, BACK], {"clearing": 3500, "dispute_fees": 1500}),
        ("lost", [TAKEN], {"clearing": -1500, "chargeback_losses": 5000, "dispute_fees": 1500}),
    ],
)
def test_the_balances_of_a_dispute(
    status: str, movements: list[Mapping[str, object]], expected: dict[str, int]
) -> None:
    captured = parse("stripe", event(charge())).facts
    assert booked([*captured, *dispute(status, *movements).facts]) == {"sales": -5000, **expected}


def test_captures_in_parts_are_totals_until_the_last() -> None:
    held = parse("stripe", event(intent("requires_capture", amount_capturable=3000, amount_received=2000)))
    assert (only(held, Kind.AUTHORIZED).amount_minor, only(held, Kind.CAPTURED_TOTAL).amount_minor) == (5000, 2000)
    part = parse("stripe", event(charge(captured=False, amount_captured=2000)))
    assert (only(part, Kind.AUTHORIZED).amount_minor, only(part, Kind.CAPTURED_TOTAL).amount_minor) == (5000, 2000)
    none = parse("stripe", event(charge(captured=False, amount_captured=0)))
    assert Kind.CAPTURED_TOTAL not in kinds(none)
