from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"paystack": lambda vector: plain("paystack", vector)}
PROMISES = {
    "paystack__charge.success": Kind.CAPTURED,
    "paystack__direct_debit_charge": Kind.CAPTURED,
    "paystack__charge.dispute": Kind.DISPUTE_STATUS,
    "paystack__refund.processed": Kind.REFUND_SUCCEEDED,
    "paystack__refund.failed": Kind.REFUND_FAILED,
}
