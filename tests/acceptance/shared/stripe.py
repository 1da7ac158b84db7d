import json

from paybell.model.fact import Kind
from tests.acceptance.shared import plain

BARE_OBJECTS = "stripe__object_"
SCHEMES = {"stripe-v1": lambda vector: plain.plain("stripe", vector)}


def bodies(name: str, raw: bytes) -> list[bytes]:
    if not name.startswith(BARE_OBJECTS):
        return plain.bodies(name, raw)
    event = {"id": "evt_1", "object": "event", "type": "x", "created": 1_234_567_890}
    return [json.dumps({**event, "data": {"object": json.loads(raw)}}).encode()]


PROMISES = {
    "stripe__lago_2020-08-27_payment_intent_succeeded": Kind.CAPTURED,
    "stripe__lago_2024-09-30_payment_intent_succeeded": Kind.CAPTURED,
    "stripe__lago_2025-04-30_payment_intent_succeeded": Kind.CAPTURED,
    "stripe__lago_2020-08-27_payment_intent_payment_failed": Kind.FAILED,
    "stripe__lago_2024-09-30_payment_intent_payment_failed": Kind.FAILED,
    "stripe__lago_2025-04-30_payment_intent_payment_failed": Kind.FAILED,
    "stripe__lago_2020-08-27_payment_intent_canceled": Kind.CANCELED,
    "stripe__lago_2025-04-30_charge_dispute_closed": Kind.DISPUTE_STATUS,
    "stripe__lago_2025-04-30_charge_refund_updated": Kind.REFUND_SUCCEEDED,
    "stripe__object_refund": Kind.REFUND_SUCCEEDED,
    "stripe__object_dispute": Kind.DISPUTE_STATUS,
    "stripe__object_payout": Kind.PAYOUT_CREATED,
    "stripe__object_subscription": Kind.SUBSCRIPTION_STATE,
    "stripe__customer.subscription.created": Kind.SUBSCRIPTION_STATE,
    "stripe__customer.created": Kind.CUSTOMER_STATE,
    "stripe__customer.updated": Kind.CUSTOMER_STATE,
    "stripe__lago_2025-04-30_customer_updated": Kind.CUSTOMER_STATE,
    "stripe__invoice.paid": Kind.INVOICE_STATE,
    "stripe__invoice.payment_succeeded": Kind.INVOICE_STATE,
}
