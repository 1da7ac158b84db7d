from tests.acceptance.shared.plain import plain

SCHEMES = {"flutterwave-v4": lambda vector: plain("flutterwave_v4", vector)}
