"""Authorize.Net's notifications, and what its API answers."""

from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def authorizenet_details(asked: Asked, kind: str, status: str) -> bytes:
    """How ``getTransactionDetailsRequest`` is answered, with the mark that the API puts before it."""
    refund = kind == "refundTransaction"
    transaction = {
        "transId": _refund_id(asked) if refund else asked.payment_id,
        "submitTimeUTC": asked.time(),
        "transactionType": kind,
        "transactionStatus": status,
        "responseCode": 1,
        "authAmount": asked.refund if refund else asked.amount,
        "settleAmount": asked.refund if refund else asked.amount,
        "order": {"invoiceNumber": asked.order_id},
        **({"refTransId": asked.payment_id} if refund else {}),
    }
    messages = {"resultCode": "Ok", "message": [{"code": "I00001", "text": "Successful."}]}
    return b"\xef\xbb\xbf" + encode({"transaction": transaction, "messages": messages})


def _refund_id(asked: Asked) -> str:
    return asked.refund_id or f"7{int(asked.tag(asked.payment_id)[:8], 16)}"


def _event(code: int = 1, *, name: str = "", refund: bool = False) -> Callable[[Asked], Json]:
    return lambda asked: {
        "notificationId": asked.event_id or f"ntf-{asked.tag(asked.event, asked.payment_id, str(asked.at_s))}",
        "eventType": f"net.authorize.payment.{name or asked.event}",
        "eventDate": asked.time("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "webhookId": "00000000-0000-4000-8000-000000000002",
        "payload": {
            "responseCode": code,
            "authCode": "EXAMPL",
            "avsResponse": "Y",
            "authAmount": asked.refund if refund else asked.amount,
            "invoiceNumber": asked.order_id,
            "entityName": "transaction",
            "id": _refund_id(asked) if refund else asked.payment_id,
        },
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = "sha512=" + hex_hmac(asked.secret, body, "sha512").upper()
    return SignedRequest(json_headers(("x-anet-signature", signature)), body)


PRETENDER: Final = Pretender(
    name="authorizenet",
    builders={
        "authcapture.created": _event(),
        "authcapture.declined": _event(2, name="authcapture.created"),
        "authorization.created": _event(),
        "priorAuthCapture.created": _event(),
        "void.created": _event(),
        "fraud.held": _event(4),
        "fraud.approved": _event(),
        "fraud.declined": _event(2),
        "refund.created": _event(refund=True),
    },
    sign=_sign,
    signature_at="header:x-anet-signature",
    payment_id="60000000001",
    currency="USD",
    secret="0123456789ABCDEF" * 8,
)
"""Authorize.Net, offline. ``authcapture.declined`` comes under the name of a success."""
