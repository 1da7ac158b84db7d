"""Adyen's standard webhooks."""

from collections.abc import Callable
from typing import Final

from paybell.gateways.adyen.facts import EXPONENTS
from paybell.gateways.kit.amounts import from_iso
from paybell.gateways.kit.payloads import child
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, base64_hmac, encode, json_headers

_SECRET: Final = "0123456789ABCDEF" * 4  # invented

_Build = Callable[[Asked], Json]


def _item(asked: Asked, reference: str, *, amount_minor: int, good: bool = True) -> dict[str, object]:
    return {
        "amount": {"currency": asked.currency, "value": from_iso(amount_minor, asked.currency, EXPONENTS)},
        "eventCode": asked.event.removesuffix(".refused"),
        "eventDate": asked.time("%Y-%m-%dT%H:%M:%S+00:00"),
        "merchantAccountCode": "ExampleECOM",
        "merchantReference": asked.order_id,
        "paymentMethod": "visa",
        "pspReference": reference,
        "reason": "" if good else "Refused",
        "success": "true" if good else "false",
    }


def _payment(*, good: bool = True) -> _Build:
    return lambda asked: _item(asked, asked.payment_id, amount_minor=asked.amount_minor, good=good)


def _modification(word: str, *, refund: bool = False, good: bool = True) -> _Build:
    """An operation of its own on the payment; those of one ``word`` have one reference."""

    def build(asked: Asked) -> Json:
        made_up = asked.tag(asked.payment_id, word).upper()
        reference = (asked.refund_id or made_up) if refund else made_up
        amount_minor = asked.refund_minor if refund else asked.amount_minor
        return {
            **_item(asked, reference, amount_minor=amount_minor, good=good),
            "originalReference": asked.payment_id,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    amount = child(value, "amount")
    fields = (
        value["pspReference"],
        value.get("originalReference", ""),
        value["merchantAccountCode"],
        value["merchantReference"],
        amount["value"],
        amount["currency"],
        value["eventCode"],
        value["success"],
    )
    signature = base64_hmac(bytes.fromhex(asked.secret), ":".join(map(str, fields)).encode())
    item = {**value, "additionalData": {"hmacSignature": signature}}
    live = "true" if asked.livemode else "false"
    return SignedRequest(
        json_headers(), encode({"live": live, "notificationItems": [{"NotificationRequestItem": item}]})
    )


PRETENDER: Final = Pretender(
    name="adyen",
    builders={
        "AUTHORISATION": _payment(),
        "AUTHORISATION.refused": _payment(good=False),
        "CAPTURE": _modification("capture"),
        "CAPTURE_FAILED": _modification("capture"),
        "CANCELLATION": _modification("cancel"),
        "TECHNICAL_CANCEL": _modification("cancel"),
        "CANCEL_OR_REFUND": _modification("reversal"),
        "EXPIRE": _payment(),
        "REFUND": _modification("refund", refund=True),
        "REFUND.refused": _modification("refund", refund=True, good=False),
        "REFUND_FAILED": _modification("refund", refund=True),
        "REFUNDED_REVERSED": _modification("refund", refund=True),
        "NOTIFICATION_OF_CHARGEBACK": _modification("dispute"),
        "CHARGEBACK": _modification("dispute"),
        "CHARGEBACK_REVERSED": _modification("dispute"),
        "SECOND_CHARGEBACK": _modification("dispute"),
        "PAYOUT_THIRDPARTY": _payment(),
        "PAYOUT_THIRDPARTY.refused": _payment(good=False),
        "PAYOUT_DECLINE": _modification("decline"),
        "PAIDOUT_REVERSED": _modification("payout reversal"),
        "REPORT_AVAILABLE": _payment(),
    },
    sign=_sign,
    signature_at="json:/notificationItems/0/NotificationRequestItem/additionalData/hmacSignature",
    payment_id="QFQTPCQ8HXSKGK82",
    currency="EUR",
    secret=_SECRET,
)
"""Adyen, offline."""
