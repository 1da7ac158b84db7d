"""What Stripe's objects say is true.

The same operation has the same kind and ref whichever object reports it: a capture is its charge, whether the intent or
the charge tells of it. Old API versions nest charges in intents (``charges.data``) and refunds in charges.
"""

from paybell.gateways.kit.payloads import read, text
from paybell.gateways.stripe import billing_shapes, shapes
from paybell.gateways.stripe.accounts import read_customer, read_payout, read_subscription
from paybell.gateways.stripe.charges import read_charge, read_dispute, read_refund
from paybell.gateways.stripe.intents import read_intent, read_session
from paybell.gateways.stripe.invoices import read_invoice, read_invoice_payment
from paybell.gateways.stripe.pieces import Found


def read_object(raw: bytes, event: str, at_ms: int) -> Found:
    """Facts of one object. ``event`` is the event's name, ``at_ms`` its time."""
    kind = read(shapes.KIND, raw).object
    match kind:
        case "payment_intent":
            return read_intent(read(shapes.INTENT, raw), at_ms)
        case "charge":
            return read_charge(read(shapes.CHARGE, raw), event, at_ms)
        case "refund":
            return read_refund(read(shapes.REFUND, raw), at_ms)
        case "dispute":
            return read_dispute(read(shapes.DISPUTE, raw), at_ms)
        case "checkout.session":
            return read_session(read(shapes.SESSION, raw), at_ms)
        case _:
            return _read_account_object(text(kind), raw, event, at_ms)


def _read_account_object(kind: str, raw: bytes, event: str, at_ms: int) -> Found:
    match kind:
        case "invoice":
            return read_invoice(read(billing_shapes.INVOICE, raw), event, at_ms)
        case "invoice_payment":
            return read_invoice_payment(read(billing_shapes.INVOICE_PAYMENT, raw), at_ms)
        case "subscription":
            return read_subscription(read(billing_shapes.SUBSCRIPTION, raw), at_ms)
        case "customer":
            return read_customer(read(billing_shapes.CUSTOMER, raw), event, at_ms)
        case "payout":
            return read_payout(read(billing_shapes.PAYOUT, raw), at_ms)
        case _:
            return Found(reason=f"objects of type {kind!r} say nothing that is read (yet)")
