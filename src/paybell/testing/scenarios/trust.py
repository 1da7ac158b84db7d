"""What must not be believed, and what must be taken though it is strange."""

from collections.abc import Mapping
from typing import Final

from paybell.testing.scenarios.accounts import ADYEN, GENERIC, IPPOPAY, MOLLIE, RAZORPAY, RAZORPAY_KEPT, STRIPE
from paybell.testing.scenarios.script import (
    Account,
    Hold,
    Hook,
    PaymentWanted,
    Replay,
    Rewrite,
    Scenario,
    Secret,
    Send,
    Tell,
    Wanted,
)

_HOUR_S: Final = 3_600
_DEEP: Final = b'{"event":"payment.captured","payload":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
_HOSTILE: Final = (_DEEP, b'{"payload":NaN}', b'{"payload":{"payment":{"entity":{"id":"\\ud800"}}}}', b"\xff\xfe", b"{")


def _completed(payment: str, currency: str, kept: Mapping[str, int] | None = None) -> PaymentWanted:
    return PaymentWanted(
        payment=payment,
        status="completed",
        currency=currency,
        captured_minor=10_000,
        kept=kept or {},
        told=("payment.completed",),
    )


def _paid_everywhere(secret: Secret, answer: int) -> tuple[Hook, ...]:
    return (
        Hook(source="stripe", event="payment_intent.succeeded", payment="s", secret=secret, answer=answer),
        Hook(source="razorpay", event="payment.captured", payment="r", secret=secret, answer=answer),
        Hook(source="generic", event="payment.completed", payment="g", secret=secret, answer=answer),
    )


def _captured(secret: Secret, payment: str, answer: int = 200) -> Hook:
    return Hook(source="razorpay", event="payment.captured", payment=payment, secret=secret, answer=answer)


SCENARIOS: Final = (
    Scenario(
        name="wrong-signature",
        wrong="A signature is compared in part, or a failure of it only logged, and a forged success ships the goods.",
        right="401 for each, without saying why; nothing is kept but a sample for the operator. The real one is taken.",
        sources=(STRIPE, RAZORPAY, ADYEN, GENERIC),
        steps=(
            Send(_paid_everywhere(Secret.FORGED, 401)),
            Send((Hook(source="adyen", event="AUTHORISATION", payment="a", secret=Secret.FORGED, answer=401),)),
            Send(_paid_everywhere(Secret.MAIN, 200)),
        ),
        wanted=Wanted(
            payments=(_completed("s", "USD"), _completed("r", "INR", RAZORPAY_KEPT), _completed("g", "USD")),
            notifications={"recorded": 3},
            refused=frozenset({"signature_mismatch"}),
        ),
    ),
    Scenario(
        name="missing-secret",
        wrong="Verification is off while no secret is set, and a signature under the empty key is right.",
        right="A source without a secret refuses everything.",
        sources=tuple(
            Account(gateway=it.gateway, options=it.options, secrets=()) for it in (STRIPE, RAZORPAY, GENERIC)
        ),
        steps=(Send(_paid_everywhere(Secret.EMPTY, 401)), Send(_paid_everywhere(Secret.MAIN, 401))),
        wanted=Wanted(refused=frozenset({"no_secret"})),
    ),
    Scenario(
        name="stale-signature",
        wrong="A request that was captured once is sent again later, with its old time, or with one in the future.",
        right="Refused both ways where the time is signed.",
        sources=(STRIPE, Account(gateway="stripe", name="ahead")),
        steps=(
            Send((Hook(source="stripe", event="payment_intent.succeeded", signed_s_ago=_HOUR_S, answer=401),)),
            Send((Hook(source="ahead", event="payment_intent.succeeded", signed_s_ago=-_HOUR_S, answer=401),)),
        ),
        wanted=Wanted(refused=frozenset({"timestamp_too_old", "timestamp_in_future"})),
    ),
    Scenario(
        name="reserialised-body",
        wrong="The body is parsed and written anew before the signature is computed: a blank more, and every webhook "
        "is refused; or the check is loosened until it fits.",
        right="The raw bytes are what counts: signed with strange blanks they are right, rewritten they are not.",
        sources=(STRIPE, RAZORPAY),
        steps=(
            Send(
                (
                    Hook(
                        source="stripe",
                        event="payment_intent.succeeded",
                        payment="s",
                        rewrite=Rewrite.AFTER_SIGNING,
                        answer=401,
                    ),
                    Hook(
                        source="razorpay",
                        event="payment.captured",
                        payment="r",
                        rewrite=Rewrite.AFTER_SIGNING,
                        answer=401,
                    ),
                )
            ),
            Send(
                (
                    Hook(
                        source="stripe",
                        event="payment_intent.succeeded",
                        payment="s",
                        rewrite=Rewrite.BEFORE_SIGNING,
                    ),
                    Hook(source="razorpay", event="payment.captured", payment="r", rewrite=Rewrite.BEFORE_SIGNING),
                )
            ),
        ),
        wanted=Wanted(
            payments=(_completed("s", "USD"), _completed("r", "INR", RAZORPAY_KEPT)),
            notifications={"recorded": 2},
            refused=frozenset({"signature_mismatch"}),
        ),
    ),
    Scenario(
        name="hostile-body",
        wrong="JSON is parsed before the signature is checked, so anybody can feed the parser; or a body that cannot "
        "be read stops all behind it.",
        right="Unsigned, each is refused unread. Signed, each is set aside with its reason, and the rest flows.",
        sources=(RAZORPAY,),
        steps=(
            Send(
                tuple(
                    Hook(source="razorpay", event="hostile", secret=Secret.FORGED, body=body, answer=401)
                    for body in _HOSTILE
                )
            ),
            Send(
                (
                    *(Hook(source="razorpay", event="hostile", body=body) for body in _HOSTILE),
                    *(_captured(Secret.MAIN, payment) for payment in ("one", "two", "three")),
                ),
                at_once=True,
            ),
        ),
        wanted=Wanted(
            payments=tuple(_completed(payment, "INR", RAZORPAY_KEPT) for payment in ("one", "two", "three")),
            notifications={"parked": len(_HOSTILE), "recorded": 3},
            refused=frozenset({"signature_mismatch"}),
        ),
    ),
    Scenario(
        name="unknown-event",
        wrong="Unknown events are answered 4xx or 500 until the gateway switches the endpoint off.",
        right="Answered 200, kept as unmapped with the reason, and read again whenever somebody asks.",
        sources=(STRIPE, RAZORPAY, ADYEN),
        steps=(
            Send(
                (
                    Hook(
                        source="stripe",
                        event="radar.early_fraud_warning.created",
                        body=b'{"id":"evt_radar","object":"event","type":"radar.early_fraud_warning.created",'
                        b'"livemode":false,"created":1750000000,'
                        b'"data":{"object":{"id":"issfr_1","object":"radar.early_fraud_warning"}}}',
                    ),
                    Hook(
                        source="razorpay",
                        event="fund_account.created",
                        body=b'{"entity":"event","event":"fund_account.created","contains":["fund_account"],'
                        b'"payload":{"fund_account":{"entity":{"id":"fa_1"}}},"created_at":1750000000}',
                    ),
                    Hook(source="adyen", event="REPORT_AVAILABLE"),
                )
            ),
            Replay(),
        ),
        wanted=Wanted(notifications={"unmapped": 3}),
    ),
    Scenario(
        name="test-event-at-live-source",
        wrong="A test payment at the live endpoint is taken for money; or it is answered 4xx, and retried for days.",
        right="Answered 200 and parked with the reason: test and live never mix.",
        sources=(Account(gateway="stripe", livemode=True), Account(gateway="stripe", name="test")),
        steps=(
            Send(
                (
                    Hook(source="stripe", event="payment_intent.succeeded", payment="pretended"),
                    Hook(source="stripe", event="payment_intent.succeeded", payment="real", livemode=True),
                    Hook(source="test", event="payment_intent.succeeded", payment="astray", livemode=True),
                )
            ),
        ),
        wanted=Wanted(payments=(_completed("real", "USD"),), notifications={"parked": 2, "recorded": 1}),
    ),
    Scenario(
        name="hint-not-believed",
        wrong="A notification that nobody signed says success, and is believed.",
        right="It is a hint: the gateway's API is asked, and what that says is recorded, whatever the hint said.",
        sources=(IPPOPAY, MOLLIE),
        steps=(
            Tell(source="ippopay", payment="lie", status="failure"),
            Tell(source="ippopay", payment="truth", status="success"),
            Tell(source="mollie", payment="unpaid", status="open"),
            Tell(source="mollie", payment="paid", status="paid"),
            Send(
                (
                    Hook(source="ippopay", event="order.success", payment="lie"),
                    Hook(source="ippopay", event="order.success", payment="truth"),
                    Hook(source="ippopay", event="order.success", payment="nobody", secret=Secret.FORGED, answer=401),
                    Hook(source="mollie", event="payment", payment="unpaid"),
                    Hook(source="mollie", event="payment", payment="paid"),
                    Hook(source="mollie", event="payment", payment="unheard"),
                )
            ),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(payment="lie", status="failed", currency="INR", told=("payment.failed",)),
                _completed("truth", "INR"),
                PaymentWanted(payment="unpaid", status="created", currency="EUR", told=("payment.created",)),
                _completed("paid", "EUR"),
            ),
            notifications={"fetched": 4, "recorded": 4, "needs_fetch": 1},
            refused=frozenset({"token_mismatch"}),
        ),
    ),
    Scenario(
        name="old-secret-still-verifies",
        wrong="A secret is rotated in one stroke; what the gateway signed with the old one meanwhile is lost.",
        right="Every secret that the source holds verifies; taken away, it no longer does.",
        sources=(RAZORPAY,),
        steps=(
            Send((_captured(Secret.MAIN, "before"), _captured(Secret.NEW, "early", 401))),
            Hold("razorpay", (Secret.NEW, Secret.MAIN)),
            Send((_captured(Secret.MAIN, "old"), _captured(Secret.NEW, "new"))),
            Hold("razorpay", (Secret.NEW,)),
            Send((_captured(Secret.MAIN, "late", 401), _captured(Secret.NEW, "after"))),
        ),
        wanted=Wanted(
            payments=tuple(_completed(payment, "INR", RAZORPAY_KEPT) for payment in ("before", "old", "new", "after")),
            notifications={"recorded": 4},
            refused=frozenset({"signature_mismatch"}),
        ),
    ),
)
