from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"square": lambda vector: plain("square", vector, notificationUrl=vector["url"])}
PROMISES = {
    "square__payment.created": Kind.AUTHORIZED,
    "square__payment.updated": Kind.CAPTURED,
    "square__refund.created": Kind.REFUND_PENDING,
    "square__refund.updated": Kind.REFUND_SUCCEEDED,
    "square__dispute.": Kind.DISPUTE_STATUS,
}
