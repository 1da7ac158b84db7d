"""Easebuzz: a form with a hash of salt, status, the merchant's fields and key, as PayU India's.

Sources: paywitheasebuzz-php-lib (``easebuzz-lib/utils.php``) and paywitheasebuzz-nodejs-lib. ``easepayid``,
``net_amount_debit``, the mode and the error fields are not under the hash and are not believed, so the payment is known
by ``txnid``, the merchant's own id. Webhooks for refunds, payouts and settlements have other shapes: they are refused.
"""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit.base import Base
from paybell.gateways.payu_india import reverse_hash
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_KINDS: Final[Mapping[str, Kind]] = {
    "success": Kind.CAPTURED,
    **dict.fromkeys(("failure", "failed", "usercancelled", "dropped", "bounced"), Kind.FAILED),
    **dict.fromkeys(("pending", "initiated", "preinitiated"), Kind.PROCESSING),
}


class Easebuzz(Base):
    """Options: ``merchantKey`` (needed)."""

    about = About(
        name="easebuzz",
        title="Easebuzz",
        docs_url="https://docs.easebuzz.in/docs/payment-gateway/",
        credential="the salt beside the merchant key",
        signed="salt, status, udfs, email, firstname, productinfo, amount, txnid and key, SHA-512 in hex, field hash",
        dedupe="SHA-256 of the hashed fields",
        retries="5 times every 30 minutes, says a third party",
        believed="the hashed fields; not easepayid, net_amount_debit, mode and errors",
        unverified=("retries", "webhooks for refunds, payouts and settlements: not read"),
    )
    checks = reverse_hash.OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a source without the merchant key, too."""
        super().check(source)
        reverse_hash.check_key(source, self.where)

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The hash of the fields; no time is signed."""
        return reverse_hash.claims(request, source)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by what the hash covers."""
        return Verified(reverse_hash.dedupe_key(request))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the hashed fields, at the time of arrival."""
        return reverse_hash.read(notification.body, _KINDS, notification.received_at_ms)


GATEWAY: Final[Gateway] = Easebuzz()
