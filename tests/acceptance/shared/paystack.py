from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"paystack": lambda vector: plain("paystack", vector)}
PROMISES = {
    "paystack__charge.success": Kind.CAPTURED,
    "paystack__direct_debit_charge": Kind.CAPTURED,
    "paystack__charge.dispute": Kind.DISPUTE_STATUS,
    "paystack__invoice.payment_failed": Kind.SUBSCRIPTION_STATE,
    "paystack__invoice": Kind.INVOICE_STATE,
    "paystack__paymentrequest": Kind.INVOICE_STATE,
    "paystack__subscription.create": Kind.SUBSCRIPTION_STATE,
    "paystack__subscription.disable": Kind.SUBSCRIPTION_STATE,
    "paystack__subscription.not_renew": Kind.SUBSCRIPTION_STATE,
    "paystack__transfer.success": Kind.PAYOUT_PAID,
    "paystack__transfer": Kind.PAYOUT_FAILED,
    "paystack__refund.processed": Kind.REFUND_SUCCEEDED,
    "paystack__refund.failed": Kind.REFUND_FAILED,
}
