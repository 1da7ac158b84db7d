"""Decide what a transformation is given and what its answer means. Pure."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from paybell.errors import ConfigurationError
from paybell.ports import Fault, Transformed, Webhook

_METHOD: Final = "POST"
_GIVEN: Final = frozenset({"id", "eventType", "payload", "channels", "url", "method", "headers", "cancel"})
_HEADERS_MAX: Final = 32
_HEADERS_CHARS_MAX: Final = 16_384
_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa0-\xff]{0,4096}")
_FIXED: Final = ("id", "eventType", "channels", "url", "method")

CheckHeaders = Callable[[tuple[tuple[str, str], ...]], None]
"""Refuses, with ``ConfigurationError``, headers that nobody but Paybell may set."""


def given(webhook: Webhook) -> dict[str, Any]:
    """The dictionary that the handler takes; the payload goes in as the bytes it is."""
    return {
        "id": webhook.id,
        "eventType": webhook.event_type,
        "payload": msgspec.Raw(webhook.payload),
        "channels": list(webhook.channels),
        "url": webhook.url,
        "method": _METHOD,
        "headers": {},
        "cancel": False,
    }


def read(
    text: str, webhook: Webhook, *, same: bool, payload_bytes_max: int, check_headers: CheckHeaders
) -> Transformed | Fault:
    """What the handler's answer (JSON) asks for; ``same`` says that its payload is the one it was given."""
    try:
        answer = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return Fault(reason="handler must return the webhook, a dictionary without NaN or Infinity")
    for name in _FIXED:
        if name in answer and _decoded(answer[name]) != _decoded(msgspec.json.encode(given(webhook)[name])):
            return Fault(reason=f"a transformation may change payload, headers and cancel; it changed {name}")
    if unknown := sorted(answer.keys() - _GIVEN):
        return Fault(reason=f"a webhook has no {unknown[0][:64]!r}")
    match _decoded(answer.get("cancel", b"false")):
        case True:
            return Transformed(payload=webhook.payload, canceled=True)
        case False:
            pass
        case _:
            return Fault(reason="the webhook's cancel must be True or False")
    payload = webhook.payload if same else bytes(answer.get("payload", b"null"))
    if not payload.lstrip().startswith(b"{"):
        return Fault(reason="the webhook's payload must be a dictionary")
    if len(payload) > payload_bytes_max:
        return Fault(reason=f"its payload has {len(payload)} bytes; at most {payload_bytes_max} can be sent")
    return _with_headers(payload, answer.get("headers", msgspec.Raw(b"{}")), check_headers)


def _with_headers(payload: bytes, raw: msgspec.Raw, check_headers: CheckHeaders) -> Transformed | Fault:
    try:
        headers = tuple(msgspec.json.decode(raw, type=dict[str, str]).items())
        check_headers(headers)
    except msgspec.ValidationError:
        return Fault(reason="the webhook's headers must be a dictionary of texts")
    except ConfigurationError as error:
        return Fault(reason=f"its headers: {error}")
    if not all(_VALUE.fullmatch(value) for _, value in headers):
        return Fault(reason="a header's value is up to 4,096 Latin-1 characters; encode what is not")
    if len({name.lower() for name, _ in headers}) < len(headers):
        return Fault(reason="two of its headers have the same name")
    if len(headers) > _HEADERS_MAX or sum(len(name) + len(value) for name, value in headers) > _HEADERS_CHARS_MAX:
        return Fault(reason=f"it may add {_HEADERS_MAX} headers, of {_HEADERS_CHARS_MAX} characters altogether")
    return Transformed(payload=payload, headers=headers)


def _decoded(raw: msgspec.Raw | bytes) -> Any:
    return msgspec.json.decode(raw)
