"""Published payloads put together into whole histories: ids, amounts and times are changed so that they tell one."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from paybell.gateways import GATEWAYS
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Origin
from paybell.ports import SUBJECT_HEADER
from paybell.testing.builders import source

SAMPLES: Final = Path(__file__).resolve().parents[3] / "shared" / "gateways" / "samples"
PRESENT: Final = SAMPLES.is_dir()
IN_CI: Final = os.environ.get("CI") == "true"
START_S: Final = 1_750_000_000

Json = dict[str, Any]


class Told(Struct, frozen=True, kw_only=True):
    """One notification; ``subject`` is what was asked about, where it is an API's answer."""

    body: bytes
    received_at_s: int
    subject: str = ""


class History(Struct, frozen=True, kw_only=True):
    """A gateway's notifications in the order of what happened, and what they come to, written down by hand."""

    gateway: str
    told: Sequence[Told]
    unmapped: int
    """How many of them say nothing that is read (a payout at PayPal, a settlement at Mollie)."""
    statuses: frozenset[str]
    captured: int
    refunded: int
    disputed: int
    balances: Mapping[str, int]
    flags: frozenset[str] = frozenset()


def sample(name: str) -> Json:
    """A published payload; without the headers that it was recorded with."""
    whole: Json = json.loads((SAMPLES / name).read_text())
    found = whole.get("body", whole)
    body: Json = json.loads(found) if isinstance(found, str) else found
    return body


def changed(thing: Json, **places: object) -> Json:
    """With other values: ``a__b`` is the ``b`` of ``a``."""
    copy: Json = json.loads(json.dumps(thing))
    for path, value in places.items():
        *parents, last = path.split("__")
        inner = copy
        for name in parents:
            inner = inner[name]
        inner[last] = value
    return copy


def parse(history: History, told: Told, number: int) -> Parsed:
    """What its gateway reads in it."""
    made = Notification(
        id=f"ntf_{number}",
        source_id="src_1",
        organisation_id="org_1",
        dedupe_key=str(number),
        origin=Origin.POLL if told.subject else Origin.WEBHOOK,
        hint=False,
        received_at_ms=told.received_at_s * 1000,
        headers=((SUBJECT_HEADER, told.subject),) if told.subject else (),
        body=told.body,
    )
    return GATEWAYS[history.gateway].parse(made, source(gateway=history.gateway, options={}))


def one(body: Json, after_s: int, subject: str = "") -> Told:
    """A notification so many seconds after the start."""
    return Told(body=json.dumps(body).encode(), received_at_s=START_S + after_s, subject=subject)


# ------------------------------------------------------------------------------------------------------ Stripe


def stripe() -> History:
    """40.00 and 30.00 of 100.00 captured; 15.00 and, in vain, 5.00 refunded; 20.00 lost at a fee; the rest paid out."""
    return History(
        gateway="stripe",
        told=[
            *_stripe_payment(),
            *_stripe_refunds(),
            *_stripe_dispute(),
            *_stripe_payout(),
        ],
        unmapped=0,
        statuses=frozenset({"charged_back"}),
        captured=7000,
        refunded=1500,
        disputed=2000,
        balances={
            "sales": -7000,
            "refunds": 1500,
            "chargeback_losses": 2000,
            "dispute_fees": 1500,
            "bank": 7000 - 1500 - 2000 - 1500,
        },
    )


def _stripe_payout() -> Sequence[Told]:
    sent = changed(sample("stripe__object_payout.json"), amount=2000, status="in_transit")
    return _stripe(80, changed(sent, status="pending")), _stripe(81, sent), _stripe(90, changed(sent, status="paid"))


def _stripe(after_s: int, thing: Json) -> Told:
    event = sample("stripe__lago_2025-04-30_payment_intent_succeeded.json")
    return one(changed(event, id=f"evt_{after_s}", created=START_S + after_s, data__object=thing), after_s)


def _stripe_payment() -> Sequence[Told]:
    whole = {"id": "pi_1", "amount": 10_000, "created": START_S, "capture_method": "manual", "last_payment_error": None}
    intent = changed(sample("stripe__object_payment_intent.json"), **whole)
    held = changed(intent, status="requires_capture", latest_charge="ch_1", amount_capturable=10_000)
    done = sample("stripe__lago_2025-04-30_payment_intent_succeeded.json")["data"]["object"]
    charge = changed(
        sample("stripe__object_charge.json"), id="ch_1", payment_intent="pi_1", amount=10_000, created=START_S
    )
    return (
        _stripe(0, intent),
        _stripe(2, held),
        _stripe(2, charge),
        _stripe(10, changed(held, amount_capturable=6000, amount_received=4000)),
        _stripe(11, changed(charge, amount_captured=4000)),
        _stripe(20, changed(done, **whole, currency="usd", latest_charge="ch_1", amount_received=7000)),
        _stripe(20, changed(charge, captured=True, amount_captured=7000)),
    )


def _stripe_refunds() -> Sequence[Told]:
    first = {"id": "re_1", "charge": "ch_1", "payment_intent": "pi_1", "amount": 1500}
    second = {"id": "re_2", "charge": "ch_1", "payment_intent": "pi_1", "amount": 500}
    refund = changed(sample("stripe__object_refund.json"), **first)
    other = changed(sample("stripe__lago_2025-04-30_charge_refund_updated.json")["data"]["object"], **second)
    return (
        _stripe(30, changed(refund, status="pending", payment_intent=None)),  # as older versions: by its charge alone
        _stripe(31, refund),
        _stripe(40, other),
        _stripe(45, changed(other, status="failed", failure_reason="expired_or_canceled_card")),
    )


def _stripe_dispute() -> Sequence[Told]:
    event = sample("stripe__lago_2020-08-27_charge_dispute_closed.json")["data"]["object"]
    lost = changed(event, id="dp_1", charge="ch_1", payment_intent="pi_1", amount=2000, created=START_S + 50)
    (taken,) = lost["balance_transactions"]
    lost["balance_transactions"] = [changed(taken, amount=-2000, fee=1500, net=-3500, created=START_S + 51)]
    return (
        _stripe(50, changed(lost, status="needs_response", balance_transactions=[])),
        _stripe(51, changed(lost, status="needs_response")),
        _stripe(70, lost),
    )


# ---------------------------------------------------------------------------------------------------- Razorpay


def razorpay() -> History:
    """100.00 captured at a fee of 2.36; 7.00 and, in vain, 5.00 refunded; 30.00 disputed and lost; the rest settled."""
    settled = sample("razorpay__settlement.processed__settlement_processed_2.json")
    return History(
        gateway="razorpay",
        told=[
            *_razorpay_payment(),
            *_razorpay_refunds(),
            *_razorpay_dispute(),
            one(changed(settled, payload__settlement__entity__amount=10_000 - 700 - 236 - 3000), 90),
        ],
        unmapped=0,
        statuses=frozenset({"charged_back"}),
        captured=10_000,
        refunded=700,
        disputed=3000,
        balances={
            "sales": -10_000,
            "refunds": 700,
            "fees": 200,
            "tax_recoverable": 36,
            "chargeback_losses": 3000,
            "bank": 10_000 - 700 - 236 - 3000,
        },
    )


def _razorpay(after_s: int, name: str, **places: object) -> Told:
    whole = {"id": "pay_1", "amount": 10_000, "order_id": "order_1", "created_at": START_S}
    own = {f"payload__payment__entity__{key}": value for key, value in whole.items()}
    return one(changed(sample(f"razorpay__{name}.json"), created_at=START_S + after_s, **own, **places), after_s)


def _razorpay_payment() -> Sequence[Told]:
    fee = {"payload__payment__entity__fee": 236, "payload__payment__entity__tax": 36}
    return (
        _razorpay(1, "payment.authorized__card"),
        _razorpay(2, "payment.captured__card"),
        _razorpay(2, "order.paid__card", **fee),
        _razorpay(3, "payment.captured__netbanking", **fee),
    )


def _razorpay_refunds() -> Sequence[Told]:
    def refund(after_s: int, name: str, ref: str, amount: int, total: int) -> Told:
        places = {"id": ref, "payment_id": "pay_1", "amount": amount}
        own = {f"payload__refund__entity__{key}": value for key, value in places.items()}
        kept = {"amount_refunded": total, "fee": 236, "tax": 36}
        return _razorpay(after_s, name, **own, **{f"payload__payment__entity__{key}": it for key, it in kept.items()})

    return (
        refund(20, "refund.created__normal_refunds", "rfnd_1", 700, 700),
        refund(25, "refund.processed__normal_refunds", "rfnd_1", 700, 700),
        refund(30, "refund.processed__normal_refunds", "rfnd_2", 500, 1200),
        refund(35, "refund.failed__normal_refunds", "rfnd_2", 500, 700),
    )


def _razorpay_dispute() -> Sequence[Told]:
    def dispute(after_s: int, step: str, deducted: int = 0) -> Told:
        places = {"id": "disp_1", "payment_id": "pay_1", "amount": 3000, "amount_deducted": deducted}
        own = {f"payload__dispute__entity__{key}": value for key, value in places.items()}
        kept = {"status": "captured", "amount_refunded": 700, "fee": 236, "tax": 36}
        paid = {f"payload__payment__entity__{key}": value for key, value in kept.items()}
        return _razorpay(after_s, f"payment.dispute.{step}__payment_dispute_{step}", **own, **paid)

    return dispute(40, "created"), dispute(50, "under_review"), dispute(60, "lost", 3000)


# ------------------------------------------------------------------------------------------------------- Adyen


def adyen() -> History:
    """Captures of 40.00, 30.00 and 10.00, one in vain; 15.00 refunded; 20.00 charged back twice; the rest paid."""
    steps = (
        (1, "AUTHORISATION-authorisation", "PSP1", "", 10_000),
        (10, "CAPTURE-capture", "CAP1", "PSP1", 4000),
        (11, "CAPTURE-capture", "CAP2", "PSP1", 3000),
        (12, "CAPTURE-capture", "CAP3", "PSP1", 1000),
        (20, "CAPTURE_FAILED-capture_failed", "CAP3", "PSP1", 1000),
        (30, "REFUND-refund", "REF1", "PSP1", 1500),
        (31, "REFUND-refund", "REF2", "PSP1", 500),
        (40, "REFUND_FAILED-refund_failed", "REF2", "PSP1", 500),
        (50, "NOTIFICATION_OF_CHARGEBACK-notification_of_chargeback", "DSP1", "PSP1", 2000),
        (51, "CHARGEBACK-chargeback", "DSP1", "PSP1", 2000),
        (60, "CHARGEBACK_REVERSED-chargeback_reversed", "DSP1", "PSP1", 2000),
        (70, "SECOND_CHARGEBACK-second_chargeback", "DSP1", "PSP1", 2000),
        (80, "PAYOUT_THIRDPARTY-payout_thirdparty", "PYT1", "", 3500),
    )
    return History(
        gateway="adyen",
        told=[_adyen(*step) for step in steps],
        unmapped=0,
        statuses=frozenset({"charged_back"}),
        captured=7000,
        refunded=1500,
        disputed=2000,
        balances={"sales": -7000, "refunds": 1500, "chargeback_losses": 2000, "bank": 7000 - 1500 - 2000},
    )


def _adyen(after_s: int, name: str, reference: str, original: str, value: int) -> Told:
    body = sample(f"adyen__openapi_{name}.json")
    (wrapped,) = body["notificationItems"]
    places = {"pspReference": reference, "originalReference": original, "success": "true"}
    item = changed(wrapped["NotificationRequestItem"], **places, amount={"value": value, "currency": "EUR"})
    return one({**body, "notificationItems": [{"NotificationRequestItem": item}]}, after_s)


# ------------------------------------------------------------------------------------------------------ PayPal


def paypal() -> History:
    """Two captures, 40.00 and 30.00, with their fees; 15.00 refunded; 20.00 lost in a dispute, and sent back so."""
    payout = sample("paypal__CUSTOMER.PAYOUT.COMPLETED__hookdeck_capture.json")
    return History(
        gateway="paypal",
        told=[*_paypal_captures(), *_paypal_refunds(), *_paypal_dispute(), one(payout, 90, subject=payout["id"])],
        unmapped=1,
        statuses=frozenset({"authorized", "partially_refunded", "charged_back"}),
        captured=7000,
        refunded=1500 + 2000,  # what a dispute costs comes as a reversal, with an id of its own
        disputed=0,
        balances={"sales": -7000, "refunds": 3500, "fees": 210, "clearing": 7000 - 3500 - 210},
    )


def _paypal(after_s: int, event_type: str, resource_type: str, resource: Json) -> Told:
    event = sample("paypal__CUSTOMER.DISPUTE.CREATED__hookdeck_capture.json")
    own = {"id": f"WH-{after_s}", "event_type": event_type, "resource_type": resource_type, "resource": resource}
    return one(changed(event, **own), after_s, subject=f"WH-{after_s}")


def _usd(value: str) -> Json:
    return {"currency_code": "USD", "value": value}


def _paypal_captures() -> Sequence[Told]:
    order = changed(sample("paypal__CHECKOUT.ORDER.COMPLETED__hookdeck_capture.json")["resource"], id="ORDER1")
    (listed,) = order["purchase_units"][0]["payments"]["captures"]

    def capture(ref: str, value: str, fee: str) -> Json:
        kept = {"gross_amount": _usd(value), "paypal_fee": _usd(fee)}
        return changed(listed, id=ref, amount=_usd(value), seller_receivable_breakdown=kept)

    parts = [capture("CAP1", "40.00", "1.20"), capture("CAP2", "30.00", "0.90")]
    order["purchase_units"][0]["payments"]["captures"] = parts
    held = sample("paypal__spec_example_1_PAYMENT.AUTHORIZATION.CREATED.json")
    authorized = changed(held["resource"], id="AUTH1", amount={"total": "100.00", "currency": "USD"})
    return (
        _paypal(1, held["event_type"], "authorization", authorized),
        _paypal(10, "PAYMENT.CAPTURE.PENDING", "capture", changed(parts[0], status="PENDING")),
        _paypal(11, "PAYMENT.CAPTURE.COMPLETED", "capture", parts[0]),
        _paypal(12, "PAYMENT.CAPTURE.COMPLETED", "capture", parts[1]),
        _paypal(13, "CHECKOUT.ORDER.COMPLETED", "checkout-order", order),
    )


def _paypal_back(ref: str, of: str, value: str, at: str, status: str = "COMPLETED") -> Json:
    own = sample("paypal__hs_cypress_paypal_refund_webhook.json")["resource"]
    up = {"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{of}", "method": "GET"}
    return changed(own, id=ref, amount=_usd(value), status=status, create_time=at, update_time=at, links=[up])


def _paypal_refunds() -> Sequence[Told]:
    at = "2025-06-15T16:00:00Z"
    return (
        _paypal(30, "PAYMENT.CAPTURE.REFUNDED", "refund", _paypal_back("REF1", "CAP1", "15.00", at, "PENDING")),
        _paypal(31, "PAYMENT.CAPTURE.REFUNDED", "refund", _paypal_back("REF1", "CAP1", "15.00", at)),
        _paypal(32, "PAYMENT.CAPTURE.REFUNDED", "refund", _paypal_back("REF2", "CAP1", "5.00", at)),
        _paypal(40, "PAYMENT.REFUND.FAILED", "refund", _paypal_back("REF2", "CAP1", "5.00", at, "FAILED")),
    )


def _paypal_dispute() -> Sequence[Told]:
    own = sample("paypal__CUSTOMER.DISPUTE.CREATED__hookdeck_capture.json")["resource"]
    inquiry = changed(own, disputed_transactions=[{"seller_transaction_id": "CAP2"}], dispute_amount=_usd("20.00"))
    opened = changed(inquiry, dispute_life_cycle_stage="CHARGEBACK", update_time="2025-06-16T00:00:00Z")
    lost = changed(opened, status="RESOLVED", dispute_outcome={"outcome_code": "RESOLVED_BUYER_FAVOUR"})
    lost["update_time"] = at = "2025-06-20T00:00:00Z"
    return (
        _paypal(50, "CUSTOMER.DISPUTE.CREATED", "dispute", inquiry),
        _paypal(51, "CUSTOMER.DISPUTE.UPDATED", "dispute", opened),
        _paypal(70, "CUSTOMER.DISPUTE.RESOLVED", "dispute", lost),
        _paypal(71, "PAYMENT.CAPTURE.REVERSED", "refund", _paypal_back("REV1", "CAP2", "20.00", at)),
    )


# ------------------------------------------------------------------------------------------------------ Mollie


def mollie() -> History:
    """Captures of 40.00 and 30.00; 15.00 refunded, 5.00 refunded and failed; 20.00 charged back."""
    return History(
        gateway="mollie",
        told=[*_mollie(), Told(body=b"id=stl_jDk30akdN", received_at_s=START_S + 90)],
        unmapped=1,
        statuses=frozenset({"charged_back"}),
        captured=7000,
        refunded=1500,
        disputed=2000,
        balances={"sales": -7000, "refunds": 1500, "chargeback_losses": 2000, "clearing": 7000 - 1500 - 2000},
    )


def _eur(value: str) -> Json:
    return {"currency": "EUR", "value": value}


def _mollie() -> Sequence[Told]:
    base = changed(sample("mollie__api_payment.json"), id="tr_1", amount=_eur("100.00"))
    first, second = (_mollie_part("capture", f"cpt_{it}", value, "succeeded") for it, value in ((1, "40"), (2, "30")))
    refund, failing = (_mollie_part("refund", f"re_{it}", value, "pending") for it, value in ((1, "15"), (2, "5")))
    gone, bounced = changed(refund, status="refunded"), changed(failing, status="refunded")
    chargeback = _mollie_part("chargeback", "chb_1", "20")
    held = changed(base, status="authorized", authorizedAt="2025-06-15T15:06:41Z", amountCaptured=_eur("0.00"))
    part = changed(held, amountCaptured=_eur("40.00"))
    paid = changed(held, status="paid", paidAt="2025-06-15T15:10:00Z", amountCaptured=_eur("70.00"))
    both = [first, second]
    answers: Sequence[tuple[int, Json, Sequence[Json], Sequence[Json], Sequence[Json]]] = (
        (1, base, [], [], []),
        (2, held, [changed(first, status="pending")], [], []),
        (10, part, [first], [], []),
        (20, paid, both, [], []),
        (30, paid, both, [refund], []),
        (31, paid, both, [gone], []),
        (32, paid, both, [gone, failing], []),
        (33, paid, both, [gone, bounced], []),
        (40, paid, both, [gone, changed(failing, status="failed")], []),
        (60, paid, both, [gone, changed(failing, status="failed")], [chargeback]),
    )
    return [
        one({**payment, "_embedded": {"captures": captures, "refunds": refunds, "chargebacks": back}}, after_s, "tr_1")
        for after_s, payment, captures, refunds, back in answers
    ]


def _mollie_part(kind: str, ref: str, value: str, status: str = "") -> Json:
    own = {"id": ref, "paymentId": "tr_1", "amount": _eur(f"{value}.00")}
    return changed(sample(f"mollie__api_{kind}.json"), **own, **({"status": status} if status else {}))


HISTORIES: Final = {each.__name__: each for each in (stripe, razorpay, adyen, paypal, mollie)}
