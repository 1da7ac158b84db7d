"""What gateways do alike whose API is asked: where, with which credentials, and about what."""

from base64 import b64encode
from typing import Final

from paybell.gateways.kit.options import text_option
from paybell.model.fact import Parsed
from paybell.model.notification import Notification
from paybell.model.source import Source
from paybell.ports import SUBJECT_HEADER

UNASKED: Final = Parsed(reason="a hint: believed only as the API confirms it")
"""What a hint by itself says."""


def subject(notification: Notification) -> str | None:
    """What an answer was asked about."""
    return dict(notification.headers).get(SUBJECT_HEADER)


def base_url(source: Source, default: str) -> str:
    """Where the API is, without a slash at the end: option ``baseUrl``, else the company's own place."""
    return text_option(source.options, "baseUrl", default).rstrip("/")


def basic(user: str, password: str = "") -> tuple[str, str]:
    """The header of HTTP Basic (RFC 7617)."""
    return "authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode()
