import base64
import json
from collections.abc import Mapping

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways.ippopay import IppoPay
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request
from paybell.ports import FetchingGateway
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from paybell.testing.samples.ippopay import ippopay_transaction
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, TOKEN, kinds, notification, only, request, source

IPPOPAY: FetchingGateway = IppoPay()
KEYS = {"publicKey": "pk_test_1", "secretKey": "sk_not_a_key"}
ORDER = "order_A@b.c-1"


def transaction(**more: object) -> dict[str, object]:
    own: dict[str, object] = {"trans_id": "trans_1", "status": "success", "cost": {"paid": 100.5}}
    times = {"createdAt": "2024-06-26T11:08:07.000Z", "updatedAt": "2024-06-26T11:08:09.500Z"}
    return {**own, "refund_status": "not_requested", **times, **more}


def answer(*transactions: object, **more: object) -> bytes:
    one = transactions[0] if len(transactions) == 1 else list(transactions)
    return json.dumps({"success": True, "data": {"transaction": one}, **more}).encode()


def read(body: bytes, order_id: str = ORDER) -> Parsed:
    made = notification(body, origin=Origin.POLL, headers=(("paybell-subject", order_id),))
    return IPPOPAY.parse(made, source("ippopay"))


def plan_url(body: bytes, **more: object) -> str:
    plan = IPPOPAY.plan_fetch(notification(body), source("ippopay", options={**KEYS, **more}))
    assert plan is not None
    return plan.url


# --------------------------------------------------------------------------------------- verify: hints


def test_a_request_with_the_token_is_a_hint_and_no_more() -> None:
    made = request(pretender("ippopay").signed("order.success", token=TOKEN, at_s=NOW_S))
    assert isinstance(IPPOPAY.verify(made, source("ippopay", secrets=()), NOW_MS), Hint)
    for token in ("", "other", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "\u0661"):
        refused = IPPOPAY.verify(Request(made.body, made.headers, token), source("ippopay"), NOW_MS)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.TOKEN_MISMATCH
    refused = IPPOPAY.verify(Request(made.body), source("ippopay", token=""), NOW_MS)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.NO_SECRET


def test_a_configured_verifier_must_match_too_and_stays_a_hint() -> None:
    options = {
        "verifier": {"header": "X-Ippo", "prefix": "v1:", "timestampHeader": "X-Time", "template": "{timestamp}|{body}"}
    }
    own = source("ippopay", options=options, secrets=(SECRET,))
    IPPOPAY.check(own)
    good = b"v1:" + hex_hmac(SECRET, f"{NOW_S}|{{}}".encode()).encode()
    time = (b"x-time", str(NOW_S).encode())
    assert isinstance(IPPOPAY.verify(Request(b"{}", ((b"x-ippo", good), time), TOKEN), own, NOW_MS), Hint)
    for headers in ((), (time,), ((b"x-ippo", good),), ((b"x-ippo", good[3:]), time), ((b"x-ippo", good + b"0"), time)):
        assert isinstance(IPPOPAY.verify(Request(b"{}", headers, TOKEN), own, NOW_MS), Refused)
    stale = IPPOPAY.verify(Request(b"{}", ((b"x-ippo", good), time), TOKEN), own, NOW_MS + 301_000)
    assert isinstance(stale, Refused)
    assert isinstance(IPPOPAY.verify(Request(b"{}", ((b"x-ippo", good), time), "other"), own, NOW_MS), Refused)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"publicKey": "pk_1"}, "secretKey"),
        ({"publicKey": "a:b", "secretKey": "c"}, "publicKey"),
        ({"publicKey": "a b", "secretKey": "c"}, "publicKey"),
        ({"baseUrl": "http://api.example.com"}, "baseUrl"),
        ({"baseUrl": "https://user@api.example.com"}, "baseUrl"),
        ({"baseUrl": "https://api.example.com/?x"}, "baseUrl"),
        ({"baseUrl": "https://"}, "baseUrl"),
        ({"baseUrl": "https://[x"}, "baseUrl"),
        ({"orderIdPointer": "data/id"}, "orderIdPointer"),
        ({"verifier": "yes"}, "verifier"),
        ({"verifier": {}}, "'header' of option 'verifier'"),
        ({"verifier": {"header": "X", "signedTemplate": "{body}"}}, "signedTemplate"),
        ({"verifier": {"header": "X", "template": "{timestamp}.{body}"}}, "timestampHeader"),
        ({"verifier": {"header": "X", "algorithm": "md5"}}, "algorithm"),
    ],
)
def test_an_unfit_option_is_refused_by_name(options: Mapping[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        IPPOPAY.check(source("ippopay", options=options))
    assert "sk_not" not in str(caught.value)


def test_a_verifier_needs_a_secret() -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        IPPOPAY.check(source("ippopay", options={"verifier": {"header": "X"}}, secrets=()))


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://127.0.0.1:9000", "http://localhost:9", "http://[::1]:9"]
)
def test_a_base_url_is_https_or_this_machine(url: str) -> None:
    IPPOPAY.check(source("ippopay", options={**KEYS, "baseUrl": url}))


# --------------------------------------------------------------------------------------- what to ask


def test_the_question_carries_the_credentials_and_shows_them_nowhere() -> None:
    plan = IPPOPAY.plan_fetch(notification(b'{"order_id":"order_A@b.c-1"}'), source("ippopay", options=KEYS))
    assert plan is not None
    assert plan.url == "https://api.ippopay.com/v1/order/order_A%40b.c-1/transaction"
    assert plan.subject == ORDER
    basic = dict(plan.headers)["authorization"].removeprefix("Basic ")
    assert base64.b64decode(basic) == b"pk_test_1:sk_not_a_key"
    assert basic not in repr(plan)


@pytest.mark.parametrize(
    "body",
    [
        b'{"orderId":"o_1"}',
        b' {"data":{"order_id":"o_1"}}',
        b'{"data":{"order":{"order_id":"o_1"}}}',
        b'{"data":{"orderId":"o_1"}}',
        b'{"transaction":{"order_id":"o_1"}}',
        b"status=success&order_id=o_1",
        b"orderId=o%5F1",
    ],
)
def test_the_order_id_is_found_where_senders_put_it(body: bytes) -> None:
    assert plan_url(body) == "https://api.ippopay.com/v1/order/o_1/transaction"


def test_a_pointer_says_where_the_order_id_is() -> None:
    body = b'{"order_id":"o_1","x":{"y":["o_2"]}}'
    base = {"orderIdPointer": "/x/y/0", "baseUrl": "http://127.0.0.1:9/"}
    assert plan_url(body, **base) == "http://127.0.0.1:9/v1/order/o_2/transaction"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b"\xff",
        b'{"order_id":7}',
        b'{"order_id":""}',
        b'{"order_id":".."}',
        b'{"order_id":"a/b"}',
        b'{"order_id":"a?b"}',
        b'{"order_id":"a\\u0000"}',
        b'{"order_id":"a\\n"}',
        b"order_id=a%2F..%2Fb",
        b'{"order_id":"' + b"x" * 129 + b'"}',
        b"&" * 500 + b"a=1&" * 500,
    ],
)
def test_without_a_fit_order_id_nothing_is_asked(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        plan_url(body)


def test_without_keys_there_is_nothing_to_ask_with() -> None:
    assert IPPOPAY.plan_fetch(notification(b'{"order_id":"o_1"}'), source("ippopay")) is None


# --------------------------------------------------------------------------------------- what the answer says


def test_a_success_is_a_capture_of_the_order() -> None:
    parsed = read(
        answer(transaction(customer={"name": "Pat", "phone": {"country_code": "+91", "national_number": "01"}}))
    )
    created, captured = parsed.facts
    assert parsed.final
    assert (created.kind, created.at_ms) == (Kind.PAYMENT_CREATED, 1_719_400_087_000)
    assert created.detail == {"order_id": ORDER, "customer_name": "Pat", "customer_phone": "+9101"}
    assert (captured.kind, captured.aggregate, captured.ref) == (Kind.CAPTURED, ORDER, "trans_1")
    assert (captured.amount_minor, captured.currency, captured.at_ms) == (10_050, "INR", 1_719_400_089_500)


@pytest.mark.parametrize(
    ("status", "kind", "final"),
    [("failure", Kind.FAILED, True), ("failed", Kind.FAILED, True), ("pending", Kind.PROCESSING, False)],
)
def test_other_statuses(status: str, kind: Kind, final: bool) -> None:  # noqa: FBT001
    parsed = read(answer(transaction(status=status, cost={}, failure_reason="No.")))
    assert only(parsed, kind).ref == "trans_1"
    assert only(parsed, kind).amount_minor is None
    assert parsed.final is final


def test_a_list_of_attempts_is_one_payment() -> None:
    failed = transaction(trans_id="trans_0", status="failure", cost={"paid": 0})
    parsed = read(answer(failed, transaction()))
    assert (only(parsed, Kind.FAILED).ref, only(parsed, Kind.CAPTURED).ref) == ("trans_0", "trans_1")
    assert {fact.aggregate for fact in parsed.facts} == {ORDER}


@pytest.mark.parametrize(
    ("more", "kind", "amount", "final"),
    [
        ({"refund_status": "success", "refund_amt": 50}, Kind.REFUND_SUCCEEDED, 5000, True),
        ({"refund_status": "refunded", "refund": {"amount": 100.5}}, Kind.REFUND_SUCCEEDED, 10_050, True),
        ({"refund_status": "initiated"}, Kind.REFUND_PENDING, None, False),
        ({"refund_status": "rejected", "refund_amt": 50}, Kind.REFUND_FAILED, 5000, True),
    ],
)
def test_a_refund(more: dict[str, object], kind: Kind, amount: int | None, final: bool) -> None:  # noqa: FBT001
    parsed = read(answer(transaction(**more)))
    fact = only(parsed, kind)
    assert (fact.ref, fact.amount_minor, parsed.final) == ("trans_1:refund", amount, final)


def test_a_refund_that_names_no_amount_moves_no_money_and_says_so() -> None:
    parsed = read(answer(transaction(refund_status="refunded")))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.CAPTURED]
    assert "the refund of trans_1 names no amount" in parsed.reason


def test_the_commission_is_a_fee_where_the_settled_amount_lacks_just_that() -> None:
    cost, commission = {"paid": 100.5, "settled": 98.14}, {"value": 2, "tax": 0.36, "total": 2.36}
    told = only(read(answer(transaction(cost=cost, commission=commission))), Kind.FEE)
    assert (told.ref, told.amount_minor, told.detail) == ("trans_1", 236, {"tax_minor": "36"})
    for more in ({"commission": commission}, {"cost": {"paid": 100.5, "settled": 98}, "commission": commission}):
        assert Kind.FEE not in kinds(read(answer(transaction(**more))))


def test_an_unknown_word_is_named_and_asked_about_again() -> None:
    unknown = read(answer(transaction(status="brand_new")))
    assert unknown.facts == ()
    assert "brand_new" in unknown.reason
    assert not unknown.final
    refund = read(answer(transaction(refund_status="brand_new")))
    assert Kind.CAPTURED in kinds(refund)
    assert "brand_new" in refund.reason


@pytest.mark.parametrize(
    "body",
    [
        b'{"success":false,"message":"Order not found"}',
        b"{}",
        b'{"success":true,"data":{}}',
        b'{"success":true,"data":{"transaction":[]}}',
        answer(transaction(order_id="order_other")),
    ],
)
def test_an_answer_about_nothing_or_another_order_gives_no_facts(body: bytes) -> None:
    parsed = read(body)
    assert parsed.facts == ()
    assert parsed.reason
    assert not parsed.final


@pytest.mark.parametrize("cost", [{}, {"paid": "x"}, {"paid": 1.005}, {"paid": -1}, {"paid": True}])
def test_a_success_without_an_exact_amount_is_refused(cost: dict[str, object]) -> None:
    with pytest.raises((AmountError, MalformedPayload)):
        read(answer(transaction(cost=cost)))


def test_an_answer_without_its_subject_is_malformed() -> None:
    with pytest.raises(MalformedPayload, match="paybell-subject"):
        IPPOPAY.parse(notification(answer(transaction()), origin=Origin.POLL), source("ippopay"))


def test_answers_that_say_the_same_have_one_key() -> None:
    first = IPPOPAY.fetched_key(ORDER, answer(transaction()))
    assert first == IPPOPAY.fetched_key(ORDER, answer(transaction(updatedAt="2025-01-01T00:00:00Z"), message="again"))
    others = {
        IPPOPAY.fetched_key("order_2", answer(transaction())),
        IPPOPAY.fetched_key(ORDER, answer(transaction(status="failure"))),
        IPPOPAY.fetched_key(ORDER, answer(transaction(refund_status="success"))),
        IPPOPAY.fetched_key(ORDER, answer(transaction(cost={"paid": 1}))),
        IPPOPAY.fetched_key(ORDER, answer(transaction(), transaction(trans_id="trans_2"))),
        IPPOPAY.fetched_key(ORDER, b"{}"),
    }
    assert first not in others
    assert len(others) == 6
    assert len(first) <= 255
    with pytest.raises(MalformedPayload):
        IPPOPAY.fetched_key(ORDER, b"<html>")


def test_the_pretended_answer_reads_as_the_documented_one() -> None:
    body = ippopay_transaction(order_id=ORDER, trans_id="trans_1", status="success", paid="100.00", at_s=NOW_S)
    fact = only(read(body), Kind.CAPTURED)
    assert (fact.ref, fact.amount_minor, fact.at_ms) == ("trans_1", 10_000, NOW_MS)
    assert not read(body, "order_other").facts
