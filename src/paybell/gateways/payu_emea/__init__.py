"""PayU in Europe (OpenPayU REST API 2.1): a hash of the raw body and the second key.

Sources: openpayu_php (``OpenPayU/Util.php`` and its tests), developers.payu.com (payment lifecycle, notifications). The
header names an algorithm, which is not obeyed: the source's option ``algorithm`` says which one the point of sale uses.
"""

from collections.abc import Mapping
from hashlib import new
from typing import Final, cast

from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Algorithm, Hash
from paybell.gateways.kit.payloads import body_key
from paybell.gateways.payu_emea import facts
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha384", "sha512")
_OPTIONS: Final[Mapping[str, options.Check]] = {"algorithm": options.one_of(*_ALGORITHMS)}
_HEADERS: Final = ("openpayu-signature", "x-openpayu-signature")


class PayuEmea(Base):
    """Options: ``algorithm`` (md5), that of the point of sale."""

    about = About(
        name="payu_emea",
        title="PayU (Europe)",
        docs_url="https://developers.payu.com/europe/docs/payment-flows/lifecycle/",
        credential="the second key (MD5) of the point of sale",
        signed="the raw body with the second key after it, plain hash in hex, signature= of header openpayu-signature",
        dedupe="SHA-256 of the body",
        retries="20 times in growing steps, for 3 days",
        unverified=("the fields of refund notifications beside refundId, amount and status", "the end of the retries"),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The hash under the source's own algorithm, whatever the header names; no time is signed."""
        name = next((name for name in _HEADERS if request.header(name.encode())), _HEADERS[0])
        header = signatures.header(request, name)
        if isinstance(header, Refused):
            return header
        algorithm = cast("Algorithm", options.text_option(source.options, "algorithm", "md5"))
        given = [value for name, value in signatures.pairs(header.replace(b";", b",")) if name.lower() == b"signature"]
        digest = signatures.decoded(given[0], "hex", new(algorithm).digest_size) if len(given) == 1 else None
        if digest is None:
            return signatures.malformed(name, f"signature=<{algorithm} in hex>; option 'algorithm' chooses another one")
        return (Claim(method=Hash(algorithm, "after"), signed=request.body, given=(digest,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the order, or from the refund of one."""
        return facts.read_body(notification.body, notification.received_at_ms)


GATEWAY: Final[Gateway] = PayuEmea()
