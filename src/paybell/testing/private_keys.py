"""RSA keys of pretend gateways that sign with a private one: made anew in each process, kept nowhere."""

from base64 import b64encode
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


@cache
def private_pem() -> str:
    """This process's own key."""
    key = generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().strip()


@cache
def public_pem(private: str) -> str:
    """The public key to a private one."""
    return _key(private).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip()


def base64_rsa_sha256(private: str, signed: bytes) -> str:
    """A signature by PKCS #1 v1.5, in base64."""
    return b64encode(_key(private).sign(signed, PKCS1v15(), SHA256())).decode()


@cache
def _key(private: str) -> RSAPrivateKey:
    key = load_pem_private_key(private.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("a pretend gateway signs with an RSA key")
    return key
