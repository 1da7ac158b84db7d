"""Judging HMAC signatures over raw bytes: every live secret, constant time, and a verdict instead of an exception."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from paybell.model.notification import RefusalReason, Refused, Request

ALGORITHMS: Final = ("sha256", "sha512", "sha1")
ENCODINGS: Final = ("hex", "base64")
HEADER_BYTES_MAX: Final = 4096
TOLERANCE_S: Final = 300
_DIGITS_MAX: Final = 13
_MILLISECONDS_FROM: Final = 100_000_000_000


class Scheme(Struct, frozen=True, kw_only=True):
    """How a gateway signs. ``header`` and ``timestamp_header`` are lower case.

    ``timestamp_header`` is '' where no time is signed. ``template`` says what is signed: ``{body}`` is the raw body and
    ``{timestamp}`` the header's text.
    """

    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    template: str = "{body}"
    tolerance_s: int = TOLERANCE_S


def unfit(request: Request, secrets: Sequence[str]) -> Refused | None:
    """Why a request cannot even be judged: no secret to judge with, or a body that is not as it was signed."""
    if not any(secrets):
        return Refused(RefusalReason.NO_SECRET, "the source has no signing secret: set the one the gateway shows")
    coding = request.header(b"content-encoding")
    if coding is not None and coding.strip().lower() not in {b"", b"identity"}:
        return Refused(RefusalReason.CONTENT_ENCODING, "the body came compressed, so its signed bytes are unknown")
    return None


def judge(request: Request, secrets: Sequence[str], scheme: Scheme, now_ms: int) -> Refused | None:
    """None when the signature under ``scheme`` is right and its time, if one is signed, is near; else why not."""
    raw = request.header(scheme.header.encode())
    if not raw:
        return Refused(RefusalReason.HEADER_MISSING, f"there is no header {scheme.header}")
    digest = decoded(raw, scheme)
    if digest is None:
        return Refused(RefusalReason.MALFORMED_SIGNATURE, f"{scheme.header} is not {_form(scheme)}")
    timestamp = request.header(scheme.timestamp_header.encode()) if scheme.timestamp_header else b""
    if timestamp is None:
        return Refused(RefusalReason.HEADER_MISSING, f"there is no header {scheme.timestamp_header}")
    signed = _filled(scheme.template, timestamp, request.body)
    if not matches(signed, [digest], secrets, scheme.algorithm):
        return Refused(RefusalReason.SIGNATURE_MISMATCH, "no secret of the source gives this signature")
    return judge_time(timestamp, scheme.tolerance_s, now_ms) if scheme.timestamp_header else None


def matches(signed: bytes, digests: Iterable[bytes], secrets: Sequence[str], algorithm: str = "sha256") -> bool:
    """Whether any digest is the HMAC of ``signed`` under any secret; always makes every comparison."""
    given = list(digests)
    matched = False
    for secret in secrets:
        if secret:
            expected = hmac.digest(secret.encode(), signed, algorithm)
            for digest in given:
                matched |= hmac.compare_digest(expected, digest)
    return matched


def judge_time(raw: bytes, tolerance_s: int, now_ms: int) -> Refused | None:
    """Whether a signed time (seconds or milliseconds since 1970) is within the tolerance of now, either way."""
    if not raw.isdigit() or len(raw) > _DIGITS_MAX:
        return Refused(RefusalReason.TIMESTAMP_MALFORMED, "the signed time is not a number of seconds since 1970")
    number = int(raw)
    age_ms = now_ms - (number if number >= _MILLISECONDS_FROM else number * 1000)
    if age_ms > tolerance_s * 1000:
        return Refused(RefusalReason.TIMESTAMP_TOO_OLD, f"signed {age_ms // 1000} s ago, over {tolerance_s} s")
    if -age_ms > tolerance_s * 1000:
        ahead_s = -age_ms // 1000
        return Refused(RefusalReason.TIMESTAMP_IN_FUTURE, f"signed {ahead_s} s ahead of this clock: is it right?")
    return None


def decoded(raw: bytes, scheme: Scheme) -> bytes | None:
    """The digest that a header's value says, None where it says none of the right length."""
    if len(raw) > HEADER_BYTES_MAX or not raw.startswith(scheme.prefix.encode()):
        return None
    value = raw[len(scheme.prefix) :]
    digest = unhex(value) if scheme.encoding == "hex" else _unbase64(value)
    return digest if digest is not None and len(digest) == hashlib.new(scheme.algorithm).digest_size else None


def unhex(value: bytes) -> bytes | None:
    """Bytes from hex digits of either case; None for anything else."""
    try:
        return binascii.unhexlify(value)
    except ValueError:
        return None


def pairs(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The ``name=value`` items of a list with commas; items without ``=`` are passed over."""
    for item in raw.split(b","):
        name, found, value = item.partition(b"=")
        if found:
            yield name.strip(), value.strip()


def _unbase64(value: bytes) -> bytes | None:
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    # Base64 has several texts for the same bytes; only the regular one is a signature.
    return digest if base64.b64encode(digest) == value else None


def _filled(template: str, timestamp: bytes, body: bytes) -> bytes:
    if template == "{body}":
        return body
    before, _, after = template.partition("{body}")
    return _timed(before, timestamp) + body + _timed(after, timestamp)


def _timed(part: str, timestamp: bytes) -> bytes:
    return part.encode().replace(b"{timestamp}", timestamp)


def _form(scheme: Scheme) -> str:
    start = f"{scheme.prefix!r} and then " if scheme.prefix else ""
    return f"{start}an HMAC-{scheme.algorithm.upper()} in {scheme.encoding}"
