"""What a notification of Authorize.Net says.

The response code decides: 1 approved, 2 declined, 3 error, 4 held for review; a decline comes under the same event name
as a success. The payment is the transaction: its capture and its void have its id.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_START: Final = "net.authorize.payment."
_HINTS: Final = frozenset({"refund.created", "fraud.approved"})
_APPROVED: Final[Mapping[str, tuple[Kind, ...]]] = {
    "authorization.created": (Kind.AUTHORIZED,),
    "authcapture.created": (Kind.CAPTURED,),
    "capture.created": (Kind.CAPTURED,),
    "priorAuthCapture.created": (Kind.CAPTURED,),
    "void.created": (Kind.CANCELED, Kind.CAPTURE_REVERSED),
    "fraud.held": (Kind.PROCESSING,),
    "fraud.declined": (Kind.FAILED,),
}
_BY_CODE: Final[Mapping[int, tuple[Kind, ...]]] = {2: (Kind.FAILED,), 3: (Kind.FAILED,), 4: (Kind.PROCESSING,)}
_FOLLOWS: Final = frozenset({"priorAuthCapture.created", "void.created"})
"""What is done to a payment that is there already: its amount is not what was asked."""


class _Payload(Struct, rename="camel"):
    id: object = None
    entity_name: str | None = None
    response_code: int | None = None
    auth_amount: object = None
    invoice_number: str | None = None
    merchant_reference_id: str | None = None


class Event(Struct, rename="camel"):
    """A notification."""

    notification_id: object = None
    event_type: str | None = None
    event_date: str | None = None
    payload: _Payload | None = None

    @property
    def what(self) -> str:
        """``authcapture.created``; '' for what is not about payments."""
        name = self.event_type or ""
        return name.removeprefix(_START) if name.startswith(_START) else ""

    @property
    def is_hint(self) -> bool:
        """Whether it leaves out what decides."""
        return self.what in _HINTS


_EVENT: Final = payloads.decoder(Event)


def decode(body: bytes) -> Event:
    """A notification's fields."""
    return payloads.read(_EVENT, body)


def transaction_id(event: Event) -> str:
    """The transaction that it is about."""
    return payloads.ident(event.payload.id if event.payload else None, "the transaction's id")


def read(body: bytes, currency: str) -> Parsed:
    """Facts of the transaction; none of a hint."""
    event = decode(body)
    name, payload = payloads.text(event.event_type), event.payload
    if event.is_hint:
        return Parsed(event=name, reason="a hint: the API is asked which payment it is of, and how it stands")
    if payload is None or event.what not in _APPROVED:
        return Parsed(event=name, reason="it is not about a payment")
    code = payload.response_code
    kinds = _APPROVED[event.what] if code == 1 or event.what.startswith("fraud.") else _BY_CODE.get(code or 0, ())
    if not kinds or (code != 1 and event.what in _FOLLOWS):
        return Parsed(event=name, reason=f"nothing changed: the response code is {code}")
    return Parsed(event=name, facts=_facts(event, payload, kinds, currency))


def _facts(event: Event, payload: _Payload, kinds: tuple[Kind, ...], currency: str) -> tuple[Fact, ...]:
    payment_id = transaction_id(event)
    at_ms = payloads.time_to_ms(event.event_date, "eventDate")
    tell = partial(Fact, aggregate=payment_id, at_ms=at_ms)
    if payload.auth_amount is not None:
        tell = partial(tell, amount_minor=to_minor(payload.auth_amount, currency), currency=currency)
    detail = payloads.details(
        order_id=payloads.first_text(payload.invoice_number, payload.merchant_reference_id),
    )
    created = () if event.what in _FOLLOWS else (tell(kind=Kind.PAYMENT_CREATED, detail=detail),)
    code = str(payload.response_code)
    told = (
        tell(
            kind=kind,
            ref="" if kind is Kind.CANCELED else payment_id,
            detail={"failure_code": code} if kind is Kind.FAILED else {},
        )
        for kind in kinds
    )
    return (*created, *told)
