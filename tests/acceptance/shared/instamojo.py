from tests.acceptance.shared.plain import plain

SCHEMES = {"instamojo": lambda vector: plain("instamojo", vector)}
