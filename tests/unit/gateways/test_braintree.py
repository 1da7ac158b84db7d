from base64 import b64encode
from urllib.parse import urlencode

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways.braintree import Braintree
from paybell.model.fact import Fact, Kind, Parsed, Subject, subject_of
from paybell.model.notification import Answer, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.payment import PaymentStatus
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.braintree import PUBLIC_KEY, braintree_payload, braintree_signature
from tests.unit.gateways.sources import NOW_S, SECRET, kinds, notification, only, request, source

BRAINTREE = Braintree()
AT = "2025-06-15T15:06:40Z"
AT_MS = 1_750_000_000_000
PRIVATE = "integration_private_key"
ITS_PUBLIC = {"publicKey": "integration_public_key"}


def form(signature: str, payload: str) -> Request:
    return Request(urlencode({"bt_signature": signature, "bt_payload": payload}).encode())


def judged(made: Request, *, secrets: tuple[str, ...] = (SECRET,), public_key: str = PUBLIC_KEY) -> Verdict:
    return BRAINTREE.verify(made, source("braintree", secrets=secrets, options={"publicKey": public_key}), 0)


def told(subject: str, kind: str = "any_kind") -> Parsed:
    return read(braintree_payload(kind, AT, subject))


def read(payload: str) -> Parsed:
    return BRAINTREE.parse(notification(form("x|0", payload).body), source("braintree"))


def elements(**texts: str) -> str:
    return "".join(f"<{name.replace('_', '-')}>{value}</{name.replace('_', '-')}>" for name, value in texts.items())


def transaction(status: str, **more: str) -> str:
    own = {"id": "tx1", "status": status, "type": "sale", "currency_iso_code": "USD", "amount": "10.00"}
    return f"<transaction>{elements(**{**own, **more})}</transaction>"


def dispute(status: str, kind: str = "chargeback", **more: str) -> str:
    own = {
        "id": "dp1",
        "status": status,
        "kind": kind,
        "reason": "fraud",
        "currency_iso_code": "USD",
        "amount": "10.00",
    }
    of = transaction("settled")
    return f"<dispute>{elements(**{**own, **more})}{of}</dispute>"


def refusal(verdict: Verdict) -> RefusalReason | None:
    return verdict.reason if isinstance(verdict, Refused) else None


def test_known_answers() -> None:
    # The Python SDK's own: HMAC-SHA1 under the SHA-1 of the key, of a text and of a challenge.
    primitive = form("any|d503d7a1a6adba1e6474e9ff2c4167f9dfdf4247", "hello world")
    assert isinstance(judged(primitive, secrets=("secretKey",), public_key="any"), Verified)
    held = source("braintree", secrets=(PRIVATE,), options=ITS_PUBLIC)
    asked = Request(b"", query="bt_challenge=20f9f8ed05f77439fe955c977e4c8a53")
    expected = b"integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4"
    assert BRAINTREE.greet(asked, held) == Answer(expected, b"text/plain")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "bt_challenge=",
        "bt_challenge=20f9f8ed05f77439fe9",
        "bt_challenge=" + "a" * 33,
        "bt_challenge=20F9F8ED05F77439FE955C977E4C8A53",
        "bt_challenge=20f9f8ed05f77439fe955c977e4c8a5z",
        "bt_challenge=20f9f8ed05f77439fe955c977e4c8a53&bt_challenge=20f9f8ed05f77439fe955c977e4c8a53",
        "other=20f9f8ed05f77439fe955c977e4c8a53",
        "%ff=%ff&\x00",
    ],
)
def test_what_is_no_challenge_is_not_answered(query: str) -> None:
    assert BRAINTREE.greet(Request(b"", query=query), source("braintree")) is None


def test_a_challenge_without_a_key_is_not_answered() -> None:
    asked = Request(b"", query="bt_challenge=20f9f8ed05f77439fe955c977e4c8a53")
    assert BRAINTREE.greet(asked, source("braintree", secrets=())) is None
    assert BRAINTREE.greet(asked, source("braintree", options={})) is None


def test_the_line_end_at_the_end_may_be_lost_on_the_way() -> None:
    payload = braintree_payload("check", AT, "<check/>")
    signature = braintree_signature(SECRET, payload)
    whole, cut = judged(form(signature, payload)), judged(form(signature, payload.rstrip("\n")))
    assert isinstance(whole, Verified)
    assert whole == cut


def test_each_key_pair_of_a_rotation() -> None:
    payload = braintree_payload("check", AT, "<check/>")
    new, old = braintree_signature("new", payload, "new_public"), braintree_signature("old", payload, "old_public")
    both = form(f"{new}&{old}", payload)
    for secrets, public_key in [
        (("new",), "new_public"),
        (("old",), "old_public"),
        (("new", "old"), "new_public,old_public"),
    ]:
        assert isinstance(judged(both, secrets=secrets, public_key=public_key), Verified)
    assert refusal(judged(both, secrets=("new",), public_key="old_public")) is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (b"\xff", RefusalReason.MALFORMED_SIGNATURE),
        (b"bt_payload=YQ", RefusalReason.HEADER_MISSING),
        (b"bt_signature=a%7C00", RefusalReason.HEADER_MISSING),
        (b"bt_signature=&bt_payload=YQ", RefusalReason.HEADER_MISSING),
        (b"bt_signature=other%7C00&bt_payload=YQ", RefusalReason.MALFORMED_SIGNATURE),
        (b"bt_signature=example_public_key%7C00&bt_payload=YQ", RefusalReason.MALFORMED_SIGNATURE),
        (b"bt_signature=example_public_key&bt_payload=YQ", RefusalReason.MALFORMED_SIGNATURE),
        (b"bt_signature=example_public_key%7C" + b"0" * 40 + b"&bt_payload=YQ", RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_what_is_refused(body: bytes, reason: RefusalReason) -> None:
    assert refusal(judged(Request(body))) is reason


def test_a_plus_that_was_not_encoded_is_another_text() -> None:
    payload = braintree_payload("check", AT, "<check>~~~~~~</check>")
    body = urlencode({"bt_signature": braintree_signature(SECRET, payload), "bt_payload": payload}).encode()
    assert b"%2B" in body
    assert refusal(judged(Request(body.replace(b"%2B", b"+")))) is RefusalReason.SIGNATURE_MISMATCH


def test_the_public_key_is_required() -> None:
    with pytest.raises(ConfigurationError, match="'publicKey' of gateway 'braintree' is required"):
        BRAINTREE.check(source("braintree", options={}))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("authorizing", [Kind.PROCESSING]),
        ("authorized", [Kind.AUTHORIZED]),
        ("settlement_pending", [Kind.PROCESSING]),
        ("submitted_for_settlement", [Kind.CAPTURED]),
        ("settling", [Kind.CAPTURED]),
        ("settled", [Kind.CAPTURED]),
        ("settlement_declined", [Kind.FAILED, Kind.CAPTURE_REVERSED]),
        ("processor_declined", [Kind.FAILED]),
        ("gateway_rejected", [Kind.FAILED]),
        ("failed", [Kind.FAILED]),
        ("voided", [Kind.VOIDED, Kind.CAPTURE_REVERSED]),
        ("authorization_expired", [Kind.EXPIRED]),
    ],
)
def test_a_transactions_status(status: str, expected: list[Kind]) -> None:
    parsed = told(transaction(status, created_at="2025-06-15T15:06:39Z", updated_at=AT))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, *expected]
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.aggregate, created.at_ms, created.amount_minor) == ("tx1", AT_MS - 1000, 1000)
    assert {fact.at_ms for fact in parsed.facts[1:]} == {AT_MS}


def test_a_capture_and_what_takes_it_back_have_the_same_ref() -> None:
    captured = only(told(transaction("submitted_for_settlement")), Kind.CAPTURED)
    taken_back = only(told(transaction("settlement_declined")), Kind.CAPTURE_REVERSED)
    assert captured.ref == taken_back.ref == "tx1"
    assert (captured.amount_minor, captured.currency) == (1000, "USD")
    for taken in ("settlement_declined", "voided"):
        both = [*told(transaction("submitted_for_settlement")).facts, *told(transaction(taken)).facts]
        assert project(both).captured_minor == 0
    assert project(told(transaction("voided")).facts).status is PaymentStatus.CANCELED


def test_who_paid_and_why_it_failed() -> None:
    customer = elements(id="1001", first_name="Pat", last_name="Example", email="pat@example.com")
    declined = transaction(
        "processor_declined",
        order_id="order_1",
        customer=customer,
        processor_response_code="2000",
        processor_response_text="Do Not Honor",
    )
    assert only(told(declined), Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1",
        "customer_id": "1001",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
    }
    assert only(told(declined), Kind.FAILED).detail == {"failure_code": "2000", "failure_message": "Do Not Honor"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("submitted_for_settlement", Kind.REFUND_PENDING),
        ("settled", Kind.REFUND_SUCCEEDED),
        ("settlement_declined", Kind.REFUND_FAILED),
        ("processor_declined", Kind.REFUND_FAILED),
        ("voided", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_is_a_transaction_that_names_its_payment(status: str, kind: Kind) -> None:
    parsed = told(transaction(status, id="rf1", type="credit", amount="4.00", refunded_transaction_id="tx1"))
    assert kinds(parsed) == [kind]
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("tx1", "rf1", 400)


def test_a_credit_that_refunds_nothing_is_no_payment() -> None:
    assert told(transaction("settled", type="credit")).facts == ()


def test_the_transactions_of_a_subscription_and_of_a_local_payment() -> None:
    both = transaction("settled") + transaction("settled", id="tx2")
    subscription = told(f'<subscription><id>sub</id><transactions type="array">{both}</transactions></subscription>')
    assert {fact.aggregate for fact in subscription.facts} == {"tx1", "tx2"}
    local = told(f"<local-payment><payment-id>p</payment-id>{transaction('settled')}</local-payment>")
    assert only(local, Kind.CAPTURED) == only(told(transaction("settled")), Kind.CAPTURED)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        ("open", "chargeback", "open"),
        ("open", "retrieval", "warning"),
        ("disputed", "chargeback", "open"),
        ("under_review", "pre_arbitration", "open"),
        ("accepted", "chargeback", "lost"),
        ("auto_accepted", "chargeback", "lost"),
        ("expired", "chargeback", "lost"),
        ("lost", "chargeback", "lost"),
        ("won", "chargeback", "won"),
    ],
)
def test_a_disputes_status(status: str, kind: str, expected: str) -> None:
    parsed = told(dispute(status, kind))
    assert kinds(parsed) == [Kind.DISPUTE_STATUS]  # the transaction in it is not told of
    fact = only(parsed, Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("tx1", "dp1", 1000)
    assert fact.detail == {"status": expected, "reason": "fraud"}


def test_the_amount_in_dispute_may_be_less_than_that_of_the_transaction() -> None:
    assert only(told(dispute("open", amount_disputed="7.50")), Kind.DISPUTE_STATUS).amount_minor == 750


@pytest.mark.parametrize(
    "subject",
    [
        '<check type="boolean">true</check>',
        transaction("brand_new"),
        dispute("brand_new"),
        transaction("brand_new", refunded_transaction_id="tx1"),
        "<disbursement><transaction-ids><item>tx1</item></transaction-ids></disbursement>",
        "<local-payment-reversed><payment-id>p</payment-id></local-payment-reversed>",
        "",
    ],
)
def test_what_is_no_payment_or_unknown_is_unmapped_with_a_reason(subject: str) -> None:
    parsed = told(subject)
    assert (parsed.facts, parsed.event) == ((), "any_kind")
    assert parsed.reason


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", "1000", 1000), ("USD", "100", 10_000), ("KWD", "1.005", 1005)]
)
def test_amounts_are_major_units(currency: str, amount: str, minor: int) -> None:
    parsed = told(transaction("settled", currency_iso_code=currency, amount=amount))
    assert only(parsed, Kind.CAPTURED).amount_minor == minor


@pytest.mark.parametrize("more", [{"amount": "1.005"}, {"amount": ""}, {"amount": "-1"}, {"currency_iso_code": ""}])
def test_an_amount_that_is_none_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(AmountError):
        told(transaction("settled", **more))


BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><notification><kind>&c;</kind></notification>'


@pytest.mark.parametrize(
    "xml",
    [
        BOMB,
        BOMB.replace("DOCTYPE", "doctype"),
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<a><!ENTITY b "c"></a>',
        "<notification><kind>&undeclared;</kind></notification>",
        "<a>" * 200_000,
        "<a>" * 50_000 + "</a>" * 50_000,
        "<notification><kind>x</kind></notification>",
        "<notification><subject/></notification>",
        "not xml",
        "",
        "\x00",
    ],
    ids=range(12),
)
def test_hostile_xml_is_malformed(xml: str) -> None:
    with pytest.raises(MalformedPayload):
        read(b64encode(xml.encode()).decode())


def test_xml_in_another_coding_is_malformed() -> None:
    for raw in (BOMB.encode("utf-16"), b"\xff\xfe"):
        with pytest.raises(MalformedPayload, match="UTF-8"):
            read(b64encode(raw).decode())
    said = (
        '<?xml version="1.0" encoding="UTF-16"?><notification><kind>x</kind><timestamp>2025-06-15T15:06:40Z</timestamp>'
    )
    assert read(b64encode(f"{said}<subject/></notification>".encode()).decode()).event == "x"


@pytest.mark.parametrize("payload", ["%%%", "hello world", "YQ", "YQ=="])
def test_what_is_no_base64_of_xml_is_malformed(payload: str) -> None:
    with pytest.raises(MalformedPayload):
        read(payload)


def test_every_pretended_event_is_about_its_payment() -> None:
    found: dict[str, tuple[Fact, ...]] = {}
    for name in pretender("braintree").events:
        made = request(pretender("braintree").signed(name, payment_id="tx9", secret=SECRET, at_s=NOW_S))
        assert isinstance(judged(made), Verified)
        found[name] = BRAINTREE.parse(notification(made.body), source("braintree")).facts
    payments = [fact for facts in found.values() for fact in facts if subject_of(fact.kind) is Subject.PAYMENT]
    assert {fact.aggregate for fact in payments} == {"tx9"}
    assert [name for name, facts in found.items() if not facts] == ["check"]
