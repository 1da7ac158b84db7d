"""A delivery's signature; the official verifiers agree with ours."""

import base64
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from paybell.deliver.signing import (
    check_secret,
    private_secret_from,
    receivers_key,
    secret_from,
    secret_like,
    sign,
    signer,
)
from paybell.errors import ConfigurationError
from paybell.testing.builders import SECRET
from paybell.testing.fake_clock import START_MS

KEYS = st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3)
SEED = st.binary(min_size=32, max_size=32)
PAIR = base64.b64decode("6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
"""Of Svix's own test of asymmetric signatures; the specification shows its signature, too."""


def private(key: bytes) -> str:
    return "whsk_" + base64.b64encode(key).decode()


def verified(official: object, body: bytes, headers: dict[str, str]) -> bool:
    """Whether it takes the signature; a body that is no JSON is read only after that."""
    try:
        official.verify(body, headers)
    except (standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError):
        return False
    except ValueError:
        return True
    return True


@given(st.text("abcdef_0123456789", min_size=1, max_size=40), st.text(max_size=300), KEYS, SEED)
def test_both_official_verifiers_believe_us(message_id: str, text: str, keys: list[bytes], seed: bytes) -> None:
    body = text.encode()
    at_s = int(datetime.now(UTC).timestamp())
    secrets = [secret_from(key) for key in keys]
    signature = sign(message_id, at_s, body, [private_secret_from(seed), *secrets])
    headers = {"webhook-id": message_id, "webhook-timestamp": str(at_s), "webhook-signature": signature}
    for secret in secrets:
        for official in (standardwebhooks, svix.webhooks):
            assert verified(official.Webhook(secret), body, headers)
        if body:
            assert not verified(standardwebhooks.Webhook(secret), body[:-1] + bytes([body[-1] ^ 1]), headers)


@given(st.text("abc_123", min_size=1, max_size=40), st.text(max_size=300), st.binary(min_size=24, max_size=64))
def test_both_official_signers_write_what_we_write(message_id: str, text: str, key: bytes) -> None:
    secret = secret_from(key)
    ours = sign(message_id, START_MS // 1000, text.encode(), [secret])
    at = datetime.fromtimestamp(START_MS // 1000, UTC)
    assert standardwebhooks.Webhook(secret).sign(msg_id=message_id, timestamp=at, data=text) == ours
    assert svix.webhooks.Webhook(secret).sign(msg_id=message_id, timestamp=at, data=text) == ours


@pytest.mark.parametrize("key", [PAIR, PAIR[:32]])
def test_svix_signs_asymmetrically_as_we_do(key: bytes) -> None:
    signature = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', [private(key)])
    assert signature == "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    assert receivers_key(private(key)) == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


@given(SEED, st.binary(max_size=300))
def test_whoever_has_the_public_key_can_verify(seed: bytes, body: bytes) -> None:
    secret = private_secret_from(seed)
    version, _, signature = sign("msg_1", 1, body, [secret]).partition(",")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(receivers_key(secret).removeprefix("whpk_")))
    assert version == "v1a"
    public.verify(base64.b64decode(signature), b"msg_1.1." + body)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), b"msg_2.1." + body)


def test_every_secret_signs_newest_first() -> None:
    others = [secret_from(bytes(range(32))), private_secret_from(bytes(32))]
    each = [sign("msg_1", 1, b"{}", [secret]) for secret in (SECRET, *others)]
    assert sign("msg_1", 1, b"{}", [SECRET, *others]).split(" ") == each
    assert [it.partition(",")[0] for it in each] == ["v1", "v1", "v1a"]


def test_a_shared_secret_is_the_receivers_own_and_a_fresh_one_is_of_the_same_kind() -> None:
    assert receivers_key(SECRET) == SECRET
    assert secret_like(SECRET, bytes(32)) == secret_from(bytes(32))
    assert secret_like(private(PAIR), PAIR[:32]) == private(PAIR)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_not base64!",
        base64.b64encode(bytes(32)).decode(),
        secret_from(bytes(23)),
        secret_from(bytes(65)),
        "WHSEC_" + base64.b64encode(bytes(32)).decode(),
        SECRET + "\n",
        "whsec_é" + base64.b64encode(bytes(32)).decode(),
        "whsk_",
        private(PAIR[:31]),
        private(PAIR[:33]),
        private(PAIR + b"x"),
        private(PAIR[:32] + PAIR[:32]),
        "whpk_" + base64.b64encode(PAIR[32:]).decode(),
        "whsk_é" + base64.b64encode(PAIR).decode(),
    ],
)
def test_secrets_that_are_none_are_refused_without_repeating_them(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_secret(secret)
    assert "24 to 64 bytes" in str(caught.value)
    assert len(secret) < 8 or secret not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("size", [24, 32, 64])
def test_secrets_of_every_length_sign(size: int) -> None:
    assert signer(secret_from(bytes(range(size))))(b"x").startswith("v1,")
