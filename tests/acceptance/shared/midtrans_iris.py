from tests.acceptance.shared.plain import plain

SCHEMES = {"midtrans-iris": lambda vector: plain("midtrans_iris", vector)}
