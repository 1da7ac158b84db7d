"""PayU India: a form with a hash of salt, status, the merchant's fields and key.

Sources: docs.payu.in (transaction callback, webhooks for payments) and the tests of activemerchant/offsite_payments.
``mihpayid``, ``unmappedstatus``, ``mode`` and the error fields are not under the hash and are not believed, so the
payment is known by ``txnid``, the merchant's own id. Webhooks for refunds have other fields and no such hash: they are
refused.
"""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import options
from paybell.gateways.kit.base import Base
from paybell.gateways.payu_india import reverse_hash
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_CHARGES: Final = ("additionalCharges", "additional_charges")
_KINDS: Final[Mapping[str, Kind]] = {
    "success": Kind.CAPTURED,
    **dict.fromkeys(("failure", "failed"), Kind.FAILED),
    "pending": Kind.PROCESSING,
}


class PayuIndia(Base):
    """Options: ``merchantKey`` (needed); ``capture``: whether ``success`` means paid, or only authorised."""

    about = About(
        name="payu_india",
        title="PayU India",
        docs_url="https://docs.payu.in/docs/webhooks",
        credential="the salt beside the merchant key",
        signed="salt, status, udfs, email, firstname, productinfo, amount, txnid and key, SHA-512 in hex, field hash",
        dedupe="SHA-256 of the hashed fields",
        retries="unknown",
        believed="the hashed fields; not mihpayid, unmappedstatus, mode and errors",
        unverified=(
            "retries",
            "the name of the field with additional charges: additionalCharges or additional_charges",
            "that an authorisation which is not captured has the status success (option capture)",
        ),
    )
    checks: Mapping[str, options.Check] = {**reverse_hash.OPTIONS, "capture": options.one_of("automatic", "manual")}

    def check(self, source: Source) -> None:
        """Refuse a source without the merchant key, too."""
        super().check(source)
        reverse_hash.check_key(source, self.where)

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The hash of the fields, with additional charges before it where there are some; no time is signed."""
        return reverse_hash.claims(request, source, _CHARGES)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by what the hash covers."""
        return Verified(reverse_hash.dedupe_key(request))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from the hashed fields, at the time of arrival."""
        manual = options.text_option(source.options, "capture") == "manual"
        kinds = {**_KINDS, "success": Kind.AUTHORIZED} if manual else _KINDS
        return reverse_hash.read(notification.body, kinds, notification.received_at_ms)


GATEWAY: Final[Gateway] = PayuIndia()
