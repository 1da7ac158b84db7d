from msgspec.structs import replace

from paybell.model.notification import Request
from paybell.testing.private_keys import base64_rsa_sha256, private_pem, public_pem
from tests.acceptance.shared.plain import Case, Vector, headers

TOKEN = "in_the_url"


def rsa(vector: Vector) -> Case:
    secret = vector["secret"]
    return Case(
        gateway="paypal",
        request=Request(vector["body"].encode(), headers(vector["headers"]), TOKEN),
        secrets=(secret["cert_pem"].strip(),) if "cert_pem" in secret else (),
        options={"webhookId": secret["webhook_id"]},
        token=TOKEN,
        now_ms=0,
    )


def message(vector: Vector) -> Case:
    """The string is known, its signature is not: signed anew, it is only right if ours is the same string."""
    signature = base64_rsa_sha256(private_pem(), vector["signed_content"].encode())
    given = {**vector["headers"], "PAYPAL-TRANSMISSION-SIG": signature}
    return replace(rsa({**vector, "headers": given}), secrets=(public_pem(private_pem()),))


SCHEMES = {"paypal-rsa": rsa, "paypal-message": message}
