"""What an API answers, and what a gateway makes of it."""

import json
from collections.abc import Mapping
from typing import Any

from paybell.gateways import gateway
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import Origin
from paybell.ports import FetchPlan
from paybell.testing.pretender import Asked, encode
from tests.unit.gateways.sources import NOW_S, SECRET, TOKEN, notification, source


def asked(**changes: Any) -> Asked:
    """What the pretend gateway is asked for, where a test needs only a part of it."""
    given: dict[str, Any] = {
        "event": "",
        "payment_id": "pay_1",
        "order_id": "order_1",
        "amount_minor": 5000,
        "currency": "USD",
        "secret": SECRET,
        "token": TOKEN,
        "options": {},
        "at_s": NOW_S,
        "livemode": False,
        "event_id": "",
        "refund_id": "refund_1",
        "refund_minor": 700,
        "started_at_s": NOW_S - 60,
    }
    return Asked(**{**given, **changes})


def answered(name: str, subject: str, body: object) -> Parsed:
    """What is read in an answer about ``subject``."""
    raw = body if isinstance(body, bytes) else encode(body) if isinstance(body, Mapping) else json.dumps(body).encode()
    made = notification(raw, origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return gateway(name).parse(made, source(name))


def plan(name: str, body: object, options: Mapping[str, object], secrets: tuple[str, ...] | None = None) -> FetchPlan:
    """What would be asked; fails where nothing would be."""
    found = planned(name, body, options, secrets)
    assert found is not None
    return found


def planned(
    name: str, body: object, options: Mapping[str, object], secrets: tuple[str, ...] | None = None
) -> FetchPlan | None:
    raw = body if isinstance(body, bytes) else encode(body) if isinstance(body, Mapping) else json.dumps(body).encode()
    each: Any = gateway(name)
    found: FetchPlan | None = each.plan_fetch(notification(raw), source(name, options=options, secrets=secrets))
    return found


def key(name: str, subject: str, body: Mapping[str, object]) -> str:
    each: Any = gateway(name)
    found: str = each.fetched_key(subject, encode(body))
    return found


def money(fact: Fact) -> tuple[str, str, int | None, str]:
    """Whose it is, which operation, how much."""
    return (fact.aggregate, fact.ref, fact.amount_minor, fact.currency)
