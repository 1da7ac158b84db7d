"""Xendit: a static token in a header, so each callback is a hint, and the API is asked for the object it names.

Sources: Xendit's docs ("Handle webhooks", "Payments API webhooks", "Get the status of a payment") and its SDKs. Asked
are payments and payment requests of its newer API, payment requests of its older one, their captures, invoices,
refunds, payouts.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from paybell.errors import MalformedPayload
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Same
from paybell.gateways.xendit import answer, hint
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import SUBJECT_HEADER, About, Claim, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.xendit.co"
_HEADER: Final = "x-callback-token"
_API_VERSIONS: Final[Mapping[hint.Kind, str]] = {
    hint.Kind.PAYMENT: "2024-11-11",
    hint.Kind.REQUEST: "2024-11-11",
    hint.Kind.V3_PAYOUT: "2025-09-09",
}
_OPTIONS: Final[Mapping[str, options.Check]] = {"secretKey": options.basic_user, "baseUrl": options.base_url}


class Xendit(Base):
    """Options: ``secretKey`` (to ask the API), ``baseUrl``."""

    about = About(
        name="xendit",
        title="Xendit",
        docs_url="https://docs.xendit.co/docs/handling-webhooks",
        credential="the webhook verification token of the account",
        signed="nothing: header x-callback-token is the token itself",
        dedupe="SHA-256 of the body; the same hint again asks again",
        retries="6 times within 24 h",
        believed="only the ids: the API is asked for the payment, payment request, invoice, refund or payout",
        unverified=(
            "subscription plans and their cycles: they are parked with a reason",
            "callbacks of the older products (virtual accounts, e-wallets, cards): they are parked with a reason",
            "the captures of a payment request, where it is captured by hand",
        ),
        secret_options=frozenset({"secretKey"}),
        secret_headers=frozenset({b"x-callback-token"}),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The token, which covers nothing of the body."""
        token = signatures.header(request, _HEADER)
        if isinstance(token, Refused):
            return token
        return (Claim(method=Same(), signed=b"", given=(token,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint."""
        return Hint(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        return answer.read(notification.body, _subject(notification), notification.received_at_ms)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the object that is named; None without a key."""
        subject = hint.subject(notification.body)
        key = options.text_option(source.options, "secretKey")
        if not key:
            return None
        base = asking.base_url(source, BASE_URL)
        headers = [
            asking.basic(key),
            ("accept", "application/json"),
        ]
        if version := _API_VERSIONS.get(subject.kind):
            headers.append(("api-version", version))
        path = subject.kind.path.format(quote(subject.id, safe=""))
        return FetchPlan(url=base + path, headers=tuple(headers), subject=str(subject))

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while the object changes neither its status nor an amount."""
        return answer.key(subject, body)


def _subject(notification: Notification) -> str:
    subject = asking.subject(notification)
    if not subject:
        raise MalformedPayload(f"an answer without the header {SUBJECT_HEADER}: the object asked about is unknown")
    return subject


GATEWAY: Final[FetchingGateway] = Xendit()
