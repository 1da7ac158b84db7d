"""Midtrans Iris' payouts."""

import hashlib
from collections.abc import Callable
from typing import Final

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode, json_headers


def _payout(status: str) -> Callable[[Asked], Json]:
    return lambda asked: {
        "reference_no": asked.payment_id,
        "amount": str(asked.amount),
        "status": status,
        "updated_at": asked.time(),
    }


def _sign(asked: Asked, value: Json) -> SignedRequest:
    body = encode(value)
    signature = hashlib.sha512(body + asked.secret.encode()).hexdigest()
    return SignedRequest(json_headers(("iris-signature", signature)), body)


PRETENDER: Final = Pretender(
    name="midtrans_iris",
    builders={
        "payout.completed": _payout("completed"),
        "payout.approved": _payout("approved"),
        "payout.processed": _payout("processed"),
        "payout.rejected": _payout("rejected"),
        "payout.failed": _payout("failed"),
    },
    sign=_sign,
    signature_at="header:iris-signature",
    payment_id="payout-example-1",
    currency="IDR",
)
"""Midtrans Iris, offline. All its events are of payouts."""
