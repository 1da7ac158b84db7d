import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.alias import ids_of
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.record.projection import project
from tests.unit.gateways.sources import NOW_MS, SECRET, kinds, only, parse, source

BODY = b'{"event":"x"}'
IN_HEX = b"d205b2a2c8bc21e5077a190f297eb49a3b2ae1d2d41861bd6c52abafe1ecc643"
IN_BASE64 = b"0gWyosi8IeUHehkPKX60mjsq4dLUGGG9bFKrr+HsxkM="
KEY_ID = "krn:partner:global:notification:signing-key:1"
AT_MS = 1_740_744_000_000


def verdict(signature: bytes, *secrets: str) -> Verdict:
    made = Request(BODY, ((b"klarna-signing-key-id", KEY_ID.encode()), (b"klarna-signature", signature)))
    return gateway("klarna").verify(made, source("klarna", secrets=secrets or (SECRET,)), NOW_MS)


def event(payload: dict[str, object], **more: object) -> dict[str, object]:
    own = {"event_type": "any", "event_id": "e1", "occurred_at": "2025-02-28T12:00:00Z", "live": False}
    return {"metadata": {**own, **more}, "payload": payload}


def request(state: str, **more: object) -> dict[str, object]:
    return event({"payment_request_id": "req_1", "payment_request_reference": "order_1", "state": state, **more})


def transaction(state: str, **more: object) -> dict[str, object]:
    return event({"payment_transaction_id": "trx_1", "payment_request_id": "req_1", "state": state, **more})


@pytest.mark.parametrize("signature", [IN_HEX, IN_HEX.upper(), IN_BASE64])
@pytest.mark.parametrize("secret", [SECRET, f"{KEY_ID}={SECRET}", f"krn:another={SECRET}"])
def test_a_known_answer_in_either_writing_with_or_without_the_keys_id(signature: bytes, secret: str) -> None:
    # The figures are those of the `openssl` command.
    assert isinstance(verdict(signature, secret), Verified)
    assert isinstance(verdict(signature, "krn:new=another", secret), Verified)


def test_a_key_that_holds_an_equals_sign_is_whole() -> None:
    assert isinstance(verdict(IN_HEX, f"{SECRET}=="), Refused)


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (IN_HEX[:-2], RefusalReason.MALFORMED_SIGNATURE),
        (IN_BASE64[:-1], RefusalReason.MALFORMED_SIGNATURE),
        (b"0" * 64, RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_refusals(signature: bytes, reason: RefusalReason) -> None:
    refused = verdict(signature)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@pytest.mark.parametrize(
    ("state", "kind", "ref"),
    [
        ("SUBMITTED", Kind.PAYMENT_CREATED, ""),
        ("IN_PROGRESS", Kind.REQUIRES_ACTION, "req_1"),
        ("COMPLETED", Kind.PROCESSING, "req_1"),
        ("AUTHORIZED", Kind.AUTHORIZED, "req_1"),
        ("DECLINED", Kind.FAILED, "req_1"),
        ("CANCELED", Kind.CANCELED, ""),
        ("EXPIRED", Kind.EXPIRED, ""),
    ],
)
def test_a_payment_requests_state_moves_no_money(state: str, kind: Kind, ref: str) -> None:
    parsed = parse("klarna", request(state))
    assert kinds(parsed) == [kind]
    (fact,) = parsed.facts
    assert (fact.aggregate, fact.ref, fact.at_ms, fact.amount_minor) == ("req_1", ref, AT_MS, None)
    assert parsed.livemode is False


def test_a_transactions_authorisation_says_what_was_asked() -> None:
    parsed = parse("klarna", transaction("AUTHORIZED", amount=1000, currency="SEK", payment_transaction_reference="o1"))
    started, authorized, _ = parsed.facts
    assert (started.kind, started.amount_minor, started.detail) == (Kind.PAYMENT_CREATED, 1000, {"order_id": "o1"})
    assert (authorized.kind, authorized.aggregate, authorized.ref) == (Kind.AUTHORIZED, "trx_1", "trx_1")


def test_a_transactions_captures_are_money_each() -> None:
    captures = [{"payment_capture_id": "cap_1", "amount": 400}, {"payment_capture_id": "cap_2", "amount": 600}]
    parsed = parse("klarna", transaction("COMPLETED", currency="EUR", payment_captures=captures))
    assert [(fact.kind, fact.ref, fact.amount_minor) for fact in parsed.facts[:2]] == [
        (Kind.CAPTURED, "cap_1", 400),
        (Kind.CAPTURED, "cap_2", 600),
    ]


@pytest.mark.parametrize("state", ["COMPLETED", "AUTHORIZED"])
def test_a_transaction_that_names_its_request_is_one_payment_with_it(state: str) -> None:
    requested = parse("klarna", request(state, amount=1000, currency="SEK"))
    authorized = parse("klarna", transaction("AUTHORIZED", amount=1000, currency="SEK"))
    assert kinds(authorized) == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED, Kind.LINK]
    together = (*requested.facts, *authorized.facts)
    assert ids_of(together) == ("trx_1", "req_1")
    assert (project(together).status, project(together).authorized_minor) == ("authorized", 1000)
    alone = parse("klarna", transaction("AUTHORIZED", amount=1000, currency="SEK", payment_request_id=None))
    assert kinds(alone) == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]


def test_a_closed_transaction_is_canceled_if_it_was_authorised_still() -> None:
    assert kinds(parse("klarna", transaction("CLOSED", previous_state="AUTHORIZED"))) == [Kind.CANCELED, Kind.LINK]
    assert parse("klarna", transaction("CLOSED", previous_state="COMPLETED")).facts == ()
    assert kinds(parse("klarna", transaction("EXPIRED"))) == [Kind.EXPIRED, Kind.LINK]


def test_a_declined_request_says_why() -> None:
    parsed = parse("klarna", request("DECLINED", state_reason="PURCHASE_FLOW_ABORTED"))
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "PURCHASE_FLOW_ABORTED"}


@pytest.mark.parametrize(
    "body",
    [
        event({}, live="boolean"),
        event({"settlement_id": "x"}),
        request("BRAND_NEW"),
        transaction("COMPLETED"),
        {"status": "checkout_complete", "reference": "x"},
    ],
)
def test_what_is_unknown_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("klarna", body)
    assert parsed.facts == ()
    assert parsed.reason


def test_without_a_time_it_is_that_of_arrival() -> None:
    body = event({"payment_request_id": "req_1", "state": "SUBMITTED"}, occurred_at=None)
    assert only(parse("klarna", body), Kind.PAYMENT_CREATED).at_ms == NOW_MS + 5


def test_an_amount_needs_its_currency() -> None:
    with pytest.raises(AmountError):
        parse("klarna", transaction("AUTHORIZED", amount=1000))


@pytest.mark.parametrize("body", [b"", {"metadata": 1}, request("SUBMITTED", payment_request_id="a b")])
def test_a_body_that_cannot_be_read_is_malformed(body: object) -> None:
    with pytest.raises(MalformedPayload):
        parse("klarna", body)
