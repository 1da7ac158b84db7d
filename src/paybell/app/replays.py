"""Replays put together: what an endpoint wants is said by route."""

from typing import Final

from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.replay.rules import Wishes
from paybell.route.filters import Payload
from paybell.route.rules import takes, wants


def _wants_message(endpoint: Endpoint, message: Message) -> bool:
    sent = not endpoint.options.polled and wants(endpoint, message.event_type)
    return sent and takes(endpoint, message, Payload(message.payload))


WISHES: Final = Wishes(_wants_message, wants)
"""As messages are routed when they are made."""
