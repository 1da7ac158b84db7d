"""Endpoints that are slow, down, gone or hostile."""

from typing import Final

from paybell.testing.scenarios.accounts import GENERIC, STRIPE
from paybell.testing.scenarios.script import (
    Advance,
    EndpointWanted,
    Hook,
    Listener,
    PaymentWanted,
    Replay,
    Says,
    Scenario,
    Send,
    Turn,
    Wanted,
)

_PAYMENTS: Final = tuple(f"payment{number}" for number in range(20))
_FIRST_RETRY_S: Final = 6
_SECOND_RETRY_S: Final = 400
_ONE: Final = Hook(source="stripe", event="payment_intent.succeeded", payment="one")
_TWO: Final = Hook(source="stripe", event="payment_intent.succeeded", payment="two")


def _completed(payment: str) -> PaymentWanted:
    return PaymentWanted(
        payment=payment, status="completed", currency="USD", captured_minor=10_000, told=("payment.completed",)
    )


SCENARIOS: Final = (
    Scenario(
        name="slow-handler",
        wrong="Handlers, e-mails and HTTP run inside the webhook's request or its transaction: one that hangs makes "
        "the gateway time out and retry, and holds the database.",
        right="The gateway is answered when its request is on stable storage; the payment is recorded while the "
        "endpoint still hangs.",
        sources=(STRIPE,),
        endpoints=(Listener(name="stuck", says=(Says(hangs=True),)),),
        steps=(Send((_ONE,)),),
        wanted=Wanted(
            payments=(PaymentWanted(payment="one", status="completed", currency="USD", captured_minor=10_000),),
            notifications={"recorded": 1},
            endpoints=(EndpointWanted(name="stuck", delivered=0, waiting=1),),
        ),
    ),
    Scenario(
        name="slow-endpoint",
        wrong="One pool of workers serves all endpoints, and one that never answers takes all of them.",
        right="The others have everything while not one answer of the slow one is there.",
        sources=(GENERIC,),
        endpoints=(Listener(name="shop"), Listener(name="stuck", says=(Says(hangs=True),)), Listener(name="other")),
        steps=(
            Send(
                tuple(Hook(source="generic", event="payment.completed", payment=payment) for payment in _PAYMENTS),
                at_once=True,
            ),
        ),
        wanted=Wanted(
            payments=tuple(_completed(payment) for payment in _PAYMENTS),
            notifications={"recorded": len(_PAYMENTS)},
            endpoints=(
                EndpointWanted(delivered=len(_PAYMENTS)),
                EndpointWanted(name="stuck", delivered=0, waiting=len(_PAYMENTS)),
                EndpointWanted(name="other", delivered=len(_PAYMENTS)),
            ),
        ),
    ),
    Scenario(
        name="endpoint-down-then-up",
        wrong="What could not be delivered while the receiver was down is lost, or comes under another id.",
        right="It is tried again until it arrives, with the same id and the same bytes.",
        sources=(STRIPE,),
        endpoints=(Listener(name="shop", says=(Says(503), Says(503), Says(200))),),
        steps=(
            Turn("shop", up=False),
            Send((_ONE,)),
            Turn("shop", up=True),
            Advance(_FIRST_RETRY_S),
            Advance(_SECOND_RETRY_S),
            Advance(10 * _SECOND_RETRY_S),
        ),
        wanted=Wanted(
            payments=(_completed("one"),),
            notifications={"recorded": 1},
            endpoints=(EndpointWanted(delivered=1, requests=3),),
        ),
    ),
    Scenario(
        name="endpoint-gone-410",
        wrong="An endpoint that says it is gone for good is tried for days, or takes the others with it.",
        right="410 ends the delivery as a visible dead letter and disables the endpoint; the others go on.",
        sources=(STRIPE,),
        endpoints=(Listener(name="shop"), Listener(name="gone", says=(Says(410),))),
        steps=(Send((_ONE,)), Replay(), Send((_TWO,))),
        wanted=Wanted(
            payments=(_completed("one"), _completed("two")),
            notifications={"recorded": 2},
            endpoints=(
                EndpointWanted(delivered=2),
                EndpointWanted(name="gone", delivered=0, dead=1, requests=1, disabled=True),
            ),
        ),
    ),
    Scenario(
        name="redirect-not-followed",
        wrong="A redirect is followed, and the signed body goes wherever the endpoint's owner, or a thief, points it.",
        right="A redirect is a failed attempt; nothing goes to its target.",
        sources=(STRIPE,),
        endpoints=(
            Listener(name="shop"),
            Listener(name="moved", says=(Says(302, redirect_to="target"),)),
            Listener(name="target", subscribed=False),
        ),
        steps=(Send((_ONE,)),),
        wanted=Wanted(
            payments=(_completed("one"),),
            notifications={"recorded": 1},
            endpoints=(
                EndpointWanted(name="moved", delivered=0, waiting=1, requests=1),
                EndpointWanted(name="target", requests=0),
            ),
        ),
    ),
    Scenario(
        name="private-address-refused",
        wrong="An endpoint's URL leads into the private network, to the cloud's metadata or a database without a "
        "password.",
        right="The address is judged when the connection is opened; not one packet goes there.",
        sources=(STRIPE,),
        endpoints=(Listener(name="shop"), Listener(name="inside", host="127.0.0.2")),
        steps=(Send((_ONE,)), Advance(_FIRST_RETRY_S)),
        wanted=Wanted(
            payments=(_completed("one"),),
            notifications={"recorded": 1},
            endpoints=(EndpointWanted(name="inside", delivered=0, waiting=1, requests=0),),
        ),
    ),
)
