from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"lemonsqueezy": lambda vector: plain("lemonsqueezy", vector)}
PROMISES = {
    "lemonsqueezy__OrderCreated": Kind.CAPTURED,
    "lemonsqueezy__paygem_order_created": Kind.CAPTURED,
    "lemonsqueezy__paygem_subscription_payment": Kind.INVOICE_STATE,
    "lemonsqueezy__paygem_subscription": Kind.SUBSCRIPTION_STATE,
}
