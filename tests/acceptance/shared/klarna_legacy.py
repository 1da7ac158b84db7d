from tests.acceptance.shared.plain import plain

SCHEMES = {"klarna-legacy": lambda vector: plain("klarna_legacy", vector)}
