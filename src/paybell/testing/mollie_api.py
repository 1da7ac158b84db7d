"""A pretend Mollie API over HTTP: answers ``GET /v2/payments/{id}`` with what it was told."""

from typing import Final
from urllib.parse import unquote, urlsplit

from paybell.model.money import to_major
from paybell.testing.pretend_api import PretendApi
from paybell.testing.received import Received, Reply
from paybell.testing.samples.mollie import mollie_answer, mollie_payment, mollie_refund

API_KEY: Final = "test_key_of_the_pretend_mollie"
_PREFIX: Final = "/v2/payments/"
_CURRENCY: Final = "EUR"


class PretendMollie(PretendApi):
    """Payments not told of are answered 404."""

    def set(self, payment_id: str, *, status: str, amount_minor: int, refund_minor: int = 0) -> None:
        """Say from now on how the payment stands; amounts in cents of EUR."""
        refund = mollie_refund(f"re_{payment_id}", payment_id, "refunded", to_major(refund_minor, _CURRENCY))
        self.told[payment_id] = mollie_answer(
            mollie_payment(
                payment_id, status, to_major(amount_minor, _CURRENCY), refunds=(refund,) if refund_minor else ()
            )
        )

    def answer(self, received: Received) -> Reply:
        """See the base."""
        if received.header("authorization") != f"Bearer {API_KEY}":
            return Reply(status_code=401, body=b'{"status":401,"title":"Unauthorized Request"}')
        body = self.told.get(unquote(urlsplit(received.path).path.removeprefix(_PREFIX)))
        if body is None:
            return Reply(status_code=404, body=b'{"status":404,"title":"Not Found"}')
        return Reply(body=body, headers=(("content-type", "application/hal+json"),))
