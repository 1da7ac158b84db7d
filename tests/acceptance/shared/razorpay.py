from paybell.model.fact import Kind
from tests.acceptance.shared.plain import Case, Vector, plain


def callback(vector: Vector) -> Case:
    """The browser's callback is signed by the same HMAC, over other bytes and with another secret."""
    (signature,) = vector["headers"].values()
    return plain("razorpay", {**vector, "headers": {"x-razorpay-signature": signature}})


SCHEMES = {"razorpay-webhook": lambda vector: plain("razorpay", vector), "razorpay-callback": callback}
PROMISES = {
    "razorpay__payment.authorized": Kind.AUTHORIZED,
    "razorpay__payment.captured": Kind.CAPTURED,
    "razorpay__payment.failed": Kind.FAILED,
    "razorpay__payment.dispute": Kind.DISPUTE_STATUS,
    "razorpay__order.paid": Kind.CAPTURED,
    "razorpay__invoice.paid": Kind.INVOICE_STATE,
    "razorpay__invoice": Kind.INVOICE_STATE,
    "razorpay__subscription": Kind.SUBSCRIPTION_STATE,
    "razorpay__settlement": Kind.PAYOUT_PAID,
    "razorpay__payment_link.paid": Kind.CAPTURED,
    "razorpay__qr_code.credited": Kind.CAPTURED,
    "razorpay__virtual_account.credited": Kind.CAPTURED,
    "razorpay__refund.failed": Kind.REFUND_FAILED,
    "razorpay__refund": Kind.REFUND_SUCCEEDED,
}
