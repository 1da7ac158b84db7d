from tests.acceptance.shared.plain import plain

SCHEMES = {"midtrans": lambda vector: plain("midtrans", vector)}
