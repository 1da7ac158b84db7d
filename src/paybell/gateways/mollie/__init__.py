"""Mollie, classic: a webhook is a form with an id, and nothing is signed; the payment is asked of the API.

Source: Mollie's documentation ("Webhooks", "Get payment"). The id may be anybody's: what is not found says nothing.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from paybell.errors import MalformedPayload
from paybell.gateways.kit import asking, options, payloads
from paybell.gateways.kit.base import Unsigned
from paybell.gateways.mollie import payments
from paybell.gateways.mollie.shapes import Payment
from paybell.model.fact import Parsed
from paybell.model.notification import Answer, Hint, Notification, Origin, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.mollie.com"
_PAYMENT_ID: Final = re.compile(r"tr_[A-Za-z0-9]{1,64}")
_PAYMENT: Final = payloads.decoder(Payment)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_OPTIONS: Final[Mapping[str, options.Check]] = {"apiKey": options.key_like, "baseUrl": options.base_url}


class Mollie(Unsigned):
    """Options: ``apiKey`` (to ask the API), ``baseUrl``."""

    about = About(
        name="mollie",
        title="Mollie",
        docs_url="https://docs.mollie.com/reference/webhooks",
        credential="",
        signed="nothing, by design: the form holds only an id",
        dedupe="SHA-256 of the body; the same id again asks again",
        retries="10 times within 26 hours",
        believed="nothing: the API is asked for the payment, its captures, refunds and chargebacks",
        has_token=True,
        secret_options=frozenset({"apiKey"}),
        answer=Answer(b"", b"text/plain"),
    )
    checks = _OPTIONS

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint, and for every id the same answer."""
        return Hint(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        payment = payloads.read(_PAYMENT, notification.body)
        if payment.id != asking.subject(notification):
            return Parsed(reason="the answer is about another payment", final=False)
        facts, unknown = payments.facts_of(payment)
        return Parsed(event=f"payment.{payment.status}", facts=facts, reason=unknown, livemode=payment.livemode)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the payment; None without a key, ``MalformedPayload`` for an id that is no payment's."""
        found = payloads.form(notification.body).get("id", "")
        if not _PAYMENT_ID.fullmatch(found):
            raise MalformedPayload(f"only payments (tr_…) can be asked about, not {payloads.shown(found)}")
        return payment_plan(found, source)

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while neither the payment nor a refund or chargeback of it changes."""
        return decisive_key(subject, payments.decisive(payloads.read(_PAYMENT, body)))


def payment_plan(payment_id: str, source: Source) -> FetchPlan | None:
    """The question about a payment."""
    return plan(f"/v2/payments/{payment_id}?embed=captures,refunds,chargebacks", payment_id, source)


def plan(path: str, subject: str, source: Source) -> FetchPlan | None:
    """A question to the API; None without a key."""
    key = options.text_option(source.options, "apiKey")
    if not key:
        return None
    base = asking.base_url(source, BASE_URL)
    headers = (("authorization", f"Bearer {key}"), ("accept", "application/hal+json"))
    return FetchPlan(url=base + path, headers=headers, subject=subject)


def decisive_key(subject: str, said: object) -> str:
    """A key that changes when what was said does."""
    return "poll:" + sha256(_ENCODER.encode([subject, said])).hexdigest()


GATEWAY: Final[FetchingGateway] = Mollie()
