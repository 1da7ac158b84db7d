"""What comes more than once: the same request, the same fact by another event, the same bytes days later."""

from typing import Final

from paybell.testing.scenarios.accounts import ADYEN, GENERIC, MOLLIE, RAZORPAY, RAZORPAY_KEPT, STRIPE
from paybell.testing.scenarios.script import (
    DAY_S,
    Advance,
    Crash,
    Hook,
    Orders,
    PaymentWanted,
    Replay,
    Scenario,
    Send,
    Tell,
    Wanted,
)

_STRIPE_PAID: Final = Hook(source="stripe", event="payment_intent.succeeded", payment="s")
_RAZORPAY_PAID: Final = Hook(source="razorpay", event="payment.captured", payment="r")
_GENERIC_PAID: Final = Hook(source="generic", event="payment.completed", payment="g")

_STRIPE_COMPLETED: Final = PaymentWanted(
    payment="s", status="completed", currency="USD", captured_minor=10_000, told=("payment.completed",)
)
_RAZORPAY_COMPLETED: Final = PaymentWanted(
    payment="r",
    status="completed",
    currency="INR",
    captured_minor=10_000,
    kept=RAZORPAY_KEPT,
    told=("payment.completed",),
)
_GENERIC_COMPLETED: Final = PaymentWanted(
    payment="g", status="completed", currency="USD", captured_minor=10_000, told=("payment.completed",)
)

SCENARIOS: Final = (
    Scenario(
        name="duplicate-burst",
        wrong="The same webhook comes many times at once; each worker looks, finds nothing, and books the payment.",
        right="One notification, one payment, one message; every copy is answered 200.",
        sources=(STRIPE, RAZORPAY, GENERIC),
        steps=(
            Send((_STRIPE_PAID,), times=50, at_once=True),
            Send((_RAZORPAY_PAID,), times=50, at_once=True),
            Send((_GENERIC_PAID,), times=50, at_once=True),
        ),
        wanted=Wanted(
            payments=(_STRIPE_COMPLETED, _RAZORPAY_COMPLETED, _GENERIC_COMPLETED), notifications={"recorded": 3}
        ),
    ),
    Scenario(
        name="duplicate-days-later",
        wrong="Ids already seen are kept for some minutes; the gateway retries for days, and the retry counts again.",
        right="A duplicate is known for ever.",
        sources=(STRIPE, RAZORPAY),
        steps=(
            Send((_STRIPE_PAID, _RAZORPAY_PAID)),
            Advance(4 * DAY_S),
            Send((_STRIPE_PAID, _RAZORPAY_PAID)),
        ),
        wanted=Wanted(payments=(_STRIPE_COMPLETED, _RAZORPAY_COMPLETED), notifications={"recorded": 2}),
    ),
    Scenario(
        name="unsigned-id-header",
        wrong="Duplicates are told by an id in a header that nobody signed: a changed header books the payment again, "
        "a repeated one hides another payment.",
        right="Only signed bytes tell what is a duplicate.",
        sources=(RAZORPAY,),
        steps=(
            Send((Hook(source="razorpay", event="payment.captured", payment="r", event_id="one"),)),
            Send((Hook(source="razorpay", event="payment.captured", payment="r", event_id="two"),)),
            Send((Hook(source="razorpay", event="payment.captured", payment="another", event_id="one"),)),
        ),
        wanted=Wanted(
            payments=(
                _RAZORPAY_COMPLETED,
                PaymentWanted(
                    payment="another",
                    status="completed",
                    currency="INR",
                    captured_minor=10_000,
                    kept=RAZORPAY_KEPT,
                    told=("payment.completed",),
                ),
            ),
            notifications={"recorded": 2},
        ),
    ),
    Scenario(
        name="retry-after-failed-handling",
        wrong='"Received" is taken for "done": the process dies before it has handled the event, and the gateway\'s '
        "retry is skipped as a duplicate for ever.",
        right="What was received is recorded after the crash, and the retry changes nothing.",
        sources=(STRIPE, RAZORPAY),
        steps=(Crash((_STRIPE_PAID, _RAZORPAY_PAID)), Send((_STRIPE_PAID, _RAZORPAY_PAID))),
        wanted=Wanted(payments=(_STRIPE_COMPLETED, _RAZORPAY_COMPLETED), notifications={"recorded": 2}),
    ),
    Scenario(
        name="overlapping-capture-events",
        wrong="Several events tell of one capture, and each is counted as a payment.",
        right="One capture, whichever event tells of it, in whatever order; it is told once.",
        sources=(STRIPE, RAZORPAY),
        steps=(
            Orders(
                (
                    _STRIPE_PAID,
                    Hook(source="stripe", event="charge.succeeded", payment="s"),
                    Hook(source="stripe", event="checkout.session.completed", payment="s"),
                )
            ),
            Orders((_RAZORPAY_PAID, Hook(source="razorpay", event="order.paid", payment="r"))),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="completed",
                    currency="USD",
                    captured_minor=10_000,
                    told=("payment.completed",),
                    may=("payment.created",),
                ),
                _RAZORPAY_COMPLETED,
            ),
            notifications={"recorded": 6 * 3 + 2 * 2},
        ),
    ),
    Scenario(
        name="partial-refund-told-twice",
        wrong="One partial refund is told by the refund's event, by the charge's running total and by the API, and "
        "booked each time.",
        right="One refund, once in the ledger; running totals are a check and never added.",
        sources=(STRIPE, RAZORPAY, MOLLIE),
        steps=(
            Orders(
                (
                    _STRIPE_PAID,
                    Hook(source="stripe", event="refund.updated", payment="s", refund_minor=3_000, after_s=60),
                    Hook(source="stripe", event="charge.refunded", payment="s", refund_minor=3_000, after_s=60),
                )
            ),
            Send(
                (
                    _RAZORPAY_PAID,
                    Hook(source="razorpay", event="refund.created", payment="r", refund_minor=3_000, after_s=60),
                    Hook(source="razorpay", event="refund.processed", payment="r", refund_minor=3_000, after_s=61),
                    Hook(source="razorpay", event="refund.processed", payment="r", refund_minor=3_000, after_s=62),
                )
            ),
            Tell(source="mollie", payment="m", status="paid", refund_minor=3_000),
            Send((Hook(source="mollie", event="payment", payment="m"),), times=2),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="partially_refunded",
                    currency="USD",
                    captured_minor=10_000,
                    refunded_minor=3_000,
                    told=("refund.completed",),
                    may=("payment.created", "payment.completed"),
                ),
                PaymentWanted(
                    payment="r",
                    status="partially_refunded",
                    currency="INR",
                    captured_minor=10_000,
                    kept=RAZORPAY_KEPT,
                    refunded_minor=3_000,
                    told=("payment.completed", "refund.created", "refund.completed"),
                ),
                PaymentWanted(
                    payment="m",
                    status="partially_refunded",
                    currency="EUR",
                    captured_minor=10_000,
                    refunded_minor=3_000,
                    told=("payment.completed", "refund.completed"),
                ),
            ),
            notifications={"recorded": 6 * 3 + 4 + 1, "fetched": 1},
        ),
    ),
    Scenario(
        name="replay-has-no-effect",
        wrong="Replaying stored events after a fix books them and tells of them a second time.",
        right="What is read again says what it said before, and changes nothing.",
        sources=(STRIPE, ADYEN),
        steps=(
            Send(
                (
                    _STRIPE_PAID,
                    Hook(source="stripe", event="refund.updated", payment="s", after_s=60),
                    Hook(source="adyen", event="AUTHORISATION", payment="a"),
                    Hook(source="adyen", event="CAPTURE", payment="a"),
                )
            ),
            Replay(),
            Replay(),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="refunded",
                    currency="USD",
                    captured_minor=10_000,
                    refunded_minor=10_000,
                    told=("payment.completed", "refund.completed"),
                ),
                PaymentWanted(
                    payment="a",
                    status="completed",
                    currency="EUR",
                    captured_minor=10_000,
                    told=("payment.authorized", "payment.completed"),
                ),
            ),
            notifications={"recorded": 4},
        ),
    ),
)
