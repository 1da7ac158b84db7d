"""A pretend IppoPay API over HTTP: answers ``GET /v1/order/{id}/transaction`` with what it was told."""

import base64
from typing import Final
from urllib.parse import unquote

from paybell.testing.received import Received, Reply
from paybell.testing.receiver import Receiver
from paybell.testing.samples.ippopay import ippopay_transaction

PUBLIC_KEY: Final = "pk_test_demo"
SECRET_KEY: Final = "sk_test_demo"  # noqa: S105 - the pretend API's own
_PREFIX: Final = "/v1/order/"
_SUFFIX: Final = "/transaction"


class PretendIppoPay:
    """An API server; ``url`` is its base. Orders not told of are answered as unknown."""

    def __init__(self) -> None:
        self._transactions: dict[str, bytes] = {}
        self._server = Receiver(answer=self._answer)

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop()

    @property
    def url(self) -> str:
        """What to put into ``options.baseUrl``."""
        return self._server.url.rstrip("/")

    @property
    def asked_count(self) -> int:
        """How often it was asked."""
        return self._server.count

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
        self._transactions[order_id] = ippopay_transaction(
            order_id=order_id,
            trans_id=f"trans_{order_id}",
            status=status,
            paid=paid,
            at_s=at_s,
            refund_status=refund_status,
            refunded=refunded,
        )

    def _answer(self, received: Received) -> Reply:
        expected = "Basic " + base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
        if received.header("authorization") != expected:
            return Reply(status_code=401, body=b'{"success":false,"message":"Unauthorized"}')
        order_id = unquote(received.path.removeprefix(_PREFIX).removesuffix(_SUFFIX))
        body = self._transactions.get(order_id, b'{"success":false,"message":"Order not found","data":{}}')
        return Reply(body=body, headers=(("content-type", "application/json"),))
