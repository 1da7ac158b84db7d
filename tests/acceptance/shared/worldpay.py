from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"worldpay-access": lambda vector: plain("worldpay", vector)}
PROMISES = {
    "worldpay__access_cancelledByCustomer": Kind.CANCELED,
    "worldpay__access_requestExpired": Kind.EXPIRED,
}
