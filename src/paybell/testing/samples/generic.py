"""A sender that speaks the envelope Paybell itself sends, or what the source's options describe."""

from collections.abc import Callable, Mapping
from typing import Final

from paybell.gateways.generic.reading import POINTERS
from paybell.gateways.kit import options
from paybell.model.money import to_major
from paybell.testing.pretender import (
    Asked,
    Json,
    Pretender,
    SignedRequest,
    base64_hmac,
    encode,
    hex_hmac,
    json_headers,
)

HEADER: Final = "X-Paybell-Signature"
_STATUSES: Final = {
    "payment.created": "created",
    "payment.processing": "processing",
    "payment.authorized": "authorized",
    "payment.updated": "completed",
    "payment.completed": "completed",
    "payment.failed": "failed",
    "payment.canceled": "canceled",
    "payment.expired": "expired",
    "payment.refunded": "refunded",
}


def _envelope(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        body: dict[str, object] = {}
        for option, value in _values(asked, status).items():
            pointer = options.text_option(asked.options, option, POINTERS.get(option, ""))
            if pointer:
                _put(body, pointer.split("/")[1:], value)
        return body

    return build


def _values(asked: Asked, status: str) -> Mapping[str, object]:
    """What stands at each place."""
    minor = asked.refund_minor if status == "refunded" else asked.amount_minor
    in_minor = asked.options.get("amountUnit") == "minor"
    return {
        "eventPointer": asked.event,
        "timestampPointer": asked.time(),
        "idPointer": asked.event_id or f"evt_{asked.tag(asked.event, asked.payment_id, str(asked.at_s))}",
        "paymentIdPointer": asked.payment_id,
        "statusPointer": _their_word(status, asked.options.get("statusMap")),
        "amountPointer": minor if in_minor else to_major(minor, asked.currency),
        "currencyPointer": asked.currency,
        "orderIdPointer": asked.order_id,
        "refundIdPointer": asked.refund_id or f"re_{asked.tag(asked.payment_id, 'refund')}",
    }


def _their_word(status: str, words: object) -> str:
    own = words if isinstance(words, dict) else {}
    return next((str(theirs) for theirs, ours in own.items() if ours == status), status)


def _put(place: dict[str, object], way: list[str], value: object) -> None:
    """Set what is at a JSON pointer; objects on the way to it are made."""
    *parts, last = [part.replace("~1", "/").replace("~0", "~") for part in way]
    for part in parts:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):  # two options that name one place: the later one has it
            inner = place[part] = {}
        place = inner
    place[last] = value


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(*signature_headers(asked, body, asked.options)), body)


def signature_headers(asked: Asked, body: bytes, described: options.Options) -> tuple[tuple[str, str], ...]:
    """The headers that sign a body as a source's options describe it."""
    scheme = options.scheme(described)
    time = str(asked.at_s)
    template = scheme.template.replace("{timestamp}", time).encode()
    before, _, after = template.partition(b"{body}")
    write = hex_hmac if scheme.encoding == "hex" else base64_hmac
    signature = scheme.prefix + write(asked.secret, before + body + after, scheme.algorithm)
    timed = ((scheme.timestamp_header, time),) if scheme.timestamp_header else ()
    return (*timed, (scheme.header, signature))


PRETENDER: Final = Pretender(
    name="generic",
    builders={event: _envelope(status) for event, status in _STATUSES.items()},
    sign=_sign,
    signature_at="header:x-paybell-signature",
    payment_id="pay_example1",
    currency="USD",
    options={"header": HEADER},
)
"""A generic sender, offline."""
