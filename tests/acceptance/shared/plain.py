"""The plain way: the vector's secret is the source's, its headers and body are the request."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from paybell.model.notification import Request

Vector = Mapping[str, Any]


class Case(Struct, frozen=True, kw_only=True):
    """A request for a gateway, and what its source holds."""

    gateway: str
    request: Request
    secrets: tuple[str, ...]
    options: Mapping[str, object] = {}
    token: str = ""
    now_ms: int


def plain(gateway: str, vector: Vector, *, secrets: tuple[str, ...] | None = None, **options: object) -> Case:
    return Case(
        gateway=gateway,
        request=Request(vector["body"].encode(), headers(vector["headers"])),
        secrets=(vector["secret"],) if secrets is None else secrets,
        options=options,
        now_ms=now_ms(vector),
    )


def headers(given: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode()) for name, value in given.items())


def now_ms(vector: Vector) -> int:
    """When it is judged; where it does not say, at the time it was signed."""
    now_s = vector.get("now")
    return now_s * 1000 if isinstance(now_s, int) else _signed_at_ms(vector["headers"])


def _signed_at_ms(given: Mapping[str, str]) -> int:
    for part in ",".join(given.values()).replace(";", ",").split(","):
        digits = part.strip().rpartition("=")[2]
        if digits.isdigit() and 4 <= len(digits) <= 13:
            return int(digits) * (1 if len(digits) == 13 else 1000)
    return 0


def bodies(name: str, raw: bytes) -> list[bytes]:
    """A sample as its gateway sends it; unwrapped where it was captured together with its headers."""
    if name.endswith((".txt", ".jsonl", ".xml")):
        return [raw]
    value = json.loads(raw)
    inner = value.get("body", value) if isinstance(value, dict) else value
    if inner is value:
        return [raw]
    return [inner.encode() if isinstance(inner, str) else json.dumps(inner).encode()]
