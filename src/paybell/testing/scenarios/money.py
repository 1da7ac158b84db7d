"""Amounts: exact in every currency, and what was paid rather than what was asked."""

from collections.abc import Mapping
from typing import Final

from paybell.testing.scenarios.accounts import ADYEN, GENERIC, RAZORPAY, STRIPE
from paybell.testing.scenarios.script import Account, Hook, PaymentWanted, Scenario, Send, Wanted

_IN_MINOR: Final = Account(
    gateway="generic", name="minor", options={"header": "X-Paybell-Signature", "amountUnit": "minor"}
)
_INEXACT: Final = (
    b'{"event":"payment.completed","timestamp":"2025-06-15T15:06:40Z",'
    b'"data":{"paymentId":"inexact","status":"completed","amount":19.995,"currency":"USD"}}'
)

_KRONUR: Final = (
    b'{"id":"evt_kronur","object":"event","type":"charge.succeeded","created":1750000000,"livemode":false,"data":{'
    b'"object":{"id":"ch_kronur","object":"charge","amount":199900,"amount_captured":199900,"captured":true,'
    b'"currency":"isk","created":1750000000,"paid":true,"status":"succeeded"}}}'
)
"""Stripe writes ISK, which has no decimals, with two that are 0."""


def _paid(source: str, payment: str, amount_minor: int, currency: str) -> Hook:
    events = {"stripe": "payment_intent.succeeded", "razorpay": "payment.captured"}
    event = events.get(source, "payment.completed")
    return Hook(source=source, event=event, payment=payment, amount_minor=amount_minor, currency=currency)


def _exact(
    payment: str, captured_minor: int, currency: str, amount: str, kept: Mapping[str, int] | None = None
) -> PaymentWanted:
    return PaymentWanted(
        payment=payment,
        status="completed",
        currency=currency,
        captured_minor=captured_minor,
        kept=kept or {},
        told=("payment.completed",),
        amount=amount,
    )


SCENARIOS: Final = (
    Scenario(
        name="exact-amounts",
        wrong="19.99 * 100 is 1998 in floats, and every currency is taken to have two decimals.",
        right="Integers of ISO 4217 minor units, whatever the gateway writes; what is not exact is parked, never "
        "rounded.",
        sources=(STRIPE, RAZORPAY, GENERIC, _IN_MINOR),
        steps=(
            Send(
                (
                    _paid("stripe", "dollars", 1_999, "USD"),
                    _paid("stripe", "yen", 1_999, "JPY"),
                    _paid("stripe", "dinars", 19_990, "KWD"),
                    Hook(source="stripe", event="charge.succeeded", body=_KRONUR),
                    _paid("razorpay", "rupees", 1_999, "INR"),
                    _paid("generic", "decimal", 1_999, "USD"),
                    _paid("generic", "fils", 19_995, "KWD"),
                    _paid("minor", "whole", 1_999, "JPY"),
                    Hook(source="generic", event="payment.completed", body=_INEXACT),
                )
            ),
        ),
        wanted=Wanted(
            payments=(
                _exact("dollars", 1_999, "USD", "19.99"),
                _exact("yen", 1_999, "JPY", "1999"),
                _exact("dinars", 19_990, "KWD", "19.990"),
                _exact("ch_kronur", 1_999, "ISK", "1999"),
                _exact("rupees", 1_999, "INR", "19.99", {"fees": 40, "tax_recoverable": 7}),
                _exact("decimal", 1_999, "USD", "19.99"),
                _exact("fils", 19_995, "KWD", "19.995"),
                _exact("whole", 1_999, "JPY", "1999"),
            ),
            notifications={"recorded": 8, "parked": 1},
        ),
    ),
    Scenario(
        name="amount-paid-not-asked",
        wrong="The order's own total is copied instead of the amount that was paid.",
        right="Captured is what the gateway says it captured; the rest stays open until it is captured or released.",
        sources=(ADYEN,),
        steps=(
            Send(
                (
                    Hook(source="adyen", event="AUTHORISATION", amount_minor=10_000),
                    Hook(source="adyen", event="CAPTURE", amount_minor=6_000, after_s=60),
                )
            ),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    status="partially_captured", currency="EUR", captured_minor=6_000, told=("payment.authorized",)
                ),
            ),
            notifications={"recorded": 2},
        ),
    ),
)
