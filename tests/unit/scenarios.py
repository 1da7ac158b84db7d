"""Scenarios of payments: facts, and what they must add up to, written down by hand."""

from collections.abc import Mapping
from typing import NamedTuple

from paybell.model.fact import Fact, Kind
from paybell.testing.builders import fact

CREATED = fact(Kind.PAYMENT_CREATED, "", 10_000, 0)
AUTHORIZED = fact(Kind.AUTHORIZED, "ch_1", 10_000, 1)
CAPTURED = fact(Kind.CAPTURED, "ch_1", 10_000, 2)
PAID = (CREATED, CAPTURED)


class Scenario(NamedTuple):
    name: str
    facts: tuple[Fact, ...]
    expected: Mapping[str, object]


def dispute(ref: str, status: str, at_s: int, amount_minor: int = 10_000) -> Fact:
    return fact(Kind.DISPUTE_STATUS, ref, amount_minor, at_s, detail={"status": status})


SCENARIOS = (
    Scenario("only created", (CREATED,), {"status": "created", "amount_minor": 10_000, "captured_minor": 0}),
    Scenario("paid at once", PAID, {"status": "completed", "captured_minor": 10_000, "flags": ()}),
    Scenario(
        "authorized, then captured",
        (CREATED, AUTHORIZED, CAPTURED),
        {"status": "completed", "authorized_minor": 10_000, "captured_minor": 10_000},
    ),
    Scenario("authorized only", (CREATED, AUTHORIZED), {"status": "authorized", "captured_minor": 0}),
    Scenario(
        "a failed attempt, then one that succeeds, in one second",
        (
            CREATED,
            fact(Kind.FAILED, "ch_0", 10_000, 5, detail={"failure_code": "card_declined"}),
            fact(Kind.PROCESSING, "", 10_000, 5),
            fact(Kind.CAPTURED, "ch_1", 10_000, 5),
        ),
        {"status": "completed", "captured_minor": 10_000, "failure": {"code": "card_declined"}},
    ),
    Scenario(
        "a failure that comes long after the capture",
        (*PAID, fact(Kind.FAILED, "ch_0", 10_000, 900)),
        {"status": "completed", "captured_minor": 10_000},
    ),
    Scenario(
        "a cancellation that comes after the capture",
        (*PAID, fact(Kind.CANCELED, "", None, 900)),
        {"status": "completed", "captured_minor": 10_000},
    ),
    Scenario(
        "failed, twice",
        (CREATED, fact(Kind.FAILED, "ch_0", 10_000, 1), fact(Kind.FAILED, "ch_1", 10_000, 2)),
        {"status": "failed", "captured_minor": 0, "amount_minor": 10_000},
    ),
    Scenario(
        "failed, and tried again",
        (
            CREATED,
            fact(Kind.FAILED, "ch_0", 10_000, 1),
            fact(Kind.REQUIRES_ACTION, "ch_1", 10_000, 2),
        ),
        {"status": "requires_action"},
    ),
    Scenario(
        "partial capture, the rest open",
        (AUTHORIZED, fact(Kind.CAPTURED, "cap_1", 4_000, 2)),
        {"status": "partially_captured", "authorized_minor": 10_000, "captured_minor": 4_000},
    ),
    Scenario(
        "partial capture, the rest voided",
        (AUTHORIZED, fact(Kind.CAPTURED, "cap_1", 4_000, 2), fact(Kind.VOIDED, "", 6_000, 3)),
        {"status": "completed", "authorized_minor": 10_000, "captured_minor": 4_000},
    ),
    Scenario(
        "captured in three parts",
        (
            AUTHORIZED,
            fact(Kind.CAPTURED, "cap_1", 4_000, 2),
            fact(Kind.CAPTURED, "cap_2", 5_000, 2),
            fact(Kind.CAPTURED, "cap_3", 1_000, 2),
        ),
        {"status": "completed", "captured_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "partial refunds with running totals",
        (
            *PAID,
            fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 3),
            fact(Kind.REFUNDED_TOTAL, "", 3_000, 3),
            fact(Kind.REFUND_SUCCEEDED, "re_2", 1_000, 4),
            fact(Kind.REFUNDED_TOTAL, "", 4_000, 4),
        ),
        {"status": "partially_refunded", "refunded_minor": 4_000, "captured_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "refunded in full",
        (*PAID, fact(Kind.REFUND_PENDING, "re_1", 10_000, 3), fact(Kind.REFUND_SUCCEEDED, "re_1", 10_000, 4)),
        {"status": "refunded", "refunded_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "totals only: the operations themselves were never told",
        (
            CREATED,
            fact(Kind.CAPTURED_TOTAL, "", 10_000, 2),
            fact(Kind.REFUNDED_TOTAL, "", 2_500, 3),
        ),
        {
            "status": "partially_refunded",
            "captured_minor": 10_000,
            "refunded_minor": 2_500,
            "flags": ("needs_fetch",),
        },
    ),
    Scenario(
        "a refund that fails after it went through",
        (
            *PAID,
            fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 3),
            fact(Kind.REFUNDED_TOTAL, "", 3_000, 3),
            fact(Kind.REFUND_FAILED, "re_1", 3_000, 9),
        ),
        {"status": "completed", "refunded_minor": 0, "flags": ()},
    ),
    Scenario(
        "a refund still pending, though the gateway's total counts it",
        (*PAID, fact(Kind.REFUND_PENDING, "re_1", 3_000, 3), fact(Kind.REFUNDED_TOTAL, "", 3_000, 3)),
        {"status": "completed", "refunded_minor": 0, "flags": ()},
    ),
    Scenario(
        "a pending refund that fails, though the gateway's total counted it",
        (
            *PAID,
            fact(Kind.REFUND_PENDING, "re_1", 3_000, 3),
            fact(Kind.REFUNDED_TOTAL, "", 3_000, 3),
            fact(Kind.REFUND_FAILED, "re_1", 3_000, 9),
        ),
        {"status": "completed", "refunded_minor": 0, "flags": ()},
    ),
    Scenario(
        "the total counts a refund nobody told of, beside one that failed",
        (
            *PAID,
            fact(Kind.REFUND_FAILED, "re_1", 3_000, 3),
            fact(Kind.REFUNDED_TOTAL, "", 5_000, 3),
        ),
        {"status": "partially_refunded", "refunded_minor": 2_000, "flags": ("needs_fetch",)},
    ),
    Scenario(
        "a dispute is opened",
        (*PAID, dispute("dp_1", "open", 50)),
        {"status": "disputed", "disputed_minor": 10_000},
    ),
    Scenario("an inquiry moves no money", (*PAID, dispute("dp_1", "warning", 50)), {"status": "completed"}),
    Scenario(
        "a dispute is won",
        (*PAID, dispute("dp_1", "open", 50), dispute("dp_1", "won", 60)),
        {"status": "completed", "disputed_minor": 0},
    ),
    Scenario(
        "a dispute is lost, in the second of its opening",
        (*PAID, dispute("dp_1", "open", 50), dispute("dp_1", "lost", 50)),
        {"status": "charged_back", "disputed_minor": 10_000},
    ),
    Scenario(
        "a second stage turns the first decision",
        (
            *PAID,
            dispute("dp_1", "open", 50),
            dispute("dp_1", "won", 60),
            dispute("dp_1", "lost", 90),
        ),
        {"status": "charged_back", "disputed_minor": 10_000},
    ),
    Scenario(
        "a late payment report after a lost dispute",
        (*PAID, dispute("dp_1", "lost", 50), fact(Kind.CAPTURED, "ch_1", 10_000, 99)),
        {"status": "charged_back", "captured_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "a dispute is lost, and won in a second stage",
        (
            *PAID,
            fact(Kind.DISPUTE_WITHDRAWN, "dp_1", 10_000, 50),
            dispute("dp_1", "lost", 60),
            dispute("dp_1", "won", 90),
            fact(Kind.DISPUTE_REINSTATED, "dp_1", 10_000, 91),
        ),
        {"status": "completed", "disputed_minor": 0, "flags": ()},
    ),
    Scenario(
        "a dispute is won, its funds given back, and lost in a second stage",
        (
            CAPTURED,
            dispute("dp_1", "open", 50),
            fact(Kind.DISPUTE_WITHDRAWN, "dp_1", 10_000, 50),
            dispute("dp_1", "won", 60),
            fact(Kind.DISPUTE_REINSTATED, "dp_1", 10_000, 61),
            dispute("dp_1", "lost", 90),
        ),
        {"status": "charged_back", "disputed_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "the fee comes late, and is corrected",
        (
            *PAID,
            fact(Kind.FEE, "ch_1", 300, 3_600),
            fact(Kind.FEE, "ch_1", 354, 7_200, detail={"tax_minor": "54"}),
            fact(Kind.FEE, "dp_1", 1_500, 9_000, detail={"of": "dispute"}),
        ),
        {"status": "completed", "captured_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "running totals, of which each operation is told later",
        (
            fact(Kind.CAPTURED_TOTAL, "", 10_000, 9),
            fact(Kind.REFUNDED_TOTAL, "", 4_000, 9),
            fact(Kind.CAPTURED, "cap_1", 6_000, 2),
            fact(Kind.CAPTURED, "cap_2", 4_000, 3),
            fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 4),
            fact(Kind.REFUND_SUCCEEDED, "re_2", 1_000, 5),
        ),
        {"status": "partially_refunded", "captured_minor": 10_000, "refunded_minor": 4_000, "flags": ()},
    ),
    Scenario(
        "a refund that fails after it went through, and one that takes its place",
        (
            *PAID,
            fact(Kind.REFUND_PENDING, "re_1", 10_000, 3),
            fact(Kind.REFUND_SUCCEEDED, "re_1", 10_000, 4),
            fact(Kind.REFUND_FAILED, "re_1", 10_000, 5),
            fact(Kind.REFUND_SUCCEEDED, "re_2", 10_000, 6),
        ),
        {"status": "refunded", "refunded_minor": 10_000, "flags": ()},
    ),
    Scenario(
        "an authorisation that runs out, and the money of another attempt",
        (
            CREATED,
            AUTHORIZED,
            fact(Kind.EXPIRED, "", None, 9),
            fact(Kind.CAPTURED, "ch_2", 10_000, 12),
            fact(Kind.FAILED, "ch_0", 10_000, 12),
        ),
        {"status": "completed", "captured_minor": 10_000, "authorized_minor": 10_000},
    ),
    Scenario("canceled", (CREATED, fact(Kind.CANCELED, "", None, 9)), {"status": "canceled"}),
    Scenario("voided", (CREATED, AUTHORIZED, fact(Kind.VOIDED, "", 10_000, 9)), {"status": "canceled"}),
    Scenario("expired", (CREATED, fact(Kind.EXPIRED, "", None, 9)), {"status": "expired"}),
    Scenario(
        "authorized after it failed: a late authorisation is real",
        (CREATED, fact(Kind.FAILED, "ch_1", 10_000, 5), fact(Kind.AUTHORIZED, "ch_1", 10_000, 3)),
        {"status": "authorized"},
    ),
    Scenario(
        "the bank takes the capture back",
        (*PAID, fact(Kind.CAPTURE_REVERSED, "ch_1", 10_000, 90)),
        {"status": "failed", "captured_minor": 0, "authorized_minor": 10_000},
    ),
    Scenario(
        "one of two captures is taken back",
        (
            AUTHORIZED,
            fact(Kind.CAPTURED, "cap_1", 4_000, 2),
            fact(Kind.CAPTURED, "cap_2", 6_000, 2),
            fact(Kind.CAPTURE_REVERSED, "cap_1", 4_000, 9),
        ),
        {"status": "completed", "captured_minor": 6_000},
    ),
    Scenario(
        "two reports of one capture disagree",
        (CREATED, CAPTURED, fact(Kind.CAPTURED, "ch_1", 9_000, 3)),
        {"status": "completed", "captured_minor": 10_000, "flags": ("conflict",)},
    ),
    Scenario(
        "a refund before its payment",
        (fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 3),),
        {"status": "created", "refunded_minor": 3_000, "captured_minor": 0, "flags": ("incomplete",)},
    ),
    Scenario(
        "a refund, and then its payment",
        (fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 3), CAPTURED),
        {"status": "partially_refunded", "refunded_minor": 3_000, "flags": ()},
    ),
    Scenario(
        "two currencies for one payment",
        (CREATED, fact(Kind.CAPTURED, "ch_1", 10_000, 2, currency="EUR")),
        {"status": "completed", "currency": "EUR", "flags": ("currency_conflict",)},
    ),
    Scenario(
        "what is known of customer and order, the latest first",
        (
            fact(Kind.PAYMENT_CREATED, "", 10_000, 0, detail={"order_id": "ord_1", "customer_email": "a@shop.example"}),
            fact(Kind.CAPTURED, "ch_1", 10_000, 2, detail={"customer_email": "b@shop.example", "customer_id": "cus_1"}),
        ),
        {"order_id": "ord_1", "customer": {"email": "b@shop.example", "id": "cus_1"}},
    ),
)
