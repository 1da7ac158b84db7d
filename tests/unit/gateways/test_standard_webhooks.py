import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from paybell.deliver.signing import sign
from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Fact, Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.payment import Payment, PaymentState, PaymentStatus, RefundStatus
from paybell.record.messages import envelope as told_as
from paybell.record.messages import told_data, transitions
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"event":"payment.updated"}'


def made(signature: str, message_id: str = "msg_1", time: object = NOW_S, body: bytes = BODY) -> Request:
    named = {"webhook-id": message_id, "webhook-timestamp": str(time), "webhook-signature": signature}
    return Request(body, tuple((name.encode(), value.encode()) for name, value in named.items() if value))


def signed(message_id: str = "msg_1", time: int = NOW_S, body: bytes = BODY, secret: str = SECRET) -> Request:
    return made(sign(message_id, time, body, [secret]), message_id, time, body)


def judged(one: Request, *secrets: str, **options: object) -> Verdict:
    own = source("standard_webhooks", secrets=secrets or (SECRET,), options=options)
    return gateway("standard_webhooks").verify(one, own, NOW_MS)


def reason(answer: Verdict) -> RefusalReason:
    assert isinstance(answer, Refused)
    return answer.reason


# ------------------------------------------------------------------------------------------------- verify


def test_a_known_answer() -> None:
    # The example of the libraries' own tests.
    one = made(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    for secret in ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        own = source("standard_webhooks", secrets=(secret,))
        gateway("standard_webhooks").check(own)
        answer = gateway("standard_webhooks").verify(one, own, 1_614_265_330_000)
        assert answer == Verified("msg_p5jXN8AQM9LWM0D4loKWxJek")


@given(st.text(max_size=60), st.binary(min_size=24, max_size=64), st.integers(NOW_S - 300, NOW_S + 300))
def test_the_libraries_sign_what_we_believe(body: str, key: bytes, time: int) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    for library in (standardwebhooks, svix):
        signature = library.Webhook(secret).sign("msg_1", datetime.fromtimestamp(time, UTC), body)
        assert judged(made(signature, time=time, body=body.encode()), secret) == Verified("msg_1")


def test_what_we_send_we_believe() -> None:
    assert judged(signed()) == Verified("msg_1")
    assert judged(signed(), "whsec_" + base64.b64encode(b"another key of 24 bytes..").decode(), SECRET) == Verified(
        "msg_1"
    )


def test_any_v1_of_several_counts_and_no_other_version() -> None:
    good = sign("msg_1", NOW_S, BODY, [SECRET])
    bare = good.removeprefix("v1,")
    for header, believed in (
        (f"v1,{'A' * 43}= {good}", True),
        (f"{good} v1,bad", True),
        (f"v1a,{bare} {good}", True),
        (f"v1a,{bare}", False),
        (f"v2,{bare}", False),
        (bare, False),
        (f"v1,{bare[:-1]}", False),
        (f"v1,{base64.b64decode(bare).hex()}", False),
    ):
        assert isinstance(judged(made(header)), Verified) is believed, header


def test_id_and_time_are_signed() -> None:
    good = sign("msg_1", NOW_S, BODY, [SECRET])
    assert reason(judged(made(good, message_id="msg_2"))) is RefusalReason.SIGNATURE_MISMATCH
    assert reason(judged(made(good, time=NOW_S + 1))) is RefusalReason.SIGNATURE_MISMATCH
    assert reason(judged(made(good, message_id=""))) is RefusalReason.HEADER_MISSING
    assert reason(judged(made(good, time=""))) is RefusalReason.HEADER_MISSING
    assert reason(judged(made(""))) is RefusalReason.HEADER_MISSING


def test_the_time_is_judged_both_ways_to_the_second() -> None:
    for off, refused in ((300, None), (-300, None), (301, "TIMESTAMP_IN_FUTURE"), (-301, "TIMESTAMP_TOO_OLD")):
        answer = judged(signed(time=NOW_S + off))
        assert (answer.reason.name if isinstance(answer, Refused) else None) == refused
    assert reason(judged(signed(time=NOW_S - 11), toleranceSeconds=10)) is RefusalReason.TIMESTAMP_TOO_OLD
    signature = standardwebhooks.Webhook(SECRET).sign("m", datetime.fromtimestamp(NOW_S, UTC), "{}")
    assert reason(judged(made(signature, "m", f"{NOW_S}.0", b"{}"))) is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize("message_id", ["two words", "x" * 300])
def test_an_id_that_is_no_key_leaves_the_bodys_hash(message_id: str) -> None:
    answer = judged(signed(message_id))
    assert isinstance(answer, Verified)
    assert answer.dedupe_key.startswith("sha256:")


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("whsec_", "base64"),
        ("whsec_not base64", "base64"),
        ("whsec_a_b", "base64"),
        ("whsk_AAAA", "whsec_"),
        ("whpk_AAAA", "v1a"),
    ],
)
def test_an_unfit_secret_is_refused_and_not_shown(secret: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        gateway("standard_webhooks").check(source("standard_webhooks", secrets=(secret,)))
    assert "AAAA" not in str(caught.value)


def test_a_secret_without_its_padding_is_the_same_secret() -> None:
    bare = base64.b64encode(b"25 bytes, so it is padded").decode()
    one = signed(secret="whsec_" + bare)
    own = source("standard_webhooks", secrets=("whsec_" + bare.rstrip("="),))
    gateway("standard_webhooks").check(own)
    assert gateway("standard_webhooks").verify(one, own, NOW_MS) == Verified("msg_1")


@pytest.mark.parametrize("options", [{"header": "X"}, {"idPointer": "/id"}, {"statusMap": 1}, {"toleranceSeconds": 0}])
def test_an_unfit_option_is_refused_by_name(options: Mapping[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        gateway("standard_webhooks").check(source("standard_webhooks", options=options))


# -------------------------------------------------------------------------------------------------- parse


def test_another_senders_payload_is_read_as_the_options_say() -> None:
    options = {
        "eventPointer": "/type",
        "paymentIdPointer": "/data/id",
        "amountUnit": "minor",
        "statusMap": {"SETTLED": "completed"},
    }
    body = {
        "type": "invoice.paid",
        "timestamp": "2024-06-26T11:08:07Z",
        "data": {"id": "inv_1", "status": "settled", "amount": 500, "currency": "eur"},
    }
    parsed = parse("standard_webhooks", body, options)
    fact = only(parsed, Kind.CAPTURED)
    assert (parsed.event, fact.aggregate, fact.amount_minor, fact.currency) == ("invoice.paid", "inv_1", 500, "EUR")
    assert fact.at_ms == 1_719_400_087_000
    assert "statusMap" in parse("standard_webhooks", {**body, "data": {"id": "inv_1", "status": "odd"}}, options).reason


def envelope(status: str, **more: object) -> dict[str, object]:
    own = {"paymentId": "pay_1", "status": status, "amount": "50.00", "currency": "EUR", "amountMinor": 5000}
    totals = {"authorizedMinor": 0, "capturedMinor": 0, "refundedMinor": 0, "gatewayPaymentId": "pi_1"}
    return {"event": "payment.updated", "timestamp": "2025-06-15T15:06:40.000Z", "data": {**own, **totals, **more}}


@pytest.mark.parametrize("name", ["standard_webhooks", "generic"])
@pytest.mark.parametrize(
    ("status", "more", "told"),
    [
        ("created", {}, []),
        ("processing", {}, [(Kind.PROCESSING, None)]),
        ("failed", {}, [(Kind.FAILED, None)]),
        ("canceled", {"authorizedMinor": 5000}, [(Kind.CANCELED, None)]),
        ("authorized", {"authorizedMinor": 5000}, [(Kind.AUTHORIZED, 5000)]),
        (
            "partially_captured",
            {"authorizedMinor": 5000, "capturedMinor": 3000},
            [(Kind.AUTHORIZED, 5000), (Kind.CAPTURED_TOTAL, 3000)],
        ),
        ("completed", {"authorizedMinor": 5000, "capturedMinor": 5000}, [(Kind.CAPTURED, 5000)]),
        ("completed", {"authorizedMinor": 5000, "capturedMinor": 3000}, [(Kind.CAPTURED, 3000), (Kind.VOIDED, 2000)]),
        (
            "partially_refunded",
            {"authorizedMinor": 5000, "capturedMinor": 5000, "refundedMinor": 700},
            [(Kind.CAPTURED, 5000), (Kind.REFUNDED_TOTAL, 700)],
        ),
    ],
)
def test_the_totals_of_another_paybell_are_believed_not_its_word(
    name: str, status: str, more: dict[str, object], told: list[tuple[Kind, int | None]]
) -> None:
    options = {"header": "X"} if name == "generic" else {}
    created, *rest = parse(name, envelope(status, **more), options).facts
    assert (created.kind, created.aggregate, created.amount_minor) == (Kind.PAYMENT_CREATED, "pay_1", 5000)
    assert [(fact.kind, fact.amount_minor) for fact in rest] == told


@pytest.mark.parametrize(
    "more",
    [
        {"capturedMinor": "3000"},
        {"capturedMinor": 1.5},
        {"refundedMinor": True},
        {"amountMinor": None},
        {"paymentId": ""},
    ],
)
def test_totals_that_are_none_are_refused(more: dict[str, object]) -> None:
    with pytest.raises((MalformedPayload, AmountError)):
        parse("standard_webhooks", envelope("completed", **{"capturedMinor": 1, **more}))


def test_a_payment_without_a_currency_yet_is_unmapped() -> None:
    assert "currency" in parse("standard_webhooks", envelope("created", currency=None)).reason


def test_one_paybell_listens_to_another() -> None:
    """Everything a Paybell tells of a payment, read by a second one, adds up to the same payment."""
    signed_by = pretender("stripe").signed
    history = [
        parse(
            "stripe", signed_by(event, refund_minor=4_000, refund_id="re_1", secret="s", at_s=NOW_S + step).body
        ).facts
        for step, event in enumerate(
            (
                "payment_intent.created",
                "payment_intent.amount_capturable_updated",
                "payment_intent.succeeded",
                "refund.created",
                "refund.updated",
                "charge.dispute.created",
                "charge.dispute.closed",
            )
        )
    ]
    known: list[Fact] = []
    heard: list[Fact] = []
    before: PaymentState | None = None
    for step, facts in enumerate(history):
        known += facts
        after = project(known)
        payment = Payment(
            id="pay_1",
            organisation_id="org_1",
            source_id="src_1",
            gateway="stripe",
            gateway_payment_id="pi_example1",
            livemode=False,
            state=after,
            created_at_ms=NOW_MS,
            updated_at_ms=NOW_MS,
        )
        for transition in transitions(before, after):
            parsed = parse(
                "standard_webhooks",
                told_as("msg_1", transition.event_type, told_data(transition, payment), NOW_MS + step * 1000),
            )
            assert parsed.event == transition.event_type
            heard += parsed.facts
        theirs = project(heard)
        for field in (
            "status",
            "amount_minor",
            "captured_minor",
            "refunded_minor",
            "disputed_minor",
            "order_id",
            "customer",
        ):
            assert getattr(theirs, field) == getattr(after, field), (step, field)
        before = after
    assert before is not None
    assert before.status is PaymentStatus.CHARGED_BACK
    assert [(it.ref, it.status, it.amount_minor) for it in project(heard).refunds] == [
        ("re_1", RefundStatus.COMPLETED, 4_000)
    ]


def test_pretended_events_honour_what_is_asked() -> None:
    one = pretender("standard_webhooks").signed(
        "refund.completed",
        payment_id="pay_9",
        order_id="o_9",
        refund_id="re_9",
        refund_minor=5,
        at_s=NOW_S,
        event_id="m_9",
    )
    secret = pretender("standard_webhooks").secret
    assert judged(request(one), secret) == Verified("m_9")
    parsed = parse("standard_webhooks", one.body)
    fact = only(parsed, Kind.REFUND_SUCCEEDED)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("pay_9", "re_9", 5)
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.CAPTURED, Kind.REFUND_SUCCEEDED]
    assert json.loads(one.body)["data"]["status"] == "partially_refunded"
