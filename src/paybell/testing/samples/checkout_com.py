"""Checkout.com's workflow webhooks."""

from collections.abc import Callable
from typing import Final

from paybell.gateways.checkout_com.facts import EXPONENTS
from paybell.gateways.kit.amounts import from_iso
from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, hex_hmac, json_headers


def _event(asked: Asked, data: Json) -> Json:
    event_id = asked.event_id or f"evt_{asked.tag(asked.event, asked.payment_id, str(asked.at_s), asked.refund_id)}"
    return {
        "id": event_id,
        "type": asked.event,
        "version": "1.0.0",
        "created_on": asked.time(),
        "data": data,
        "_links": {"self": {"href": f"https://api.example.com/workflows/events/{event_id}"}},
    }


def _amount(asked: Asked, minor: int) -> Json:
    return {"amount": from_iso(minor, asked.currency, EXPONENTS), "currency": asked.currency}


def _payment(word: str, code: str = "10000", summary: str = "Approved") -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        is_refund = word == "refund"
        made_up = f"act_{asked.tag(asked.payment_id, word)}"
        return _event(
            asked,
            {
                "id": asked.payment_id,
                "action_id": (is_refund and asked.refund_id) or made_up,
                "reference": asked.order_id,
                **_amount(asked, asked.refund_minor if is_refund else asked.amount_minor),
                "customer": {"id": "cus_example1", "email": "pat@example.com", "name": "Pat Example"},
                "metadata": {"paybell_user": "user_1"},
                "processed_on": asked.time(),
                "response_code": code,
                "response_summary": summary,
            },
        )

    return build


def _dispute(asked: Asked) -> Json:
    return _event(
        asked,
        {
            "id": f"dsp_{asked.tag(asked.payment_id, 'dispute')}",
            "payment_id": asked.payment_id,
            "payment_reference": asked.order_id,
            **_amount(asked, asked.amount_minor),
            "category": "fraudulent",
            "reason_code": "10.4",
            "date": asked.time(at_s=asked.started_at_s),
        },
    )


def _session(asked: Asked) -> Json:
    return _event(asked, {"session_id": asked.tag(asked.payment_id, "session"), "amount": "10000", "currency": "EUR"})


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    return SignedRequest(json_headers(("cko-signature", hex_hmac(asked.secret, body))), body)


PRETENDER: Final = Pretender(
    name="checkout_com",
    builders={
        "payment_captured": _payment("capture"),
        "payment_approved": _payment("authorization"),
        "payment_pending": _payment("authorization"),
        "payment_declined": _payment("authorization", "20005", "Declined - Do not honour"),
        "payment_voided": _payment("void"),
        "payment_canceled": _payment("cancel"),
        "payment_expired": _payment("expiry"),
        "payment_refund_pending": _payment("refund"),
        "payment_refunded": _payment("refund"),
        "payment_refund_declined": _payment("refund", "20005", "Declined - Do not honour"),
        "dispute_received": _dispute,
        "dispute_won": _dispute,
        "dispute_lost": _dispute,
        "authentication_started": _session,
    },
    sign=_sign,
    signature_at="header:cko-signature",
    payment_id="pay_example1",
    currency="USD",
)
"""Checkout.com, offline."""
