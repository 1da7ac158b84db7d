import json

from paybell.model.fact import Kind
from tests.acceptance.shared import plain
from tests.acceptance.shared.plain import Case, Vector

BARE = "paddle__entity_"


def case(vector: Vector) -> Case:
    secrets = (vector["secret"],) if isinstance(vector["secret"], str) else tuple(vector["secret"])
    options = {"toleranceSeconds": vector["tolerance_s"]} if vector["tolerance_s"] else {}
    return plain.plain("paddle", vector, secrets=secrets, **options)


def bodies(name: str, raw: bytes) -> list[bytes]:
    """The SDKs publish bare objects beside whole events."""
    if not name.startswith(BARE):
        return plain.bodies(name, raw)
    kind = name.removeprefix(BARE).removesuffix(".json")
    event = {"event_id": "evt_1", "event_type": kind, "occurred_at": "2024-04-12T10:24:03.642083Z"}
    return [json.dumps({**event, "data": json.loads(raw)}).encode()]


SCHEMES = {"paddle": case}
PROMISES = {
    "paddle__entity_transaction.completed": Kind.CAPTURED,
    "paddle__entity_transaction.paid": Kind.CAPTURED,
    "paddle__entity_transaction.payment_failed": Kind.FAILED,
    "paddle__entity_transaction.past_due": Kind.FAILED,
    "paddle__entity_transaction.canceled": Kind.CANCELED,
    "paddle__entity_transaction": Kind.PAYMENT_CREATED,
    "paddle__entity_adjustment": Kind.REFUND_PENDING,
    "paddle__transaction.completed": Kind.CAPTURED,
    "paddle__transaction.paid": Kind.CAPTURED,
    "paddle__transaction.updated": Kind.CAPTURED,
    "paddle__transaction.payment_failed": Kind.FAILED,
    "paddle__transaction.past_due": Kind.FAILED,
    "paddle__transaction": Kind.PAYMENT_CREATED,
    "paddle__adjustment.created": Kind.REFUND_PENDING,
    "paddle__adjustment.updated": Kind.REFUND_SUCCEEDED,
    "paddle__entity_subscription": Kind.SUBSCRIPTION_STATE,
    "paddle__entity_customer": Kind.CUSTOMER_STATE,
    "paddle__entity_payout.created": Kind.PAYOUT_CREATED,
    "paddle__entity_payout.paid": Kind.PAYOUT_PAID,
    "paddle__subscription": Kind.SUBSCRIPTION_STATE,
    "paddle__paygem_subscription": Kind.SUBSCRIPTION_STATE,
    "paddle__customer": Kind.CUSTOMER_STATE,
}
