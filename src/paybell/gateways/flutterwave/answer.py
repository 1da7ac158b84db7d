"""What the API v3 answers about a transaction, a refund or a transfer.

The payment is the transaction (``id``); a refund names it as ``tx_id``, and usually says no currency.
"""

from typing import Final

from msgspec import Struct

from paybell.gateways.flutterwave import transfer
from paybell.gateways.flutterwave.common import TRANSFER, Answer, Data, Words, key, read_answer
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.options import Options
from paybell.gateways.kit.payloads import decoder, details, read, text
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_WORDS: Final = Words(
    "transaction",
    {"successful": Kind.CAPTURED, "failed": Kind.FAILED, "pending": Kind.PROCESSING},
    {
        "completed": Kind.REFUND_SUCCEEDED,
        "failed": Kind.REFUND_FAILED,
        **dict.fromkeys(("new", "pending"), Kind.REFUND_PENDING),
    },
)


class _Customer(Struct):
    id: int | str | None = None
    name: str | None = None
    email: str | None = None
    phone_number: str | None = None


class _Data(Data, kw_only=True):
    created_at: str | None = None
    charged_amount: object = None
    app_fee: object = None
    tx_ref: str | None = None
    payment_type: str | None = None
    processor_response: str | None = None
    customer: _Customer | None = None
    tx_id: int | str | None = None

    @property
    def payment_id(self) -> int | str | None:
        return self.tx_id

    @property
    def at(self) -> tuple[str | None, str]:
        return self.created_at, "created_at"

    @property
    def refund_word(self) -> str:
        return self.status.lower().partition("-")[0]  # such as pending-momo: how it is paid follows

    def detail(self) -> dict[str, str]:
        who = self.customer or _Customer()
        return details(
            order_id=text(self.tx_ref),
            customer_id="" if who.id is None else text(str(who.id)),
            customer_name=text(who.name),
            customer_email=text(who.email),
            customer_phone=text(who.phone_number),
            method=text(self.payment_type),
        )

    def failure(self) -> dict[str, str]:
        return details(failure_message=text(self.processor_response))

    def fees(self, captured: Fact) -> list[Fact]:
        """Where the customer was charged more than the amount, it was he who paid them."""
        if self.charged_amount != self.amount:
            return []
        return fee(captured, lambda: to_minor(self.app_fee or 0, captured.currency))


class _Answer(Answer, kw_only=True):
    data: _Data | None = None


_ANSWER: Final = decoder(_Answer)


def read_body(body: bytes, subject: str, options: Options, received_at_ms: int) -> Parsed:
    """Facts about what was asked for; not final while it is open, or the answer is about something else."""
    if subject.startswith(TRANSFER):
        return transfer.read_body(body, subject.removeprefix(TRANSFER), received_at_ms)
    found = read(_ANSWER, body)
    return read_answer(found, found.data, _WORDS, subject, options=options, received_at_ms=received_at_ms)


def key_of(subject: str, body: bytes) -> str:
    """A key that changes when the status or the amounts do."""
    if subject.startswith(TRANSFER):
        return transfer.key_of(subject, body)
    found = read(_ANSWER, body)
    return key(found, found.data, subject)
