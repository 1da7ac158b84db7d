import json

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.authorizenet import authorizenet_details
from tests.unit.gateways.asking import answered, asked, key, money, plan, planned
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source

KEYS = {"apiLoginId": "login", "transactionKey": "key"}
# Made by the `openssl` command, with the key as text.
SECRET = "0123456789ABCDEF" * 8
BODY = (
    b'{"notificationId":"550e8400-e29b-41d4-a716-446655440000","eventType":"net.authorize.payment.authcapture.created",'
    b'"eventDate":"2023-04-05T12:00:00.0000000Z","webhookId":"72a55c78-66e6-4b2e-a0d9-2a3f1cd4b890","payload":'
    b'{"responseCode":1,"authCode":"ABCDEF","avsResponse":"Y","authAmount":20.0,"entityName":"transaction",'
    b'"id":"60123456789"}}'
)
KNOWN = (
    b"63F200FE66786255DCCE26AF96B3E4A3D539476BD4EC2A31FB58E16B0889F92A"
    b"5DEE501AD95DEE6BAE3CE2C2F35D1E27BCB2DC4100495F6C426DFCBA94ADA9A4"
)


def verdict(signature: bytes, body: bytes = BODY) -> object:
    made = Request(body, ((b"x-anet-signature", signature),))
    return gateway("authorizenet").verify(made, source("authorizenet", secrets=(SECRET,)), NOW_MS)


def test_a_known_answer_in_either_case() -> None:
    expected = Verified("550e8400-e29b-41d4-a716-446655440000")
    assert verdict(b"sha512=" + KNOWN) == verdict(b"sha512=" + KNOWN.lower()) == expected


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (KNOWN, RefusalReason.MALFORMED_SIGNATURE),
        (b"sha256=" + KNOWN, RefusalReason.MALFORMED_SIGNATURE),
        (b"sha512=" + b"0" * 128, RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_a_request_is_refused(signature: bytes, reason: RefusalReason) -> None:
    refused = verdict(signature)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def event(what: str, code: int = 1, **more: object) -> dict[str, object]:
    payload = {"responseCode": code, "authAmount": 50.5, "entityName": "transaction", "id": "601", **more}
    return {
        "notificationId": "n-1",
        "eventType": f"net.authorize.payment.{what}",
        "eventDate": "2025-06-15T15:06:40.0000000Z",
        "payload": {"invoiceNumber": "order_1", **payload},
    }


def read(what: str, code: int = 1, **more: object) -> Parsed:
    return parse("authorizenet", event(what, code, **more))


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("authorization.created", Kind.AUTHORIZED),
        ("authcapture.created", Kind.CAPTURED),
        ("capture.created", Kind.CAPTURED),
    ],
)
@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_the_response_code_decides_not_the_name(what: str, kind: Kind, code: int) -> None:
    expected = {1: kind, 2: Kind.FAILED, 3: Kind.FAILED, 4: Kind.PROCESSING}[code]
    parsed = read(what, code)
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, expected]
    assert money(only(parsed, expected)) == ("601", "601", 5050, "USD")
    assert only(parsed, expected).at_ms == NOW_MS
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "order_1"}


def test_a_later_capture_is_of_the_same_payment_and_asks_no_other_amount() -> None:
    parsed = read("priorAuthCapture.created", authAmount=20)
    assert kinds(parsed) == [Kind.CAPTURED]
    assert money(only(parsed, Kind.CAPTURED)) == ("601", "601", 2000, "USD")


def test_a_void_ends_the_payment_and_takes_its_capture_back() -> None:
    parsed = read("void.created")
    assert kinds(parsed) == [Kind.CANCELED, Kind.CAPTURE_REVERSED]
    assert only(parsed, Kind.CAPTURE_REVERSED).ref == only(read("authcapture.created"), Kind.CAPTURED).ref


@pytest.mark.parametrize(("what", "code"), [("void.created", 3), ("priorAuthCapture.created", 2)])
def test_what_did_not_work_changes_nothing(what: str, code: int) -> None:
    parsed = read(what, code)
    assert parsed.facts == ()
    assert str(code) in parsed.reason


def test_what_is_held_is_under_way_and_what_is_declined_failed() -> None:
    assert only(read("fraud.held", 4), Kind.PROCESSING)
    assert only(read("fraud.declined", 4), Kind.FAILED).detail == {"failure_code": "4"}


@pytest.mark.parametrize("what", ["refund.created", "fraud.approved"])
def test_what_leaves_out_what_decides_is_a_hint(what: str) -> None:
    made = request(pretender("authorizenet").signed(what, at_s=NOW_S))
    assert isinstance(gateway("authorizenet").verify(made, source("authorizenet"), NOW_MS), Hint)
    assert read(what).facts == ()


@pytest.mark.parametrize("name", ["net.authorize.customer.subscription.created", "net.authorize.payment.new", "", None])
def test_what_is_not_about_a_payment_is_unmapped(name: str | None) -> None:
    parsed = parse("authorizenet", {**event("x"), "eventType": name})
    assert parsed.facts == ()
    assert parsed.reason


def test_the_currency_is_the_accounts() -> None:
    parsed = parse("authorizenet", event("authcapture.created", authAmount=500), {"currency": "JPY"})
    assert money(only(parsed, Kind.CAPTURED))[2:] == (500, "JPY")
    with pytest.raises(AmountError):
        parse("authorizenet", event("authcapture.created"), {"currency": "JPY"})


def test_what_is_asked() -> None:
    found = plan("authorizenet", event("refund.created"), KEYS)
    assert (found.method, found.url) == ("POST", "https://api.authorize.net/xml/v1/request.api")
    assert json.loads(found.body) == {
        "getTransactionDetailsRequest": {
            "merchantAuthentication": {"name": "login", "transactionKey": "key"},
            "transId": "601",
        }
    }
    assert list(json.loads(found.body)["getTransactionDetailsRequest"]) == ["merchantAuthentication", "transId"]
    assert planned("authorizenet", event("refund.created"), {}) is None
    with pytest.raises(MalformedPayload):
        planned("authorizenet", event("refund.created", id=None), KEYS)


@pytest.mark.parametrize(
    ("status", "kind", "final"),
    [
        ("refundPendingSettlement", Kind.REFUND_PENDING, False),
        ("refundSettledSuccessfully", Kind.REFUND_SUCCEEDED, True),
        ("voided", Kind.REFUND_FAILED, True),
        ("declined", Kind.REFUND_FAILED, True),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind, final: bool) -> None:  # noqa: FBT001
    ask = asked(payment_id="601", refund_id="701")
    parsed = answered("authorizenet", "701", authorizenet_details(ask, "refundTransaction", status))
    assert kinds(parsed) == [kind]
    assert money(only(parsed, kind)) == ("601", "701", 700, "USD")
    assert parsed.final is final


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("capturedPendingSettlement", Kind.CAPTURED),
        ("settledSuccessfully", Kind.CAPTURED),
        ("authorizedPendingCapture", Kind.AUTHORIZED),
        ("voided", Kind.CANCELED),
        ("FDSPendingReview", Kind.PROCESSING),
        ("declined", Kind.FAILED),
    ],
)
def test_an_approved_payment_says_in_the_answer_how_it_stands(status: str, kind: Kind) -> None:
    body = authorizenet_details(asked(payment_id="601"), "authCaptureTransaction", status)
    fact = only(answered("authorizenet", "601", body), kind)
    assert (fact.aggregate, fact.amount_minor) == ("601", 5000)


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"messages":{"resultCode":"Error","message":[{"code":"E00040","text":"not found"}]}}',
        authorizenet_details(asked(payment_id="602"), "authCaptureTransaction", "settledSuccessfully"),
    ],
)
def test_an_answer_about_nothing_or_something_else_says_nothing(body: bytes) -> None:
    parsed = answered("authorizenet", "601", body)
    assert (parsed.facts, parsed.final) == ((), False)
    assert parsed.reason


def test_the_key_of_an_answer_changes_with_its_status() -> None:
    def of(status: str, **more: object) -> str:
        body = authorizenet_details(asked(**more), "refundTransaction", status).removeprefix(b"\xef\xbb\xbf")
        return key("authorizenet", "refund_1", json.loads(body))

    assert of("refundPendingSettlement") == of("refundPendingSettlement", at_s=1)
    assert of("refundPendingSettlement") != of("refundSettledSuccessfully")
    assert of("voided") != of("voided", refund_minor=1)


@pytest.mark.parametrize(
    "options", [{"apiLoginId": "x"}, {"transactionKey": "x"}, {"currency": "usd"}, {"currency": 1}]
)
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        gateway("authorizenet").check(source("authorizenet", options=options))
