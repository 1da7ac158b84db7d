"""A certificate authority of our own, for servers and clients of tests."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LOCKED = BestAvailableEncryption(b"word")


def key_pem(key: Key, encryption: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _identifiers(key: Key, signer: Key) -> tuple[x509.ExtensionType, x509.ExtensionType]:
    return (
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
    )


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """Signs certificates that are valid from yesterday for some days."""

    def __init__(self, name: str = "Test CA", *, above: "Authority | None" = None) -> None:
        """``above`` signs its certificate, if given; else it does so itself."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = (above or self)._issue(self._name, self._key, None, 2, is_authority=True)

    def _issue(
        self, subject: x509.Name, key: Key, alt: x509.GeneralName | None, days: int, *, is_authority: bool = False
    ) -> str:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=3)).not_valid_after(now + timedelta(days=days))
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        for extension in _identifiers(key, self._key):  # since Python 3.13 a chain without them is not believed
            builder = builder.add_extension(extension, critical=False)
        if is_authority:
            builder = builder.add_extension(_SIGNS, critical=True)
        if alt is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([alt]), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def certificate(self, name: str, key: Key, *, alt: x509.GeneralName | None = None, days: int = 1) -> str:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._issue(subject, key, alt, days)

    def client_pem(self, name: str, *, days: int = 1) -> str:
        """A private key and its certificate, as an endpoint is given them."""
        key = new_key()
        return key_pem(key) + self.certificate(name, key, days=days)

    def server(self, folder: Path, alt: x509.GeneralName, *, clients: "Authority | None" = None) -> ssl.SSLContext:
        """A server's context; it asks for a certificate signed by ``clients``, if given."""
        key = new_key()
        pem = folder / "server.pem"
        pem.write_text(key_pem(key) + self.certificate("server", key, alt=alt))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients.pem)
        return context

    def client(self) -> ssl.SSLContext:
        """A context that believes this authority alone."""
        return ssl.create_default_context(cadata=self.pem)
