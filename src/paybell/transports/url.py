"""Strict reading of an endpoint's URL: what is not plainly an http(s) URL is refused, never repaired."""

import re
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.transports.guard import AddressGuard

URL_CHARS_MAX: Final = 2_048
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?", re.IGNORECASE
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS: Final = {"http": 80, "https": 443}


class Target(Struct, frozen=True, kw_only=True):
    """A URL taken apart.

    ``host`` is lower case, an IPv6 literal without brackets. ``authority`` is the ``Host`` header, ``origin`` is
    ``scheme://host:port``, ``path`` includes the query; a fragment is dropped.
    """

    tls: bool
    host: str
    port: int
    literal: bool
    authority: str
    origin: str
    path: str


def parse_url(url: str) -> Target:
    """Take ``url`` apart; :class:`~paybell.errors.ConfigurationError` says what to write instead."""
    match = _URL.fullmatch(_printable(url))
    if match is None:
        raise ConfigurationError("the URL must start with https:// or http://")
    scheme = match["scheme"].lower()
    shown, port = _authority(match["authority"], _PORTS[scheme])
    host = shown.strip("[]")
    return Target(
        tls=scheme == "https",
        host=host,
        port=port,
        literal=_is_literal(shown),
        authority=shown if port == _PORTS[scheme] else f"{shown}:{port}",
        origin=f"{scheme}://{shown}:{port}",
        path=(match["path"] or "/") + (match["query"] or ""),
    )


def check_url(url: str, guard: AddressGuard | None = None) -> None:
    """Refuse a URL that could never be sent to, with :class:`~paybell.errors.ConfigurationError`.

    Syntax only, and an IP literal judged by ``guard`` (the strict one by default); a name is judged when a connection
    is opened, since what it resolves to may change at any time.
    """
    target = parse_url(url)
    refusal = (guard or AddressGuard()).refusal(target.host) if target.literal else ""
    if refusal:
        raise ConfigurationError(f"{refusal}; use a public address, or open its network in allow_private_networks")


def _printable(url: str) -> str:
    if len(url) > URL_CHARS_MAX:
        raise ConfigurationError(f"the URL must be at most {URL_CHARS_MAX} characters")
    if not url.isascii():
        raise ConfigurationError("the URL must be ASCII: write the host as xn--… and percent-encode the rest")
    if not url.isprintable() or " " in url or "\\" in url:
        raise ConfigurationError("the URL must not hold spaces, backslashes or control characters; percent-encode them")
    return url


def _authority(authority: str, port_default: int) -> tuple[str, int]:
    if "@" in authority:
        raise ConfigurationError("the URL must not hold a user name or password; use a header of the endpoint instead")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ConfigurationError("the URL must name a host and, if any, a port between 1 and 65535")
    port = int(match["port"] or port_default)
    if not 1 <= port <= 65_535:  # noqa: PLR2004 - the range of TCP ports
        raise ConfigurationError("the URL's port must be between 1 and 65535")
    return _host(match["host"].lower()), port


def _host(host: str) -> str:
    if _is_literal(host):
        return host
    labels = host.removesuffix(".").split(".")
    if host.startswith("[") or _NUMBER.fullmatch(labels[-1]):
        # 127.1, 2130706433 and 0x7f000001 are addresses to the system's resolver, and readable to nobody.
        raise ConfigurationError("the URL's address is misspelt: write IPv4 as four decimal numbers, IPv6 in brackets")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):  # noqa: PLR2004 - RFC 1035
        raise ConfigurationError("the URL's host is not a valid name")
    return ".".join(labels)


def _is_literal(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).version == (6 if host.startswith("[") else 4)
    except ValueError:
        return False
