"""Let the endpoint's own code change what a try sends: before the format and the signature, anew for each try."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from paybell.deliver.rules import TRANSFORM
from paybell.errors import NotFound
from paybell.model.delivery import Canceled, DeliveryJob, Failed
from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.ports import Fault, Transformer, Webhook

_CANCELED: Final = Canceled(reason="canceled by its transformation: nothing was sent")


class Messages(Protocol):
    """Where the channels of a message stand."""

    async def message_lookup(self, organisation_id: str, application_id: str, name: str) -> Message:
        """See :class:`~paybell.ports.Store`."""
        ...


class Shaped(Struct, frozen=True, kw_only=True):
    """The delivery with the payload to send, and the endpoint with the headers to send."""

    job: DeliveryJob
    endpoint: Endpoint


Shape = Callable[[DeliveryJob, Endpoint], Awaitable[Shaped | Failed | Canceled]]


async def unshaped(_job: DeliveryJob, _endpoint: Endpoint) -> Shaped | Failed | Canceled:
    """Where nobody runs transformations, what needs one waits for a process that does."""
    return Failed(phase=TRANSFORM, reason="this process runs no transformations")


class Shaper:
    """Runs transformations; each try computes the same from the same message, so nothing of it is kept."""

    def __init__(self, messages: Messages, transformer: Transformer, *, timeout_s: float) -> None:
        """``timeout_s`` is for a whole try, of which this is the first part."""
        self._messages = messages
        self._transformer = transformer
        self._timeout_s = timeout_s

    async def shape(self, job: DeliveryJob, endpoint: Endpoint) -> Shaped | Failed | Canceled:
        """What to send, or why not."""
        webhook, code = await self._webhook(job, endpoint), endpoint.options.transformation
        try:
            async with asyncio.timeout(self._timeout_s):
                made = await self._transformer.transform(code, webhook, owner=job.application_id)
        except TimeoutError:
            return Failed(phase=TRANSFORM, reason=f"it was not done within {self._timeout_s:g} s")
        if isinstance(made, Fault):
            return Failed(phase=TRANSFORM, reason=made.text())
        if made.canceled:
            return _CANCELED
        own = {name.lower() for name, _ in made.headers}
        kept = tuple(it for it in endpoint.headers if it[0].lower() not in own)
        return Shaped(
            job=replace(job, payload=made.payload),
            endpoint=replace(endpoint, headers=kept + made.headers),
        )

    async def _webhook(self, job: DeliveryJob, endpoint: Endpoint) -> Webhook:
        try:
            message = await self._messages.message_lookup(job.organisation_id, job.application_id, job.message_id)
            channels = tuple(sorted(message.channels))
        except NotFound:  # retention took it a moment ago
            channels = ()
        return Webhook(
            id=job.message_id,
            event_type=job.event_type,
            payload=job.payload,
            channels=channels,
            url=endpoint.url,
            at_ms=job.told_at_ms,
        )
