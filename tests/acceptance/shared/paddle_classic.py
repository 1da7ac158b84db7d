import json
from urllib.parse import urlencode

from paybell.model.fact import Kind
from tests.acceptance.shared.plain import plain


def bodies(_: str, raw: bytes) -> list[bytes]:
    """The fixtures are JSON; Paddle sends forms."""
    fields = {key: value if isinstance(value, str) else json.dumps(value) for key, value in json.loads(raw).items()}
    return [urlencode(fields).encode()]


SCHEMES = {
    "paddle-classic-rsa": lambda vector: plain("paddle_classic", vector, secrets=(vector["secret"]["public_key_pem"],))
}
PROMISES = {
    "paddle_classic__paygem_subscription_payment_refunded": Kind.REFUND_SUCCEEDED,
    "paddle_classic__paygem_subscription_payment_succeeded": Kind.CAPTURED,
    "paddle_classic__paygem_subscription": Kind.SUBSCRIPTION_STATE,
}
