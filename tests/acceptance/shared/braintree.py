import json
from base64 import encodebytes
from urllib.parse import urlencode

from paybell.model.fact import Kind
from tests.acceptance.shared.plain import Case, Vector, plain


def notification(vector: Vector) -> Case:
    secret = vector["secret"]
    return plain("braintree", vector, secrets=(secret["private_key"],), publicKey=secret["public_key"])


def challenge(vector: Vector) -> Case:
    """The answer to a challenge is signed as a notification's text is."""
    return notification({**vector, "body": form(vector["expected_response"], vector["body"])})


def primitive(vector: Vector) -> Case:
    secret = {"public_key": "any", "private_key": vector["secret"]}
    signature = f"any|{vector['headers']['expected']}"
    return notification({**vector, "headers": {}, "secret": secret, "body": form(signature, vector["body"])})


def form(signature: str, payload: str) -> str:
    return urlencode({"bt_signature": signature, "bt_payload": payload})


def bodies(name: str, raw: bytes) -> list[bytes]:
    """Samples are forms, their fields as JSON, or the XML that was in them."""
    if name.endswith(".json"):
        fields = json.loads(raw)
        return [form(fields["bt_signature"], fields["bt_payload"]).encode()]
    return [form("any|00", encodebytes(raw).decode()).encode()] if name.endswith(".xml") else [raw]


SCHEMES = {"braintree": notification, "braintree-challenge": challenge, "braintree-primitive": primitive}
PROMISES = {"braintree__paygem_subscription_charged_successfully": Kind.CAPTURED}
