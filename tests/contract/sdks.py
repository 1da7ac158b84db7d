"""The companies' own SDKs. What some of them are warned of as they are read is not ours to mend."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import Adyen.util
    import braintree
    import gocardless_pro.webhooks
    import razorpay
    import standardwebhooks
    import stripe
    import svix
    from cashfree_pg.api_client import Cashfree
    from coinbase_commerce.webhook import WebhookSignature as CoinbaseSignature
    from gr4vy.webhooks import verify_webhook as gr4vy_verify
    from mercadopago.webhook import WebhookSignatureValidator
    from mollie.utils.webhooks.signature_validator import SignatureValidator
    from paddle_billing.Notifications import PaddleSignature, Secret, Verifier
    from square.utils.webhooks_helper import verify_signature as square_verify

__all__ = [
    "Adyen",
    "Cashfree",
    "CoinbaseSignature",
    "PaddleSignature",
    "Secret",
    "SignatureValidator",
    "Verifier",
    "WebhookSignatureValidator",
    "braintree",
    "gocardless_pro",
    "gr4vy_verify",
    "razorpay",
    "square_verify",
    "standardwebhooks",
    "stripe",
    "svix",
]
