from tests.acceptance.shared.plain import plain

SCHEMES = {"adyen-header": lambda vector: plain("adyen_platforms", vector)}
