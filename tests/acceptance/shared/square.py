from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"square": lambda vector: plain("square", vector, notificationUrl=vector["url"])}
PROMISES = {
    "square__payment.created": Kind.AUTHORIZED,
    "square__payment.updated": Kind.CAPTURED,
    "square__refund.created": Kind.REFUND_PENDING,
    "square__refund.updated": Kind.REFUND_SUCCEEDED,
    "square__dispute.": Kind.DISPUTE_STATUS,
    "square__payout.sent": Kind.PAYOUT_CREATED,
    "square__payout.paid": Kind.PAYOUT_PAID,
    "square__payout.failed": Kind.PAYOUT_FAILED,
    "square__subscription.": Kind.SUBSCRIPTION_STATE,
    "square__invoice.published": Kind.INVOICE_STATE,
    "square__invoice.payment_made": Kind.INVOICE_STATE,
    "square__invoice.scheduled_charge_failed": Kind.INVOICE_STATE,
    "square__invoice.canceled": Kind.INVOICE_STATE,
    "square__invoice.refunded": Kind.INVOICE_STATE,
}
