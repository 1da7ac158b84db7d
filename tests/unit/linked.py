"""Histories of payments that a gateway tells of under several ids, the links among them anywhere."""

from collections.abc import Mapping
from typing import NamedTuple

from paybell.model.fact import Fact, Kind
from paybell.testing.builders import fact


def link(aggregate: str, ref: str, kind: str = "charge", at_s: int = 0) -> Fact:
    return fact(Kind.LINK, ref, None, at_s, aggregate=aggregate, detail={"type": kind})


class History(NamedTuple):
    name: str
    facts: tuple[Fact, ...]
    statuses: Mapping[str, str]
    """By what each payment is called in the end."""


CREATED = fact(Kind.PAYMENT_CREATED, "", 10_000)
CAPTURED = fact(Kind.CAPTURED, "ch_1", 10_000, 2)
CHARGED = fact(Kind.CAPTURED, "ch_1", 10_000, 2, aggregate="ch_1")
REFUNDED = fact(Kind.REFUND_SUCCEEDED, "re_1", 4_000, 5, aggregate="ch_1")

HISTORIES = (
    History(
        "a charge's own events and its intent's, both told of the capture",
        (CREATED, CAPTURED, CHARGED, REFUNDED, link("pi_1", "ch_1")),
        {"pi_1": "partially_refunded"},
    ),
    History(
        "a chain: the session names the intent's other id, the intent its charge",
        (
            CREATED,
            CHARGED,
            fact(Kind.PROCESSING, "", None, 1, aggregate="cs_1"),
            link("pi_1", "cs_1", "session"),
            link("cs_1", "ch_1"),
            fact(Kind.FEE, "ch_1", 300, 3, aggregate="ch_1"),
        ),
        {"pi_1": "completed"},
    ),
    History(
        "an authorisation and two captures, with ids of their own",
        (
            fact(Kind.AUTHORIZED, "auth_1", 10_000, aggregate="auth_1"),
            fact(Kind.CAPTURED, "cap_1", 4_000, 1, aggregate="cap_1"),
            fact(Kind.CAPTURED, "cap_2", 6_000, 2, aggregate="cap_2"),
            link("auth_1", "cap_1", "capture"),
            link("auth_1", "cap_2", "capture"),
        ),
        {"auth_1": "completed"},
    ),
    History(
        "two payments of one order stay two",
        (
            CREATED,
            CAPTURED,
            fact(Kind.FAILED, "at_1", 10_000, 1, aggregate="pi_2"),
            link("pi_1", "order_1", "order"),
            link("pi_2", "order_1", "order"),
        ),
        {"pi_1": "completed", "pi_2": "failed"},
    ),
    History(
        "a link to nothing that is ever told of, and one that has no type",
        (CAPTURED, link("pi_1", "ch_9"), fact(Kind.LINK, "pi_2", None, 1), CHARGED),
        {"pi_1": "completed", "ch_1": "completed"},
    ),
    History(
        "links in a circle",
        (CAPTURED, CHARGED, link("pi_1", "ch_1"), link("ch_1", "pi_1", "intent")),
        {"ch_1": "completed"},
    ),
    History(
        "a dispute that is lost is told under the charge",
        (
            CREATED,
            CAPTURED,
            fact(Kind.DISPUTE_WITHDRAWN, "dp_1", 10_000, 8, aggregate="ch_1"),
            fact(Kind.DISPUTE_STATUS, "dp_1", 10_000, 9, aggregate="ch_1", detail={"status": "lost"}),
            link("pi_1", "ch_1"),
        ),
        {"pi_1": "charged_back"},
    ),
)
