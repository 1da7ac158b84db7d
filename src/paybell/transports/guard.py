"""Which addresses a delivery may go to: decided on the address itself, never on a URL's text or a host's name.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its successors), RFC 7526 for
192.88.99.0/24, and the cloud providers' metadata addresses. IPv6 is an allow-list (2000::/3, all that IANA has given
out as global unicast), so that a range invented later is refused until somebody opens it.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from msgspec import Struct

from paybell.transports.config import Network

Address = IPv4Address | IPv6Address

REFUSED_V4: Final[dict[IPv4Network, str]] = {
    IPv4Network(network): name
    for network, name in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a carrier, or cloud metadata",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link-local, or cloud metadata",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "IETF protocols, or cloud metadata",
        "192.0.2.0/24": "documentation",
        "192.31.196.0/24": "AS112",
        "192.52.193.0/24": "AMT",
        "192.88.99.0/24": "6to4 relay",
        "192.168.0.0/16": "private",
        "192.175.48.0/24": "AS112",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved, or broadcast",
        "168.63.129.16/32": "cloud platform",
    }.items()
}
"""Every special-purpose range, with the word for it."""

GLOBAL_V6: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that holds public hosts."""

REFUSED_V6: Final[dict[IPv6Network, str]] = {
    IPv6Network(network): name
    for network, name in {
        "2001::/23": "IETF protocols, Teredo",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "2620:4f:8000::/48": "AS112",
        "3fff::/20": "documentation",
    }.items()
}
"""Special ranges within the global part."""


class AddressGuard(Struct, frozen=True):
    """Judges addresses. ``allowed_networks`` opens exactly those networks, and nothing is open without it."""

    allowed_networks: tuple[Network, ...] = ()

    def refusal(self, address: str | Address) -> str:
        """Why no connection may go to ``address`` (an IP literal or address); '' when it may."""
        try:
            found = _unmapped(ip_address(address))
        except ValueError:
            return f"{address} is not an IP address"
        if any(found in network for network in self.allowed_networks if network.version == found.version):
            return ""
        name = _special_name(found)
        return f"{address} is not a public address ({name})" if name else ""


def _unmapped(address: Address) -> Address:
    """The IPv4 address inside ``::ffff:0:0/96``: the machine connects to that one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _special_name(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return next((name for network, name in REFUSED_V4.items() if address in network), "")
    if address not in GLOBAL_V6:
        return "outside 2000::/3"
    return next((name for network, name in REFUSED_V6.items() if address in network), "")
