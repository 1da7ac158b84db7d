"""What Stripe's objects say is true.

The same operation has the same kind and ref whichever object reports it: a capture is its charge, whether the intent or
the charge tells of it. Old API versions nest charges in intents (``charges.data``) and refunds in charges.
"""

from collections.abc import Callable, Mapping
from typing import Final

from paybell.gateways.kit.payloads import Record, text
from paybell.gateways.stripe import charges, intents
from paybell.gateways.stripe.pieces import Found

_READERS: Final[Mapping[str, Callable[[Record, str, int], Found]]] = {
    "payment_intent": intents.read_intent,
    "checkout.session": intents.read_session,
    "charge": charges.read_charge,
    "refund": charges.read_refund,
    "dispute": charges.read_dispute,
}


def read(thing: Record, event: str, at_ms: int) -> Found:
    """Facts of one object. ``event`` is the event's name, ``at_ms`` its time."""
    name = text(thing.get("object"))
    reader = _READERS.get(name)
    if reader is None:
        return Found(reason=f"objects of type {name!r} say nothing about a payment (yet)")
    return reader(thing, event, at_ms)
