from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"coinbase-commerce": lambda vector: plain("coinbase_commerce", vector)}
PROMISES = {"coinbase_commerce__charge_created": Kind.PAYMENT_CREATED}
