from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"cashfree": lambda vector: plain("cashfree", vector)}
PROMISES = {
    "cashfree__PAYMENT_SUCCESS_WEBHOOK": Kind.CAPTURED,
    "cashfree__lago_payment_link_event": Kind.CAPTURED_TOTAL,
}
