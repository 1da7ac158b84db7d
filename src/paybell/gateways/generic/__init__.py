"""Any sender that signs its body with an HMAC: where things are is said by options, as JSON pointers.

Its defaults read the envelope that Paybell itself sends, so one Paybell can listen to another.
"""

from collections.abc import Mapping
from typing import Final

from paybell.errors import MalformedPayload
from paybell.gateways.generic.reading import CHECKS, read
from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.payloads import at_pointer, body_key, decode, id_key
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {**options.SCHEME_CHECKS, **CHECKS, "idPointer": options.pointer}


class Generic(Base):
    """Options, with their defaults.

    Signature: ``header`` (required), ``algorithm`` (sha256), ``encoding`` (hex), ``prefix`` (''), ``timestampHeader``
    (none), ``signedTemplate`` ('{body}', or '{timestamp}.{body}' with a time), ``toleranceSeconds`` (300). Places:
    ``eventPointer``, ``paymentIdPointer``, ``orderIdPointer``, ``statusPointer``, ``amountPointer``,
    ``currencyPointer``, ``timestampPointer``, and, none by default, ``idPointer`` (the event's own id, to know
    duplicates by) and ``refundIdPointer``. Meaning: ``amountUnit`` ('major'), ``statusMap`` (their word to ours,
    before the built-in words).
    """

    about = About(
        name="generic",
        title="Any sender with an HMAC",
        docs_url="https://www.rfc-editor.org/rfc/rfc2104",
        credential="the secret you share with the sender",
        signed="the raw body, or a template with a time, HMAC as the options say",
        dedupe="the id at idPointer, else SHA-256 of the body",
        retries="unknown",
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a missing ``header``, too, and a time that is not signed."""
        super().check(source)
        options.check_scheme(source.options, self.where)

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """HMAC over the raw body (and the time, if one is signed) as the options describe it."""
        return signatures.claims_of(request, source.secrets, options.scheme(source.options))

    def accept(self, request: Request, source: Source) -> Verdict:
        """Known by the id at ``idPointer``, else by the body's hash."""
        return Verified(_dedupe_key(request.body, source))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """One payment's status, as the options say where it stands."""
        return read(notification, source)


def _dedupe_key(body: bytes, source: Source) -> str:
    pointer = options.text_option(source.options, "idPointer")
    if not pointer:
        return body_key(body)
    try:
        return id_key(at_pointer(decode(body), pointer), body)
    except MalformedPayload:
        return body_key(body)


GATEWAY: Final[Gateway] = Generic()
