import json

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request
from paybell.ports import FetchPlan
from paybell.testing.samples.phonepe import phonepe_order, phonepe_refund, phonepe_subscription
from tests.unit.gateways.sources import NOW_MS, kinds, notification, only, source

KEYS = {"clientId": "client", "clientSecret": "s&cret", "clientVersion": "1"}
# printf 'user:password' | openssl dgst -sha256
DIGEST = b"c91b1d6acd383c44c4ec20c9723e758c31182a1f4f0231d63d91259a2ea14b9d"


def plan(event: str, **payload: object) -> FetchPlan | None:
    body = json.dumps({"event": event, "payload": payload}).encode()
    return gateway("phonepe").plan_fetch(notification(body), source("phonepe", options=KEYS))


def answered(body: bytes | dict[str, object], subject: str = "MO_1") -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = notification(raw, origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return gateway("phonepe").parse(made, source("phonepe"))


def order(state: str, *attempts: dict[str, object], **more: object) -> dict[str, object]:
    return {"orderId": "OMO1", "state": state, "amount": 45000, "paymentDetails": list(attempts), **more}


def attempt(state: str, number: int = 1, **more: object) -> dict[str, object]:
    return {"transactionId": f"OM{number}", "state": state, "amount": 45000, "timestamp": NOW_MS - number, **more}


def test_a_known_answer_of_openssl_and_nothing_more_than_a_hint() -> None:
    made = Request(b"{}", ((b"authorization", DIGEST),))
    known = source("phonepe", secrets=("other:secret1", "user:password"))
    assert isinstance(gateway("phonepe").verify(made, known, NOW_MS), Hint)
    for value in (b"Basic " + DIGEST, DIGEST[:-1], b"user:password"):
        refused = gateway("phonepe").verify(Request(b"{}", ((b"authorization", value),)), known, NOW_MS)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.MALFORMED_SIGNATURE


def test_a_source_that_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'user:password'"):
        gateway("phonepe").check(source("phonepe", secrets=("password",)))
    with pytest.raises(ConfigurationError, match="go together"):
        gateway("phonepe").check(source("phonepe", options={"clientId": "client"}))
    with pytest.raises(ConfigurationError, match="clientVersion"):
        gateway("phonepe").check(source("phonepe", options={**KEYS, "clientVersion": 1}))
    gateway("phonepe").check(source("phonepe", options=KEYS))


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ("checkout.order.completed", "/checkout/v2/order/MO_1/status?details=true"),
        ("paylink.order.completed", "/checkout/v2/order/MO_1/status?details=true"),
        ("pg.order.failed", "/payments/v2/order/MO_1/status?details=true"),
        ("PG_ORDER_COMPLETED", "/payments/v2/order/MO_1/status?details=true"),
        ("subscription.redemption.order.completed", "/subscriptions/v2/order/MO_1/status?details=true"),
    ],
)
def test_the_order_is_asked_for_after_a_login(event: str, path: str) -> None:
    made = plan(event, merchantOrderId="MO_1", state="COMPLETED")
    assert made is not None
    assert (made.method, made.url, made.subject) == ("GET", "https://api.phonepe.com/apis/pg" + path, "MO_1")
    login = made.login
    assert login is not None
    assert (login.scheme, login.url) == ("O-Bearer", "https://api.phonepe.com/apis/identity-manager/v1/oauth/token")
    assert login.body == (b"client_id=client&client_version=1&client_secret=s%26cret&grant_type=client_credentials")


def test_a_refund_is_asked_for_by_its_own_id() -> None:
    made = plan("pg.refund.completed", merchantRefundId="MR_1", originalMerchantOrderId="MO_1")
    assert made is not None
    assert (made.url, made.subject) == ("https://api.phonepe.com/apis/pg/payments/v2/refund/MR_1/status", "MR_1")


def test_without_credentials_nothing_is_asked_and_without_an_id_nothing_can_be() -> None:
    body = b'{"event": "checkout.order.completed", "payload": {"merchantOrderId": "MO_1"}}'
    assert gateway("phonepe").plan_fetch(notification(body), source("phonepe")) is None
    for payload in ({}, {"merchantOrderId": "../x"}, {"merchantOrderId": 1}, {"merchantSubscriptionId": "../x"}):
        with pytest.raises(MalformedPayload, match="names nothing"):
            plan("x", **payload)


def test_a_hint_itself_says_nothing() -> None:
    parsed = gateway("phonepe").parse(notification(phonepe_order_body()), source("phonepe"))
    assert parsed.facts == ()
    assert parsed.reason


def phonepe_order_body() -> bytes:
    return phonepe_order(order_id="MO_1", state="COMPLETED", amount_minor=45000, attempt="OM1", at_ms=NOW_MS)


def test_the_attempt_that_went_through_is_the_capture() -> None:
    parsed = answered(order("COMPLETED", attempt("FAILED", errorCode="DECLINED"), attempt("COMPLETED", 2)))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.FAILED, Kind.CAPTURED]
    fact = only(parsed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == ("MO_1", "OM2", 45000, "INR")
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "DECLINED"}
    assert parsed.final


def test_an_attempt_counts_only_in_an_order_that_is_through() -> None:
    for state in ("PENDING", "FAILED", "EXPIRED"):
        assert Kind.CAPTURED not in kinds(answered(order(state, attempt("COMPLETED"))))


def test_an_open_order_is_asked_for_again_and_other_ends() -> None:
    waiting = answered(order("PENDING", attempt("PENDING")))
    assert (kinds(waiting), waiting.final) == ([Kind.PAYMENT_CREATED, Kind.PROCESSING], False)
    assert kinds(answered(order("EXPIRED"))) == [Kind.PAYMENT_CREATED, Kind.EXPIRED]
    failed = answered(order("FAILED", errorCode="TXN_NOT_COMPLETED"))
    assert only(failed, Kind.FAILED).detail == {"failure_code": "TXN_NOT_COMPLETED"}
    assert only(answered(order("COMPLETED", paymentDetails=None)), Kind.CAPTURED_TOTAL).amount_minor == 45000


@pytest.mark.parametrize(
    ("state", "kind", "final"),
    [
        ("CONFIRMED", Kind.REFUND_PENDING, False),
        ("COMPLETED", Kind.REFUND_SUCCEEDED, True),
        ("FAILED", Kind.REFUND_FAILED, True),
    ],
)
def test_a_refund_reaches_the_order_it_is_of(state: str, kind: Kind, final: bool) -> None:  # noqa: FBT001
    body = phonepe_refund(order_id="MO_1", refund_id="OMR1", state=state, amount_minor=700, at_ms=NOW_MS)
    parsed = answered(body, "MR_1")
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("MO_1", "OMR1", 700, NOW_MS)
    assert parsed.final is final


def test_answers_that_settle_nothing() -> None:
    for body in (order("COMPLETED", merchantOrderId="MO_2"), order("BRAND_NEW")):
        parsed = answered(body)
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason
    with pytest.raises(MalformedPayload):
        answered({"code": "ORDER_NOT_FOUND"})
    with pytest.raises(AmountError):
        answered(order("COMPLETED", amount="450.00"))


def test_equal_answers_have_equal_keys() -> None:
    def key(body: object, subject: str = "MO_1") -> str:
        return gateway("phonepe").fetched_key(subject, json.dumps(body).encode())

    first = order("PENDING", attempt("PENDING"))
    assert key(first) == key({**first, "expireAt": 1})
    others = {
        key(first),
        key(first, "MO_2"),
        key(order("COMPLETED", attempt("PENDING"))),
        key(order("PENDING", attempt("COMPLETED"))),
        key({**first, "amount": 1}),
    }
    assert len(others) == 5


def test_a_subscription_is_asked_for_by_the_merchants_id() -> None:
    made = plan("subscription.cancelled", merchantSubscriptionId="MS_1", state="CANCELLED")
    assert made is not None
    assert made.url == "https://api.phonepe.com/apis/pg/subscriptions/v2/MS_1/status"
    assert made.subject == "subscription:MS_1"


@pytest.mark.parametrize(
    ("state", "told", "final"),
    [
        ("ACTIVATION_IN_PROGRESS", "incomplete", False),
        ("ACTIVE", "active", True),
        ("PAUSED", "paused", True),
        ("CANCELLED", "canceled", True),
        ("REVOKED", "canceled", True),
        ("EXPIRED", "canceled", True),
        ("FAILED", "canceled", True),
    ],
)
def test_a_subscriptions_state(state: str, told: str, final: bool) -> None:  # noqa: FBT001 - a row of the table
    parsed = answered(phonepe_subscription(subscription_id="MS_1", state=state), "subscription:MS_1")
    fact = only(parsed, Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms, fact.detail) == ("MS_1", NOW_MS + 5, {"status": told})
    assert parsed.final is final


def test_a_subscription_on_its_way_or_another_one_says_nothing_yet() -> None:
    for subject, state in (("subscription:MS_1", "PAUSE_IN_PROGRESS"), ("subscription:MS_2", "ACTIVE")):
        parsed = answered(phonepe_subscription(subscription_id="MS_1", state=state), subject)
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason


def test_an_order_names_its_subscription_and_the_first_one_starts_it() -> None:
    flow = {"type": "SUBSCRIPTION_REDEMPTION", "merchantSubscriptionId": "MS_1"}
    charged = answered(order("COMPLETED", attempt("COMPLETED"), paymentFlow=flow))
    linked = only(charged, Kind.LINK)
    assert (linked.aggregate, linked.ref, linked.detail["type"]) == ("MO_1", "MS_1", "subscription")
    assert Kind.SUBSCRIPTION_STATE not in kinds(charged)
    setup = {**flow, "type": "SUBSCRIPTION_SETUP"}
    started = only(answered(order("COMPLETED", attempt("COMPLETED"), paymentFlow=setup)), Kind.SUBSCRIPTION_STATE)
    assert (started.aggregate, started.detail, started.at_ms) == ("MS_1", {"status": "active"}, NOW_MS - 1)
    failed = answered(order("FAILED", attempt("FAILED"), paymentFlow=setup))
    assert Kind.SUBSCRIPTION_STATE not in kinds(failed)


def test_the_key_of_a_subscription_changes_with_its_state() -> None:
    def key(state: str) -> str:
        body = phonepe_subscription(subscription_id="MS_1", state=state)
        return gateway("phonepe").fetched_key("subscription:MS_1", body)

    assert key("ACTIVE") == key("ACTIVE") != key("PAUSED")
