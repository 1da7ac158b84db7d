"""What a request claims, and judging it: every live secret, constant time, and a verdict instead of an exception."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.methods import Hmac
from paybell.model.notification import RefusalReason, Refused, Request
from paybell.ports import Claim, Claims

ALGORITHMS: Final = ("sha256", "sha512", "sha1")
ENCODINGS: Final = ("hex", "base64")
HEADER_BYTES_MAX: Final = 4096
GIVEN_MAX: Final = 16
"""Signatures of one request that are tried; a gateway that rotates its secrets sends two or three."""
TOLERANCE_S: Final = 300
_DIGITS_MAX: Final = 13
_MILLISECONDS_FROM: Final = 100_000_000_000


class Scheme(Struct, frozen=True, kw_only=True):
    """An HMAC in a header, over the body. ``header`` and ``timestamp_header`` are lower case.

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


def claims_of(request: Request, secrets: tuple[str, ...], scheme: Scheme) -> Claims | Refused:
    """What a request under ``scheme`` claims."""
    raw = header(request, scheme.header)
    if isinstance(raw, Refused):
        return raw
    size = hashlib.new(scheme.algorithm).digest_size
    given = decoded(raw.removeprefix(scheme.prefix.encode()), scheme.encoding, size)
    if given is None or not raw.startswith(scheme.prefix.encode()):
        return malformed(scheme.header, _form(scheme))
    timestamp = header(request, scheme.timestamp_header) if scheme.timestamp_header else None
    if isinstance(timestamp, Refused):
        return timestamp
    return (
        Claim(
            method=Hmac(scheme.algorithm),
            signed=_filled(scheme.template, timestamp or b"", request.body),
            given=(given,),
            secrets=secrets,
            timestamp=timestamp,
            tolerance_s=scheme.tolerance_s,
        ),
    )


def judge(claim: Claim, now_ms: int) -> Refused | None:
    """None when a signature is right under a secret and its time, if one is signed, is near; else why not."""
    matched = False
    for secret in claim.secrets:
        if secret:
            for given in claim.given:
                matched |= claim.method.matches(secret, claim.signed, given)
    if not matched:
        return Refused(RefusalReason.SIGNATURE_MISMATCH, "no secret of the source gives this signature")
    return None if claim.timestamp is None else judge_time(claim.timestamp, claim.tolerance_s, now_ms)


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


def header(request: Request, name: str) -> bytes | Refused:
    """The value of a header (lower case) that must be there and at most 4 KiB long."""
    raw = request.header(name.encode())
    if not raw:
        return Refused(RefusalReason.HEADER_MISSING, f"there is no header {name}")
    if len(raw) > HEADER_BYTES_MAX:
        return Refused(RefusalReason.MALFORMED_SIGNATURE, f"{name} is too long")
    return raw


def malformed(where: str, wanted: str) -> Refused:
    """The signature's place holds something else than ``wanted``."""
    return Refused(RefusalReason.MALFORMED_SIGNATURE, f"{where} is not {wanted}")


def decoded(value: bytes, encoding: str, size: int) -> bytes | None:
    """The digest of ``size`` bytes that a text in hex or base64 says; None for anything else."""
    digest = unhex(value) if encoding == "hex" else unbase64(value)
    return digest if digest is not None and len(digest) == size else None


def digests(texts: Iterable[bytes], encoding: str, size: int) -> tuple[bytes, ...]:
    """What the first :data:`GIVEN_MAX` texts say; those that say no digest of that size are passed over."""
    found = [decoded(text, encoding, size) for text in islice(texts, GIVEN_MAX)]
    return tuple([digest for digest in found if digest is not None])


def unhex(value: bytes) -> bytes | None:
    """Bytes from hex digits of either case; None for anything else."""
    try:
        return binascii.unhexlify(value)
    except ValueError:
        return None


def unbase64(value: bytes) -> bytes | None:
    """Bytes from base64. It has several texts for the same bytes; only the regular one is a signature."""
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    return digest if base64.b64encode(digest) == value else None


def pairs(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The ``name=value`` items of a list with commas; items without ``=`` are passed over."""
    for item in raw.split(b","):
        name, found, value = item.partition(b"=")
        if found:
            yield name.strip(), value.strip()


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
