"""The settings of the HTTP sender."""

from ipaddress import IPv4Network, IPv6Network

from msgspec import Struct

from paybell.errors import ConfigurationError

Network = IPv4Network | IPv6Network


class HttpSenderConfig(Struct, frozen=True, kw_only=True):
    """Limits of the HTTP sender; the total deadline and the answer's limit come with each ``Sending``."""

    connect_timeout_s: float = 3.0
    """How long one address may take to accept a TCP connection, within the request's total deadline."""
    connect_stagger_s: float = 0.25
    """How long an address may take before the next one of the host is tried beside it (RFC 8305)."""
    addresses_max: int = 4
    """How many addresses of one host are tried before the connection counts as failed."""
    lookups_max: int = 64
    """How many names are looked up at once, each on a thread; a quarter of them for names that were slow before."""
    idle_s: float = 30.0
    """How long an unused keep-alive connection is kept."""
    idle_connections_max: int = 1_000
    """How many unused connections are kept in all; beyond that the longest unused one is closed."""
    connection_age_max_s: float = 300.0
    """How long a connection is used again before the host is resolved and judged anew."""
    targets_max: int = 16_384
    """How many parsed URLs are remembered, a kilobyte or two each."""
    tls_contexts_max: int = 128
    """How many TLS contexts with a client certificate are kept, a megabyte each; the longest unused one goes."""
    allowed_networks: tuple[Network, ...] = ()
    """Networks opened in spite of the address guard, for development and tests; nothing by default."""
    user_agent: str = "Paybell"
    """The ``User-Agent`` header of every request."""

    def __post_init__(self) -> None:
        """Refuse limits that would stop every request, with :class:`~paybell.errors.ConfigurationError`."""
        for name in (
            "connect_timeout_s",
            "connect_stagger_s",
            "addresses_max",
            "lookups_max",
            "idle_s",
            "connection_age_max_s",
            "targets_max",
            "tls_contexts_max",
        ):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be above 0")
        if self.idle_connections_max < 0:
            raise ConfigurationError("idle_connections_max must be 0 (keep no connection) or more")
        if not (self.user_agent.isascii() and self.user_agent.isprintable()):
            raise ConfigurationError("user_agent must be printable ASCII without line breaks")
