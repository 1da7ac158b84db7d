from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain

SCHEMES = {"authorizenet": lambda vector: plain("authorizenet", vector)}
PROMISES = {
    "authorizenet__hs_cypress_authorizedotnet_payment_webhook": Kind.CAPTURED,
    "authorizenet__hyperswitch_payment_succeeded": Kind.CAPTURED,
}
