"""What may be shown of a client certificate."""

from msgspec import Struct


class ClientCertificate(Struct, frozen=True, kw_only=True):
    """A certificate shown to an endpoint's server. ``fingerprint`` is the SHA-256 of its DER form, in hex."""

    subject: str
    expires_at_ms: int
    fingerprint: str
