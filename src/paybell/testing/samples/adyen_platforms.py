"""Adyen's webhooks for platforms."""

from collections.abc import Callable
from typing import Final

from paybell.gateways.adyen.facts import EXPONENTS
from paybell.gateways.kit.amounts import from_iso
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, base64_hmac, encode, json_headers

_SECRET: Final = "FEDCBA9876543210" * 4  # invented


def _event(asked: Asked, data: Json) -> Json:
    return {
        "data": {"balancePlatform": "ExamplePlatform", **data},
        "environment": "live" if asked.livemode else "test",
        "timestamp": asked.time("%Y-%m-%dT%H:%M:%S+00:00"),
        "type": asked.event.partition(" ")[0],
    }


def _transfer(status: str, operation: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        is_refund = operation == "refund"
        minor = asked.refund_minor if is_refund else asked.amount_minor
        made_up = asked.tag(asked.payment_id, operation).upper()
        return _event(
            asked,
            {
                "id": (is_refund and asked.refund_id) or made_up,
                "amount": {"currency": asked.currency, "value": from_iso(minor, asked.currency, EXPONENTS)},
                "balanceAccount": {"id": "BA00000000000000000000001"},
                "category": "platformPayment",
                "categoryData": {
                    "modificationPspReference": made_up,
                    "paymentMerchantReference": asked.order_id,
                    "platformPaymentType": "Remainder",
                    "pspPaymentReference": asked.payment_id,
                    "type": "platformPayment",
                },
                "creationDate": asked.time(at_s=asked.started_at_s),
                "direction": "outgoing" if is_refund else "incoming",
                "status": status,
                "type": operation,
            },
        )

    return build


def _payout(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return _event(
            asked,
            {
                "id": asked.tag(asked.payment_id, "payout").upper(),
                "amount": {
                    "currency": asked.currency,
                    "value": from_iso(asked.amount_minor, asked.currency, EXPONENTS),
                },
                "category": "bank",
                "direction": "outgoing",
                "reason": "approved" if status != "returned" else "counterpartyAccountClosed",
                "status": status,
                "type": "bankTransfer",
            },
        )

    return build


def _account_holder(asked: Asked) -> Json:
    return _event(asked, {"accountHolder": {"id": "AH00000000000000000000001", "status": "active"}})


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = base64_hmac(bytes.fromhex(asked.secret), body)
    return SignedRequest(json_headers(("hmacsignature", signature), ("protocol", "HmacSHA256")), body)


_UPDATED: Final = "balancePlatform.transfer.updated"
PRETENDER: Final = Pretender(
    name="adyen_platforms",
    builders={
        f"{_UPDATED} captured": _transfer("captured", "capture"),
        f"{_UPDATED} authorised": _transfer("authorised", "payment"),
        f"{_UPDATED} refunded": _transfer("refunded", "refund"),
        f"{_UPDATED} chargeback": _transfer("chargeback", "chargeback"),
        "balancePlatform.transfer.created payout": _payout("received"),
        f"{_UPDATED} booked": _payout("booked"),
        f"{_UPDATED} returned": _payout("returned"),
        "balancePlatform.transfer.created": _transfer("received", "payment"),
        "balancePlatform.accountHolder.created": _account_holder,
    },
    sign=_sign,
    signature_at="header:hmacsignature",
    payment_id="QFQTPCQ8HXSKGK82",
    currency="EUR",
    secret=_SECRET,
)
"""Adyen for Platforms, offline."""
