"""What comes in another order than it happened."""

from typing import Final

from paybell.testing.scenarios.accounts import ADYEN, RAZORPAY, RAZORPAY_KEPT, STRIPE, STRIPE_KEPT_OF_DISPUTE
from paybell.testing.scenarios.script import Hook, Orders, PaymentWanted, Scenario, Send, Wanted

_HOUR_S: Final = 3_600


def _stripe(event: str, after_s: int = 0, refund_minor: int = 0) -> Hook:
    return Hook(source="stripe", event=event, payment="s", after_s=after_s, refund_minor=refund_minor)


def _razorpay(event: str, after_s: int = 0, refund_minor: int = 0) -> Hook:
    return Hook(source="razorpay", event=event, payment="r", after_s=after_s, refund_minor=refund_minor)


def _adyen(event: str, after_s: int = 0, refund_minor: int = 0) -> Hook:
    return Hook(source="adyen", event=event, payment="a", after_s=after_s, refund_minor=refund_minor)


SCENARIOS: Final = (
    Scenario(
        name="failed-then-paid",
        wrong="A failed attempt and the one that succeeds come in the same second, in either order; whichever comes "
        "last decides, and a paid order is canceled.",
        right="Paid, in both orders; a failure is told only where it was known first.",
        sources=(STRIPE, RAZORPAY),
        steps=(
            Orders((_stripe("payment_intent.payment_failed"), _stripe("payment_intent.succeeded"))),
            Orders((_razorpay("payment.failed"), _razorpay("payment.captured"))),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="completed",
                    currency="USD",
                    captured_minor=10_000,
                    told=("payment.completed",),
                    may=("payment.failed",),
                ),
                PaymentWanted(
                    payment="r",
                    status="completed",
                    currency="INR",
                    captured_minor=10_000,
                    kept=RAZORPAY_KEPT,
                    told=("payment.completed",),
                    may=("payment.failed",),
                ),
            ),
            notifications={"recorded": 8},
        ),
    ),
    Scenario(
        name="paid-before-created",
        wrong="The event of success comes before the one of creation; it is refused for want of its parent, or the "
        "creation puts the payment back.",
        right="Completed in either order, and told once.",
        sources=(STRIPE, ADYEN),
        steps=(
            Orders((_stripe("payment_intent.created"), _stripe("payment_intent.succeeded", 1))),
            Orders((_adyen("AUTHORISATION"), _adyen("CAPTURE"))),
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
                PaymentWanted(
                    payment="a",
                    status="completed",
                    currency="EUR",
                    captured_minor=10_000,
                    told=("payment.completed",),
                    may=("payment.authorized",),
                ),
            ),
            notifications={"recorded": 8},
        ),
    ),
    Scenario(
        name="refund-before-payment",
        wrong="A refund whose payment is not known yet is dropped, or fails on a foreign key until the gateway gives "
        "up.",
        right="It waits as part of a payment that is marked incomplete, and counts when the payment comes.",
        sources=(ADYEN,),
        steps=(Orders((_adyen("AUTHORISATION"), _adyen("CAPTURE"), _adyen("REFUND", 60, 3_000))),),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="a",
                    status="partially_refunded",
                    currency="EUR",
                    captured_minor=10_000,
                    refunded_minor=3_000,
                    told=("payment.completed", "refund.completed"),
                    may=("payment.created", "payment.authorized"),
                ),
            ),
            notifications={"recorded": 18},
        ),
    ),
    Scenario(
        name="late-failure-after-capture",
        wrong="A failure that comes late undoes a payment that was captured.",
        right="Money that came stays; nobody is told of a failure.",
        sources=(STRIPE, RAZORPAY),
        steps=(
            Send((_stripe("payment_intent.succeeded"), _razorpay("payment.captured"))),
            Send((_stripe("payment_intent.payment_failed", 900), _razorpay("payment.failed", 900))),
            Send((_stripe("payment_intent.canceled", 1_800),)),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="completed",
                    currency="USD",
                    captured_minor=10_000,
                    told=("payment.completed",),
                ),
                PaymentWanted(
                    payment="r",
                    status="completed",
                    currency="INR",
                    captured_minor=10_000,
                    kept=RAZORPAY_KEPT,
                    told=("payment.completed",),
                ),
            ),
            notifications={"recorded": 5},
        ),
    ),
    Scenario(
        name="chargeback-then-late-paid",
        wrong='A chargeback is followed by a late "paid", which puts the order back to paid.',
        right="Charged back, with the loss in the ledger; the late event changes nothing.",
        sources=(STRIPE, ADYEN),
        steps=(
            Send((_stripe("payment_intent.succeeded"), _adyen("AUTHORISATION"), _adyen("CAPTURE"))),
            Send((_stripe("charge.dispute.created", _HOUR_S), _adyen("CHARGEBACK", _HOUR_S))),
            Send((_stripe("charge.dispute.closed", 2 * _HOUR_S), _adyen("SECOND_CHARGEBACK", 2 * _HOUR_S))),
            Send((_stripe("charge.succeeded", 3 * _HOUR_S), _stripe("payment_intent.succeeded", 3 * _HOUR_S))),
            Send((_adyen("CAPTURE", 3 * _HOUR_S), _adyen("AUTHORISATION", 3 * _HOUR_S))),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="charged_back",
                    currency="USD",
                    captured_minor=10_000,
                    lost_minor=10_000,
                    kept=STRIPE_KEPT_OF_DISPUTE,
                    told=("payment.completed", "dispute.opened", "dispute.lost"),
                ),
                PaymentWanted(
                    payment="a",
                    status="charged_back",
                    currency="EUR",
                    captured_minor=10_000,
                    lost_minor=10_000,
                    told=("payment.authorized", "payment.completed", "dispute.opened", "dispute.lost"),
                ),
            ),
            notifications={"recorded": 5 + 4},
        ),
    ),
    Scenario(
        name="refund-fails-after-success",
        wrong="A refund that the bank sends back stays refunded, since it had succeeded.",
        right="A failure ranks above success, in every order; the ledger takes the refund back with its own posting.",
        sources=(STRIPE, ADYEN),
        steps=(
            Orders(
                (
                    _stripe("payment_intent.succeeded"),
                    _stripe("refund.updated", 60, 3_000),
                    _stripe("refund.failed", _HOUR_S, 3_000),
                )
            ),
            Send((_adyen("AUTHORISATION"), _adyen("CAPTURE"))),
            Send((_adyen("REFUND", 60, 3_000), _adyen("REFUND_FAILED", _HOUR_S, 3_000))),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="completed",
                    currency="USD",
                    captured_minor=10_000,
                    told=("payment.completed", "refund.failed"),
                    may=("payment.created", "refund.completed"),
                ),
                PaymentWanted(
                    payment="a",
                    status="completed",
                    currency="EUR",
                    captured_minor=10_000,
                    told=("payment.authorized", "payment.completed", "refund.completed", "refund.failed"),
                ),
            ),
            notifications={"recorded": 18 + 4},
        ),
    ),
    Scenario(
        name="events-at-once",
        wrong="All events of one payment come in the same moment; a fixed delay is set against the race, and one day "
        "it is too short.",
        right="Whoever is first, each is recorded under the payment's lock, and the payment is completed once.",
        sources=(STRIPE,),
        steps=(
            Send(
                (
                    _stripe("payment_intent.created"),
                    _stripe("payment_intent.processing"),
                    _stripe("payment_intent.succeeded"),
                    _stripe("charge.succeeded"),
                    _stripe("checkout.session.completed"),
                ),
                times=5,
                at_once=True,
            ),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="completed",
                    currency="USD",
                    captured_minor=10_000,
                    told=("payment.completed",),
                    may=("payment.created", "payment.processing"),
                ),
            ),
            notifications={"recorded": 5},
        ),
    ),
    Scenario(
        name="order-shuffle",
        wrong="State follows the order of arrival: dedupe by event id and let the last one win, and most histories "
        "that arrive shuffled end wrong.",
        right="One history in many orders, with duplicates, gives one state and one set of balances.",
        sources=(STRIPE, RAZORPAY, ADYEN),
        steps=(
            Orders(
                (
                    _stripe("payment_intent.created"),
                    _stripe("payment_intent.payment_failed", 10),
                    _stripe("charge.succeeded", 20),
                    _stripe("payment_intent.succeeded", 20),
                    _stripe("refund.updated", 90, 3_000),
                )
            ),
            Orders(
                (
                    _razorpay("payment.authorized"),
                    _razorpay("payment.captured", 5),
                    _razorpay("refund.created", 60, 3_000),
                    _razorpay("refund.processed", 90, 3_000),
                )
            ),
            Orders((_adyen("AUTHORISATION"), _adyen("CAPTURE", 5), _adyen("CHARGEBACK"), _adyen("SECOND_CHARGEBACK"))),
        ),
        wanted=Wanted(
            payments=(
                PaymentWanted(
                    payment="s",
                    status="partially_refunded",
                    currency="USD",
                    captured_minor=10_000,
                    refunded_minor=3_000,
                    told=("payment.completed", "refund.completed"),
                    may=("payment.created", "payment.failed"),
                ),
                PaymentWanted(
                    payment="r",
                    status="partially_refunded",
                    currency="INR",
                    captured_minor=10_000,
                    kept=RAZORPAY_KEPT,
                    refunded_minor=3_000,
                    told=("payment.completed", "refund.completed"),
                    may=("payment.created", "payment.authorized", "refund.created"),
                ),
                PaymentWanted(
                    payment="a",
                    status="charged_back",
                    currency="EUR",
                    captured_minor=10_000,
                    lost_minor=10_000,
                    told=("payment.completed", "dispute.lost"),
                    may=("payment.created", "payment.authorized", "dispute.opened"),
                ),
            ),
            notifications={"recorded": 24 * 5 + 24 * 4 + 24 * 4},
        ),
    ),
)
