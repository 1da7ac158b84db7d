from tests.acceptance.shared.plain import plain

SCHEMES = {"gocardless": lambda vector: plain("gocardless", vector)}
