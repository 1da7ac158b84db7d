from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"checkout-com": lambda vector: plain("checkout_com", vector)}
PROMISES = {
    "checkout_com__payment_approved": Kind.AUTHORIZED,
    "checkout_com__payment_captured": Kind.CAPTURED,
    "checkout_com__payment_voided": Kind.VOIDED,
}
