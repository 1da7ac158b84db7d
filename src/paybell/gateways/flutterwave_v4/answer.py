"""What the API v4 answers about a charge or a refund.

The payment is the charge (``id``); a refund names it as ``charge_id``, and says no currency.
"""

from typing import Final

from msgspec import Struct

from paybell.gateways.flutterwave.common import Answer, Data, Words, key, read_answer
from paybell.gateways.kit.options import Options
from paybell.gateways.kit.payloads import decoder, details, read, text
from paybell.model.fact import Kind, Parsed

_WORDS: Final = Words(
    "charge",
    {"succeeded": Kind.CAPTURED, "failed": Kind.FAILED, "pending": Kind.PROCESSING},
    {
        **dict.fromkeys(("succeeded", "completed"), Kind.REFUND_SUCCEEDED),
        **dict.fromkeys(("failed", "cancelled"), Kind.REFUND_FAILED),
        **dict.fromkeys(("new", "pending"), Kind.REFUND_PENDING),
    },
)


class _Customer(Struct):
    id: str | None = None
    email: str | None = None


class _Processor(Struct):
    type: str | None = None
    code: str | None = None


class _Method(Struct):
    type: str | None = None


class _Data(Data, kw_only=True):
    id: str
    created_datetime: str | None = None
    reference: str | None = None
    customer: _Customer | str | None = None
    payment_method_details: _Method | None = None
    processor_response: _Processor | None = None
    charge_id: str | None = None

    @property
    def payment_id(self) -> str | None:
        return self.charge_id

    @property
    def at(self) -> tuple[str | None, str]:
        return self.created_datetime, "created_datetime"

    def detail(self) -> dict[str, str]:
        who = self.customer if isinstance(self.customer, _Customer) else _Customer(id=self.customer)
        return details(
            order_id=text(self.reference),
            customer_id=text(who.id),
            customer_email=text(who.email),
            method=text(self.payment_method_details.type) if self.payment_method_details is not None else "",
        )

    def failure(self) -> dict[str, str]:
        said = self.processor_response or _Processor()
        return details(failure_code=text(said.code), failure_message=text(said.type))


class _Answer(Answer, kw_only=True):
    data: _Data | None = None


_ANSWER: Final = decoder(_Answer)


def read_body(body: bytes, subject: str, options: Options, received_at_ms: int) -> Parsed:
    """Facts about what was asked for; not final while it is open, or the answer is about something else."""
    found = read(_ANSWER, body)
    return read_answer(found, found.data, _WORDS, subject, options=options, received_at_ms=received_at_ms)


def key_of(subject: str, body: bytes) -> str:
    """A key that changes when the status or the amounts do."""
    found = read(_ANSWER, body)
    return key(found, found.data, subject)
