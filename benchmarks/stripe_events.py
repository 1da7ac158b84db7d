"""Distinct, signed ``payment_intent.succeeded`` webhooks of about 2 KB, made before a run, composed during it.

Source of the signature: Stripe's ``t=…,v1=…`` scheme, HMAC-SHA256 of ``{t}.{body}`` under the whole ``whsec_…`` text.
"""

import hmac
import json
from collections.abc import Sequence
from typing import Final, overload

SECRET: Final = "whsec_benchmark_only_not_a_real_secret"
_NUMBER: Final = "%NUMBER%"


def payment_id(number: int) -> str:
    """The gateway's id of the payment in event ``number``."""
    return f"pi_bench{number:012d}"


class StripeEvents(Sequence[bytes]):
    """Whole HTTP requests: number ``i`` posts the success of payment ``i`` to ``path``. Only signatures are kept."""

    def __init__(self, count: int, *, path: str, host: str, signed_at_s: int) -> None:
        """Sign ``count`` events, about 10 µs each."""
        self._parts = _body(signed_at_s).split(_NUMBER.encode())
        key, stamp = SECRET.encode(), f"{signed_at_s}.".encode()
        bodies = (self._body(number) for number in range(count))
        self._signatures = [hmac.digest(key, stamp + body, "sha256").hex().encode() for body in bodies]
        self.body_bytes = len(self._body(0))
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: {host}",
            "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept: */*; q=0.5, application/xml",
            "Content-Type: application/json; charset=utf-8",
            f"Content-Length: {self.body_bytes}",
            f"Stripe-Signature: t={signed_at_s},v1=",
        )
        self._head = "\r\n".join(lines).encode()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._signatures)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        """Compose a request, about 1 µs."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return b"".join((self._head, self._signatures[index], b"\r\n\r\n", self._body(index)))

    def _body(self, number: int) -> bytes:
        return (b"%012d" % number).join(self._parts)


def _body(created_s: int) -> bytes:
    """An event as JSON, with a mark wherever its number belongs."""
    event = {
        "id": f"evt_bench{_NUMBER}",
        "object": "event",
        "api_version": "2024-06-20",
        "created": created_s,
        "data": {"object": _intent(created_s)},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": f"req_bench{_NUMBER}", "idempotency_key": f"order-{_NUMBER}"},
        "type": "payment_intent.succeeded",
    }
    return json.dumps(event, indent=1).encode()


def _intent(created_s: int) -> dict[str, object]:
    return {
        "id": f"pi_bench{_NUMBER}",
        "object": "payment_intent",
        "amount": 10000,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 10000,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"pi_bench{_NUMBER}_secret_made_up",
        "confirmation_method": "automatic",
        "created": created_s,
        "currency": "usd",
        "customer": "cus_bench00000001",
        "description": "Two invented articles and the postage for them",
        "invoice": None,
        "last_payment_error": None,
        "latest_charge": f"ch_bench{_NUMBER}",
        "livemode": True,
        "metadata": {"order_id": f"ord_{_NUMBER}", "shop": "benchmark", "note": "n" * 320},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": f"pm_bench{_NUMBER}",
        "payment_method_options": {"card": {"network": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card", "link"],
        "receipt_email": "buyer@example.com",
        "setup_future_usage": None,
        "statement_descriptor": None,
        "status": "succeeded",
        "transfer_group": None,
    }
