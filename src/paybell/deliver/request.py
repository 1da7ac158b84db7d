"""What a try sends: the body in the format that the endpoint asks for, and the headers. Pure.

The body is a function of the message as it is stored, so all tries carry the same bytes. The message's own JSON is
never decoded: it stands in the body as it is.
"""

from typing import Final, assert_never

from paybell.deliver.signing import sign
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint, PayloadFormat
from paybell.model.moment import rfc3339
from paybell.model.trace import traceparent_of

Headers = tuple[tuple[str, str], ...]

_JSON: Final = "application/json"
_EVENT: Final = "application/cloudevents+json"
_STANDARD: Final = b'{"type":"%b","timestamp":"%b","data":%b}'
"""Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure"""
_CLOUDEVENT: Final = (
    b'{"specversion":"1.0","id":"%b","source":"/app/%b","type":"%b","time":"%b",'
    b'"datacontenttype":"application/json","data":%b}'
)
"""Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md"""


def body_of(job: DeliveryJob, payload_format: PayloadFormat) -> bytes:
    """The body; ids and event types need no escaping, by their patterns."""
    if payload_format is PayloadFormat.PAYBELL:
        return job.payload
    event_type, told_at, data = job.event_type.encode(), rfc3339(job.told_at_ms).encode(), _data(job)
    match payload_format:
        case PayloadFormat.STANDARD:
            return _STANDARD % (event_type, told_at, data)
        case PayloadFormat.CLOUDEVENTS:
            return _CLOUDEVENT % (job.message_id.encode(), job.application_id.encode(), event_type, told_at, data)
        case _:
            assert_never(payload_format)


def headers_of(job: DeliveryJob, endpoint: Endpoint, body: bytes, now_ms: int) -> Headers:
    """All headers: the endpoint's own, then ours."""
    message_id, timestamp_s, options = job.message_id, now_ms // 1000, endpoint.options
    timestamp = str(timestamp_s)
    signature = sign(message_id, timestamp_s, body, endpoint.signing_secrets(now_ms))
    ours: Headers = (
        ("content-type", _EVENT if options.payload_format is PayloadFormat.CLOUDEVENTS else _JSON),
        ("webhook-id", message_id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
        ("traceparent", traceparent_of(message_id, job.trace, job.id, job.attempt_count + 1)),
    )
    if options.svix_headers:
        ours += (("svix-id", message_id), ("svix-timestamp", timestamp), ("svix-signature", signature))
    return endpoint.headers + ours


def _data(job: DeliveryJob) -> bytes:
    """The payload, or what is in the envelope that Paybell's own messages come in: nobody else knows their id."""
    names = (job.message_id.encode(), job.event_type.encode(), rfc3339(job.told_at_ms).encode())
    envelope = b'{"id":"%b","event":"%b","timestamp":"%b","data":' % names
    return job.payload[len(envelope) : -1] if job.payload.startswith(envelope) else job.payload
