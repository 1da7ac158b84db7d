"""Client certificates: a private key and its certificate chain in one PEM text, judged before anything uses them.

No error holds any of the text. The key reaches OpenSSL through a file in memory that has no name, never the disk.
"""

import os
import re
import ssl
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from paybell.errors import ConfigurationError
from paybell.ports import ClientCertificate

CERTIFICATE_CHARS_MAX: Final = 32_768
"""Room for a key, a certificate and a chain of some five more, with the comments that tools put between."""
RSA_BITS_MAX: Final = 4_096
"""Each handshake signs with the key on the event loop: 2 ms at this size, ten times that at four times the size."""
_KEY_BEGINS: Final = re.compile(r"^-----BEGIN [A-Z ]*PRIVATE KEY-----", re.MULTILINE)
_CERTIFICATE_BEGINS: Final = re.compile(r"^-----BEGIN CERTIFICATE-----", re.MULTILINE)


def read_certificate(pem: str, now_ms: int) -> ClientCertificate:
    """What may be shown of ``pem``; :class:`~paybell.errors.ConfigurationError` if it is of no use at that time."""
    shown = load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem)
    refusal = expiry_refusal(shown, now_ms)
    if refusal:
        raise ConfigurationError(f"{refusal}; renew it")
    return shown


def expiry_refusal(certificate: ClientCertificate, now_ms: int) -> str:
    """Why it is too late to use it; '' while it is not."""
    if now_ms < certificate.expires_at_ms:
        return ""
    expired_at = datetime.fromtimestamp(certificate.expires_at_ms / 1000, UTC)
    return f"the client certificate expired on {expired_at:%Y-%m-%d %H:%M} UTC"


def load_certificate(context: ssl.SSLContext, pem: str) -> ClientCertificate:
    """Let ``context`` show the certificate; ``ConfigurationError`` says what is wrong with the text."""
    shown = _read(pem)
    with open(os.memfd_create("client-certificate"), "wb") as file:  # noqa: PTH123 - a descriptor, no path
        file.write(pem.encode())
        file.flush()
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")
        except ssl.SSLError as error:
            reason = error.reason or "no reason given"
            raise ConfigurationError(f"OpenSSL does not take the client certificate ({reason}); renew it") from None
    return shown


def _read(pem: str) -> ClientCertificate:
    if len(pem) > CERTIFICATE_CHARS_MAX:
        raise ConfigurationError(f"the client certificate must be at most {CERTIFICATE_CHARS_MAX} characters of PEM")
    if len(_KEY_BEGINS.findall(pem)) != 1:
        raise ConfigurationError("the client certificate must hold one private key (-----BEGIN PRIVATE KEY-----)")
    if not _CERTIFICATE_BEGINS.search(pem):
        raise ConfigurationError("the client certificate must hold its certificate (-----BEGIN CERTIFICATE-----)")
    public_key = _public_key(pem)
    try:
        certificate = x509.load_pem_x509_certificates(pem.encode())[0]
        matches = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public_key
        return _shown(certificate) if matches else _refuse_other_key()
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001 - a parser of strangers' bytes: whatever it raises, the text is no good
        raise ConfigurationError("the client certificate's certificates are not valid PEM") from None


def _public_key(pem: str) -> bytes:
    try:
        # Whether a key's primes are primes takes seconds to tell; that it is the certificate's is what counts.
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        raise ConfigurationError("the client certificate's private key is encrypted; decrypt it first") from None
    except Exception:  # noqa: BLE001 - a parser of strangers' bytes: whatever it raises, the text is no good
        raise ConfigurationError("the client certificate's private key is not valid PEM") from None
    if isinstance(key, RSAPrivateKey) and key.key_size > RSA_BITS_MAX:
        raise ConfigurationError(f"the client certificate's RSA key must have at most {RSA_BITS_MAX} bits")
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _refuse_other_key() -> ClientCertificate:
    raise ConfigurationError(
        "the private key does not belong to the first certificate; put the key's own certificate before its chain"
    )


def _shown(certificate: x509.Certificate) -> ClientCertificate:
    return ClientCertificate(
        subject=certificate.subject.rfc4514_string(),
        expires_at_ms=int(certificate.not_valid_after_utc.timestamp() * 1000),
        fingerprint=certificate.fingerprint(SHA256()).hex(),
    )
