"""What gateways share: methods of signing, reading hostile bytes, and what all of them refuse alike."""

import base64
import hashlib
import hmac
from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from paybell.errors import MalformedPayload
from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.methods import Hash, Hmac, Rsa, Same, public_key
from paybell.model.notification import RefusalReason, Request
from paybell.ports import Claim, Method

SIGNED = b"what is signed"
SHA1 = hashes.SHA1()  # noqa: S303 - Paddle Classic signs so


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.mark.parametrize(
    ("method", "secret", "expected"),
    [
        (Hmac(), "s", hmac.digest(b"s", SIGNED, "sha256")),
        (Hmac("sha512"), "s", hmac.digest(b"s", SIGNED, "sha512")),
        (Hmac(key="hex"), "00ff", hmac.digest(b"\x00\xff", SIGNED, "sha256")),
        (Hmac(key="base64"), "AP8=", hmac.digest(b"\x00\xff", SIGNED, "sha256")),
        (
            Hmac("sha1", key="sha1"),
            "s",
            hmac.digest(hashlib.new("sha1", b"s", usedforsecurity=False).digest(), SIGNED, "sha1"),
        ),
        (Hmac(secret_first=True), "s", hmac.digest(b"s", b"s" + SIGNED, "sha256")),
        (Hash("sha512", "before"), "s", hashlib.sha512(b"s" + SIGNED).digest()),
        (Hash("md5", "after"), "s", hashlib.new("md5", SIGNED + b"s", usedforsecurity=False).digest()),
        (Same(), "s", b"s"),
    ],
    ids=lambda value: getattr(value, "words", ""),
)
def test_a_method_expects_what_it_says(method: Method, secret: str, expected: bytes) -> None:
    assert method.expected(secret, SIGNED) == expected
    assert method.matches(secret, SIGNED, expected)
    for wrong in (b"", expected[:-1], expected + b"0", expected[::-1] if len(expected) > 1 else b"t"):
        assert not method.matches(secret, SIGNED, wrong)
    assert not method.matches("other", SIGNED, expected)
    assert method.words


@pytest.mark.parametrize(("coding", "secret"), [("hex", "xyz"), ("hex", "abc"), ("base64", "a"), ("base64", "€")])
def test_a_secret_that_is_no_key_of_the_method_matches_nothing(coding: str, secret: str) -> None:
    method = Hmac(key=coding)
    assert method.expected(secret, SIGNED) is None
    assert not method.matches(secret, SIGNED, hmac.digest(b"", SIGNED, "sha256"))


@pytest.mark.parametrize(("algorithm", "hashed"), [("sha1", SHA1), ("sha256", hashes.SHA256())])
def test_rsa_is_verified_with_the_public_key_alone(algorithm: str, hashed: hashes.HashAlgorithm) -> None:
    key, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    method = Rsa(algorithm)
    good = key.sign(SIGNED, PKCS1v15(), hashed)
    assert method.matches(pem(key), SIGNED, good)
    assert not method.matches(pem(other), SIGNED, good)
    assert not method.matches(pem(key), SIGNED + b"x", good)
    assert not method.matches(pem(key), SIGNED, good[:-1])
    assert method.expected(pem(key), SIGNED) is None


def test_only_an_rsa_key_is_one() -> None:
    assert public_key("no key") is None
    assert public_key(pem(ec.generate_private_key(ec.SECP256R1()))) is None
    assert public_key("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----") is None


def claim(given: tuple[bytes, ...], secrets: tuple[str, ...] = ("s",), timestamp: bytes | None = None) -> Claim:
    return Claim(method=Hmac(), signed=SIGNED, given=given, secrets=secrets, timestamp=timestamp, tolerance_s=300)


def test_one_right_signature_under_one_live_secret_is_enough() -> None:
    good = hmac.digest(b"s", SIGNED, "sha256")
    for secrets in (("s",), ("new", "s"), ("s", ""), ("", "s")):
        assert signatures.judge(claim((b"wrong", good), secrets), 0) is None
    for secrets in ((), ("",), ("other",)):
        refused = signatures.judge(claim((good,), secrets), 0)
        assert refused is not None
        assert refused.reason is RefusalReason.SIGNATURE_MISMATCH
    assert signatures.judge(claim(()), 0) is not None


def test_a_wrong_signature_is_told_before_a_wrong_time() -> None:
    good = hmac.digest(b"s", SIGNED, "sha256")
    for given, reason in ((b"wrong", RefusalReason.SIGNATURE_MISMATCH), (good, RefusalReason.TIMESTAMP_MALFORMED)):
        refused = signatures.judge(claim((given,), timestamp=b"noon"), 0)
        assert refused is not None
        assert refused.reason is reason


@pytest.mark.parametrize("value", [b"", b"0" * (signatures.HEADER_BYTES_MAX + 1)])
def test_a_header_is_there_and_short(value: bytes) -> None:
    refused = signatures.header(Request(b"", ((b"x-signature", value),)), "x-signature")
    assert not isinstance(refused, bytes)
    wanted = RefusalReason.MALFORMED_SIGNATURE if value else RefusalReason.HEADER_MISSING
    assert refused.reason is wanted


class Shape(msgspec.Struct):
    id: str
    amount: Decimal | None = None
    rest: object = None


def test_a_body_is_read_into_the_fields_that_are_used() -> None:
    decoder = payloads.decoder(Shape)
    found = payloads.read(decoder, b'{"id": "a", "amount": 10.50, "rest": 0.1, "other": [1]}')
    assert found == Shape("a", Decimal("10.50"), Decimal("0.1"))
    assert str(found.amount) == "10.50"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "missing required field `id`"),
        (b'{"id": 1}', "Expected `str`, got `int` - at `$.id`"),
        (b"[]", "Expected `object`"),
        (b"{", "not JSON"),
        (b'{"id": "\\ud800"}', "not JSON"),
        (b'{"id": "a", "rest": ' + b"[" * 100_000, "not JSON"),
    ],
)
def test_what_is_missing_or_unfit_is_named(body: bytes, said: str) -> None:
    with pytest.raises(MalformedPayload, match=said.replace("$", r"\$").replace(".", r"\.")):
        payloads.read(payloads.decoder(Shape), body)


def test_a_form_is_strict() -> None:
    assert payloads.form(b"a=1&b=&c=%C3%A9+x") == {"a": "1", "b": "", "c": "é x"}
    for wrong in (b"a=1&a=2", b"a", b"a=%ff", b"a=\xc3\xa9", b"&".join(b"f%d=1" % number for number in range(201))):
        with pytest.raises(MalformedPayload):
            payloads.form(wrong)


def test_base64_has_one_regular_text() -> None:
    digest = bytes(range(32))
    text = base64.b64encode(digest)
    assert signatures.decoded(text, "base64", 32) == digest
    for other in (text.rstrip(b"="), text + b"\n", text[:-2] + b"9=", b" " + text):
        assert signatures.decoded(other, "base64", 32) is None
