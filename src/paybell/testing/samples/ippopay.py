"""IppoPay's notifications (their shape is ours: none is published) and its API's answer, which is documented."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from paybell.model.money import to_major
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers
from paybell.testing.samples.generic import signature_headers


def ippopay_transaction(
    *,
    order_id: str,
    trans_id: str,
    status: str,
    paid: Decimal | str,
    at_s: int = 1_750_000_000,
    refund_status: str = "not_requested",
    refunded: Decimal | str = "",
) -> bytes:
    """The body with which ``GET /v1/order/{order_id}/transaction`` answers; amounts in major units of INR.

    ``refunded`` is left out where it is '', as the documents do.
    """
    time = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    transaction = {
        "trans_id": trans_id,
        "order_id": order_id,
        "customer": {
            "phone": {"country_code": "+91", "national_number": "0000000001"},
            "name": "Pat Example",
            "email": "pat@example.com",
        },
        "cost": {"paid": Decimal(paid), "settled": Decimal(0)},
        "refund_status": refund_status,
        **({"refund_amt": Decimal(refunded)} if refunded else {}),
        "status": status,
        "failure_reason": "Declined by the bank" if status.startswith("fail") else "",
        "product": "order",
        "gateway": {"payment_mode": {"pay_mode": "UPI", "pay_mode_id": "upi"}},
        "updatedAt": time,
        "createdAt": time,
    }
    return encode({"success": True, "message": "Transaction details", "data": {"transaction": transaction}})


def _notification(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        return {
            "order_id": asked.payment_id,
            "trans_id": asked.event_id or f"trans_{asked.tag(asked.payment_id)}",
            "status": status,
            "amount": to_major(asked.amount_minor, asked.currency),
            "currency": asked.currency,
        }

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    """With nothing but the token; signed too where the source has a verifier."""
    body = encode(value)
    verifier = asked.options.get("verifier")
    signed: tuple[tuple[str, str], ...] = ()
    if isinstance(verifier, dict):
        described = {("signedTemplate" if name == "template" else name): each for name, each in verifier.items()}
        signed = signature_headers(asked, body, described)
    return SignedRequest(json_headers(*signed), body, asked.token)


PRETENDER: Final = Pretender(
    name="ippopay",
    builders={
        "order.success": _notification("success"),
        "order.failure": _notification("failure"),
        "order.pending": _notification("pending"),
    },
    sign=_sign,
    signature_at="token",
    payment_id="order_example1",
    currency="INR",
)
"""IppoPay, offline. The payment is the order: ``payment_id`` is the order id, and ``token`` ends the URL."""
