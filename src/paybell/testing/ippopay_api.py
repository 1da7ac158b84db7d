"""A pretend IppoPay API over HTTP: answers ``GET /v1/order/{id}/transaction`` with what it was told."""

import base64
from typing import Final
from urllib.parse import unquote

from paybell.testing.pretend_api import PretendApi
from paybell.testing.received import Received, Reply
from paybell.testing.samples.ippopay import ippopay_transaction

PUBLIC_KEY: Final = "pk_test_demo"
SECRET_KEY: Final = "sk_test_demo"  # noqa: S105 - the pretend API's own
_PREFIX: Final = "/v1/order/"
_SUFFIX: Final = "/transaction"


class PretendIppoPay(PretendApi):
    """Orders not told of are answered as unknown."""

    def set(
        self,
        order_id: str,
        *,
        status: str,
        paid: str,
        at_s: int,
        refund_status: str = "not_requested",
        refunded: str = "",
    ) -> None:
        """Say from now on how the order's transaction stands; amounts in INR, such as ``"450.00"``."""
        self.told[order_id] = ippopay_transaction(
            order_id=order_id,
            trans_id=f"trans_{order_id}",
            status=status,
            paid=paid,
            at_s=at_s,
            refund_status=refund_status,
            refunded=refunded,
        )

    def answer(self, received: Received) -> Reply:
        """See the base."""
        expected = "Basic " + base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
        if received.header("authorization") != expected:
            return Reply(status_code=401, body=b'{"success":false,"message":"Unauthorized"}')
        order_id = unquote(received.path.removeprefix(_PREFIX).removesuffix(_SUFFIX))
        body = self.told.get(order_id, b'{"success":false,"message":"Order not found","data":{}}')
        return Reply(body=body, headers=(("content-type", "application/json"),))
