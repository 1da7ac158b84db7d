"""Reading client certificates: what is of use is shown, what is not is refused in words that give nothing away."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from paybell.clock import SystemClock
from paybell.errors import ConfigurationError
from paybell.ports import Sending
from paybell.transports import read_certificate
from tests.authority import LOCKED, Authority, key_pem, new_key

NOW_MS = SystemClock().now_ms()
AUTHORITY = Authority()
KEY = new_key()
CERTIFICATE = AUTHORITY.certificate("hooks", KEY)
NO_DER = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def test_subject_expiry_and_fingerprint_are_shown() -> None:
    found = x509.load_pem_x509_certificate(CERTIFICATE.encode())
    shown = read_certificate(key_pem(KEY) + CERTIFICATE, NOW_MS)
    assert shown.subject == "CN=hooks"
    assert shown.expires_at_ms == int(found.not_valid_after_utc.timestamp() * 1000)
    assert bytes.fromhex(shown.fingerprint) == found.fingerprint(SHA256())


@pytest.mark.parametrize(
    "pem",
    [
        CERTIFICATE + key_pem(KEY),
        key_pem(KEY) + CERTIFICATE + AUTHORITY.pem,
        f"Bag Attributes\n    friendlyName: Bücher\n{CERTIFICATE}{PARAMETERS}{key_pem(KEY)}",
        (key_pem(KEY) + CERTIFICATE).replace("\n", "\r\n"),
    ],
)
def test_key_certificates_and_comments_may_stand_in_any_order(pem: str) -> None:
    assert read_certificate(pem, NOW_MS).subject == "CN=hooks"


@pytest.mark.parametrize("key", [rsa.generate_private_key(65_537, 2_048), ec.generate_private_key(ec.SECP384R1())])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_rsa_and_other_curves_are_taken_in_either_form(key: rsa.RSAPrivateKey, form: PrivateFormat) -> None:
    pem = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    assert read_certificate(pem + AUTHORITY.certificate("a", key), NOW_MS).subject == "CN=a"


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        ("", "one private key"),
        ("x" * 32_769, "at most 32768 characters"),
        (CERTIFICATE, "one private key"),
        (key_pem(KEY) * 2 + CERTIFICATE, "one private key"),
        (key_pem(KEY), "its certificate"),
        (key_pem(KEY, LOCKED) + CERTIFICATE, "is encrypted; decrypt it"),
        (key_pem(new_key()) + CERTIFICATE, "does not belong"),
        (key_pem(KEY) + AUTHORITY.pem + CERTIFICATE, "before its chain"),
        (key_pem(KEY).replace("M", "!") + CERTIFICATE, "private key is not valid PEM"),
        (key_pem(KEY) + NO_DER, "certificates are not valid PEM"),
        (key_pem(KEY) + CERTIFICATE + "\ud800", "not valid PEM"),
        (AUTHORITY.client_pem("a", days=-1), "expired on 2[0-9-]+ [0-9:]+ UTC; renew it"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_of_it_is_shown(pem: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_certificate(pem, NOW_MS)
    assert not any(line in str(caught.value) for line in pem.splitlines() if line and "--" not in line)
    assert caught.value.__cause__ is None


def test_it_is_refused_from_the_moment_of_its_expiry() -> None:
    pem = key_pem(KEY) + CERTIFICATE
    expires_at_ms = read_certificate(pem, NOW_MS).expires_at_ms
    read_certificate(pem, expires_at_ms - 1)
    with pytest.raises(ConfigurationError, match="expired"):
        read_certificate(pem, expires_at_ms)


@pytest.mark.parametrize(("bits", "words"), [(1_024, "KEY_TOO_SMALL"), (4_104, "at most 4096 bits")])
def test_keys_that_are_too_weak_or_too_slow_are_refused(bits: int, words: str) -> None:
    key = rsa.generate_private_key(65_537, bits)
    with pytest.raises(ConfigurationError, match=words):
        read_certificate(key_pem(key) + AUTHORITY.certificate("a", key), NOW_MS)


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    pem = key_pem(KEY) + CERTIFICATE
    at = data.draw(st.integers(0, len(pem)))
    damaged = pem[:at] + data.draw(st.text(max_size=4)) + pem[at + data.draw(st.integers(0, 4)) :]
    try:
        read_certificate(damaged, NOW_MS)
    except ConfigurationError:
        return


def test_a_request_does_not_show_what_it_carries() -> None:
    headers = (("authorization", "hidden"),)
    pem = key_pem(KEY) + CERTIFICATE
    sending = Sending(
        pool="ep_1", url="https://a.example/", headers=headers, body=b"hidden", timeout_s=1, client_certificate=pem
    )
    assert repr(sending) == "Sending(pool='ep_1', method='POST', url='https://a.example/')"
