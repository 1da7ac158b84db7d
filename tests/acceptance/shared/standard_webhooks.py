from tests.acceptance.shared.plain import plain

SCHEMES = {"standard-webhooks": lambda vector: plain("standard_webhooks", vector)}
