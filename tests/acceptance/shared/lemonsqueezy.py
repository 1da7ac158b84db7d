from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"lemonsqueezy": lambda vector: plain("lemonsqueezy", vector)}
PROMISES = {"lemonsqueezy__OrderCreated": Kind.CAPTURED, "lemonsqueezy__paygem_order_created": Kind.CAPTURED}
