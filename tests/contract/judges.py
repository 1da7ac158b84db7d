"""The companies' own SDKs as judges: whether they take a request, and, where they can sign, a request of theirs."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from paybell.model.notification import Request
from paybell.model.source import Source
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from tests.contract.sdks import (
    Adyen,
    Cashfree,
    CoinbaseSignature,
    PaddleSignature,
    Secret,
    SignatureValidator,
    Verifier,
    WebhookSignatureValidator,
    braintree,
    gocardless_pro,
    gr4vy_verify,
    razorpay,
    square_verify,
    standardwebhooks,
    stripe,
    svix,
)
from tests.unit.gateways.sources import TOKEN, request

Accepts = Callable[[Request, Source], object]
"""Whether the SDK takes it: False and any error are no."""
Signs = Callable[[bytes, Source, int], Request]
"""(a body, the source, seconds) -> the request as the SDK itself would sign it."""
WORDS = ("", "plain", 'quo"ted', "back\\slash", "co:lon", "snow ☃", "𝄞 clef", "\n\t", "a" * 300)


class Judge(Struct, frozen=True, kw_only=True):
    accepts: Accepts
    signs: Signs | None = None
    """None where the SDK only verifies."""
    any_body: bool = True
    """Whether the body may be anything, since its raw bytes are what is signed."""


def text(made: Request, name: str) -> str:
    value = made.header(name.encode())
    return "" if value is None else value.decode("latin-1")


def headers(made: Request) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in made.headers}


def random_body(chance: Random) -> dict[str, object]:
    """A JSON object that is not compact in every place, with texts that serialisers write differently."""

    def value(depth: int) -> object:
        match chance.randrange(8 if depth else 6):
            case 0:
                return chance.choice(WORDS)
            case 1:
                return chance.randrange(-(10**12), 10**12)
            case 2:
                return chance.choice((True, False, None))
            case 3 | 4 | 5:
                return chance.choice(WORDS) + str(chance.random())
            case 6:
                return [value(depth - 1) for _ in range(chance.randrange(4))]
            case _:
                return {f"k{number}": value(depth - 1) for number in range(chance.randrange(4))}

    return {"id": f"evt_{chance.randrange(10**9)}", "type": "x", "event": {"id": "e"}, "data": value(3)}


def random_event(name: str, chance: Random, source: Source, at_s: int) -> Request:
    """One of the gateway's own events, with other ids and amounts."""
    each = PRETENDERS[name]
    return request(
        each.signed(
            chance.choice(each.events),
            payment_id=f"{each.payment_id}{chance.randrange(10**6)}",
            order_id=chance.choice(("order", "or:der", "or\\der", "ör/der")) + str(chance.randrange(10**6)),
            amount_minor=chance.randrange(1, 10**7) * 100,
            at_s=at_s,
            token=TOKEN,
            options=source.options,
        )
    )


def signed_with(header: str, sign: Callable[[bytes, Source, int], str]) -> Signs:
    return lambda body, source, at_s: Request(body, ((header.encode(), sign(body, source, at_s).encode()),))


# ---- one company each


def _stripe(made: Request, source: Source) -> object:
    return stripe.WebhookSignature.verify_header(made.body.decode(), text(made, "stripe-signature"), source.secrets[0])


def _stripe_signs(body: bytes, source: Source, at_s: int) -> str:
    signed = f"{at_s}.{body.decode()}"
    return f"t={at_s},v1={stripe.WebhookSignature._compute_signature(signed, source.secrets[0])}"


def _razorpay(made: Request, source: Source) -> object:
    client = razorpay.Client(auth=("key", "secret"))
    return client.utility.verify_webhook_signature(
        made.body.decode(), text(made, "x-razorpay-signature"), source.secrets[0]
    )


def _adyen(made: Request, source: Source) -> object:
    items = json.loads(made.body)["notificationItems"]
    return all(
        Adyen.util.is_valid_hmac_notification(item["NotificationRequestItem"], source.secrets[0]) for item in items
    )


def _adyen_signs(body: bytes, source: Source, _at_s: int) -> Request:
    whole = json.loads(body)
    item = whole["notificationItems"][0]["NotificationRequestItem"]
    item["additionalData"] = {
        "hmacSignature": Adyen.util.generate_notification_sig(item, source.secrets[0]).decode(),
    }
    return Request(json.dumps(whole).encode())


def _square(made: Request, source: Source) -> object:
    return square_verify(
        request_body=made.body.decode(),
        signature_header=text(made, "x-square-hmacsha256-signature"),
        signature_key=source.secrets[0],
        notification_url=str(source.options["notificationUrl"]),
    )


def _braintree_gateway(source: Source) -> Any:
    return braintree.BraintreeGateway(
        braintree.Configuration(
            environment=braintree.Environment.Sandbox,
            merchant_id="merchant",
            public_key=str(source.options["publicKey"]),
            private_key=source.secrets[0],
        )
    )


def _braintree(made: Request, source: Source) -> object:
    fields = dict(parse_qsl(made.body.decode()))
    # Its parser of the payload's kinds is not what is judged here: a request that it verifies is one it takes.
    notifications = _braintree_gateway(source).webhook_notification
    return (
        notifications._WebhookNotificationGateway__validate_signature(
            fields["bt_signature"], fields["bt_payload"].encode()
        )
        or True
    )


def _braintree_signs(_body: bytes, source: Source, _at_s: int) -> Request:
    kind = braintree.WebhookNotification.Kind.DisputeLost
    sample = _braintree_gateway(source).webhook_testing.sample_notification(kind, "dispute_1")
    return Request(urlencode(sample).encode())


def _gocardless(made: Request, source: Source) -> object:
    gocardless_pro.webhooks._verify_signature(made.body, source.secrets[0], text(made, "webhook-signature"))
    return True


def _mollie(made: Request, source: Source) -> object:
    given = [value.decode("latin-1") for name, value in made.headers if name == b"x-mollie-signature"]
    return SignatureValidator(list(source.secrets)).validate_payload(made.body.decode(), given)


def _paddle(made: Request, source: Source) -> object:
    as_theirs = SimpleNamespace(body=made.body, headers={"Paddle-Signature": text(made, "paddle-signature")})
    return Verifier().verify(as_theirs, Secret(source.secrets[0]))


def _paddle_signs(body: bytes, source: Source, at_s: int) -> str:
    digest = PaddleSignature.calculate_hmac(source.secrets[0], f"{at_s}:".encode() + body).hexdigest()
    return f"ts={at_s};h1={digest}"


def _cashfree(made: Request, source: Source) -> object:
    client = Cashfree(XEnvironment=Cashfree.SANDBOX, XClientId="id", XClientSecret=source.secrets[0])
    return client.PGVerifyWebhookSignature(
        text(made, "x-webhook-signature"), made.body.decode(), text(made, "x-webhook-timestamp")
    )


def _standard(made: Request, source: Source) -> object:
    standardwebhooks.Webhook(source.secrets[0]).verify(made.body, headers(made))
    return True


def _svix(made: Request, source: Source) -> object:
    svix.Webhook(source.secrets[0]).verify(made.body, headers(made))
    return True


def _standard_signs(sdk: Any) -> Signs:
    def sign(body: bytes, source: Source, at_s: int) -> Request:
        signature = sdk.Webhook(source.secrets[0]).sign("msg_1", datetime.fromtimestamp(at_s, UTC), body.decode())
        named = {"webhook-id": "msg_1", "webhook-timestamp": str(at_s), "webhook-signature": signature}
        return Request(body, tuple((name.encode(), value.encode()) for name, value in named.items()))

    return sign


def _coinbase(made: Request, source: Source) -> object:
    return CoinbaseSignature.verify_sig_header(
        made.body.decode(), text(made, "x-cc-webhook-signature"), source.secrets[0]
    )


def _gr4vy(made: Request, source: Source) -> object:
    names = ("x-gr4vy-webhook-signatures", "x-gr4vy-webhook-timestamp")
    gr4vy_verify(made.body.decode(), source.secrets[0], *(text(made, name) for name in names), 300)
    return True


def _mercadopago(made: Request, source: Source) -> object:
    WebhookSignatureValidator.validate(
        text(made, "x-signature"),
        text(made, "x-request-id"),
        dict(parse_qsl(made.query)).get("data.id"),
        source.secrets[0],
    )
    return True


JUDGES: Mapping[str, Mapping[str, Judge]] = {
    "stripe": {"stripe": Judge(accepts=_stripe, signs=signed_with("stripe-signature", _stripe_signs))},
    "razorpay": {"razorpay": Judge(accepts=_razorpay)},
    "adyen": {"Adyen": Judge(accepts=_adyen, signs=_adyen_signs, any_body=False)},
    "adyen_platforms": {
        "Adyen": Judge(
            accepts=lambda made, source: Adyen.util.is_valid_hmac_payload(
                text(made, "hmacsignature"), source.secrets[0], made.body
            ),
            signs=signed_with(
                "hmacsignature",
                lambda body, source, _: Adyen.util.generate_payload_sig(body, source.secrets[0]).decode(),
            ),
        )
    },
    "square": {"square": Judge(accepts=_square)},
    "braintree": {"braintree": Judge(accepts=_braintree, signs=_braintree_signs, any_body=False)},
    "gocardless": {"gocardless_pro": Judge(accepts=_gocardless)},
    "mollie_next_gen": {"mollie": Judge(accepts=_mollie)},
    "paddle": {"paddle_billing": Judge(accepts=_paddle, signs=signed_with("paddle-signature", _paddle_signs))},
    "cashfree": {"cashfree_pg": Judge(accepts=_cashfree)},
    "standard_webhooks": {
        "standardwebhooks": Judge(accepts=_standard, signs=_standard_signs(standardwebhooks)),
        "svix": Judge(accepts=_svix, signs=_standard_signs(svix)),
    },
    "coinbase_commerce": {
        "coinbase_commerce": Judge(
            accepts=_coinbase,
            signs=signed_with(
                "x-cc-webhook-signature",
                lambda body, source, _: CoinbaseSignature._compute_signature(body.decode(), source.secrets[0]),
            ),
        )
    },
    "gr4vy": {"gr4vy": Judge(accepts=_gr4vy)},
    "mercadopago": {"mercadopago": Judge(accepts=_mercadopago, any_body=False)},
}
"""By gateway, then by SDK."""
