from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"airwallex": lambda vector: plain("airwallex", vector)}
PROMISES = {"airwallex__payment_intent.succeeded": Kind.CAPTURED}
