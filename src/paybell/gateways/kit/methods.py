"""How signatures come about: HMACs, hashes that hold a secret, RSA, and words that are compared as they are."""

import binascii
import hashlib
import hmac
from base64 import b64decode
from functools import lru_cache
from typing import Final, Literal, assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec import Struct

Algorithm = Literal["md5", "sha1", "sha256", "sha384", "sha512"]
KeyCoding = Literal["text", "hex", "base64", "sha1"]

_RSA_HASHES: Final = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha512": hashes.SHA512()}  # noqa: S303 - Paddle Classic
_CERTIFICATE: Final = "-----BEGIN CERTIFICATE"


class Hmac(Struct, frozen=True):
    """An HMAC. The key is the secret's text, what it says in hex or base64, or the SHA-1 of its text (Braintree).

    ``secret_first``: the secret also stands before the signed bytes (iyzico).
    """

    algorithm: str = "sha256"
    key: KeyCoding = "text"
    secret_first: bool = False

    @property
    def words(self) -> str:
        """``HMAC-SHA256``."""
        return f"HMAC-{self.algorithm.upper()}"

    def expected(self, secret: str, signed: bytes) -> bytes | None:
        """The digest; None where the secret cannot be decoded."""
        key = key_bytes(secret, self.key)
        if key is None:
            return None
        return hmac.digest(key, secret.encode() + signed if self.secret_first else signed, self.algorithm)

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """In constant time."""
        expected = self.expected(secret, signed)
        return expected is not None and hmac.compare_digest(expected, given)


class Hash(Struct, frozen=True):
    """A plain hash of the signed bytes with the secret before or after them."""

    algorithm: Algorithm
    place: Literal["before", "after"]

    @property
    def words(self) -> str:
        """``SHA512 with the secret after it``."""
        return f"{self.algorithm.upper()} with the secret {self.place} it"

    def expected(self, secret: str, signed: bytes) -> bytes | None:
        """The digest."""
        whole = secret.encode() + signed if self.place == "before" else signed + secret.encode()
        return hashlib.new(self.algorithm, whole, usedforsecurity=False).digest()  # the company's choice, not ours

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """In constant time."""
        expected = self.expected(secret, signed)
        return expected is not None and hmac.compare_digest(expected, given)


class Same(Struct, frozen=True):
    """A word that both sides know is sent as it is; it protects nothing else of the request."""

    @property
    def words(self) -> str:
        """What it is."""
        return "the secret itself"

    def expected(self, secret: str, signed: bytes) -> bytes | None:  # noqa: ARG002 - the port's signature
        """The secret's own bytes."""
        return secret.encode()

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:  # noqa: ARG002 - the port's signature
        """In constant time, whatever the lengths."""
        return hmac.compare_digest(secret.encode(), given)


class Rsa(Struct, frozen=True):
    """RSA with PKCS #1 v1.5 padding; the secret is the company's public key, or its certificate, as PEM."""

    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"

    @property
    def words(self) -> str:
        """``RSA-SHA256``."""
        return f"RSA-{self.algorithm.upper()}"

    def expected(self, secret: str, signed: bytes) -> bytes | None:  # noqa: ARG002 - the port's signature
        """Only the holder of the private key can tell."""
        return None

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """Whether the key verifies it; False for a text that is no RSA key."""
        key = public_key(secret)
        if key is None:
            return False
        try:
            key.verify(given, signed, PKCS1v15(), _RSA_HASHES[self.algorithm])
        except InvalidSignature:
            return False
        return True


def key_bytes(secret: str, coding: KeyCoding) -> bytes | None:
    """The key that a secret stands for; None where it is not in that coding."""
    match coding:
        case "text":
            return secret.encode()
        case "sha1":
            return hashlib.sha1(secret.encode(), usedforsecurity=False).digest()
        case "hex" | "base64":
            try:
                return binascii.unhexlify(secret) if coding == "hex" else b64decode(secret, validate=True)
            except ValueError:
                return None
        case _:
            assert_never(coding)


@lru_cache(maxsize=256)  # reading a key costs more than using it
def public_key(pem: str) -> RSAPublicKey | None:
    """The RSA key in a PEM text, out of a certificate too; None where there is none."""
    try:
        raw = pem.encode()
        found = load_pem_x509_certificate(raw).public_key() if _CERTIFICATE in pem else load_pem_public_key(raw)
    except ValueError:
        return None
    return found if isinstance(found, RSAPublicKey) else None
