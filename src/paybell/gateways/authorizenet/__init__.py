"""Authorize.Net: signed notifications of transactions. What they leave out is asked of the API.

Sources: Authorize.Net's docs ("Webhooks", "Get transaction details"), public implementations for the key (its text, not
what its hex says). A refund does not name the payment it is of, and an approved transaction not whether it is captured:
both are hints. No currency is written anywhere, as an account has one: option ``currency``.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways.authorizenet import details, event
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.base import Base
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.authorize.net"
_SCHEME: Final = signatures.Scheme(header="x-anet-signature", algorithm="sha512", prefix="sha512=")
_KEYS: Final = ("apiLoginId", "transactionKey")


def _currency(value: object) -> str:
    try:
        return "" if currency_code(value) == value else "three capital letters"
    except AmountError:
        return "a currency of ISO 4217 such as 'USD'"


_OPTIONS: Final[Mapping[str, options.Check]] = {
    **dict.fromkeys(_KEYS, options.key_like),
    "baseUrl": options.base_url,
    "currency": _currency,
}


class AuthorizeNet(Base):
    """Options: ``apiLoginId`` and ``transactionKey`` (to ask the API), ``baseUrl`` (sandbox), ``currency`` (USD)."""

    about = About(
        name="authorizenet",
        title="Authorize.Net",
        docs_url="https://developer.authorize.net/api/reference/features/webhooks.html",
        credential="the signature key of the account",
        signed="the raw body, HMAC-SHA512 in hex, header x-anet-signature after 'sha512='",
        dedupe="the notification's id",
        retries="10 times within some days, then the webhook is switched off",
        believed="the body; a refund and an approval are asked about",
        unverified=(
            "that the signature key is used as its text (every public implementation that was read does)",
            "the number and times of retries",
        ),
        secret_options=frozenset({"transactionKey"}),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse half a pair of credentials."""
        super().check(source)
        if len(set(_KEYS) & set(source.options)) == 1:
            raise ConfigurationError(
                f"options 'apiLoginId' and 'transactionKey' of {self.where} go together: give both"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the notification's id; a hint where it does not say what it is of."""
        try:
            found = event.decode(request.body)
        except MalformedPayload:
            return Verified(payloads.body_key(request.body))
        key = payloads.id_key(found.notification_id, request.body)
        return Hint(key) if found.is_hint else Verified(key)

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from the transaction in the body, or in an answer of the API (``origin`` poll)."""
        currency = options.text_option(source.options, "currency", "USD")
        if notification.origin is Origin.POLL:
            subject = payloads.ident(asking.subject(notification), "the transaction asked about")
            return details.read(notification.body, subject, currency, notification.received_at_ms)
        return event.read(notification.body, currency)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the transaction's details; None without credentials."""
        transaction_id = event.transaction_id(event.decode(notification.body))
        login, key = (options.text_option(source.options, name) for name in _KEYS)
        if not login or not key:
            return None
        question = {
            "getTransactionDetailsRequest": {
                "merchantAuthentication": {"name": login, "transactionKey": key},
                "transId": transaction_id,
            }
        }
        return FetchPlan(
            url=asking.base_url(source, BASE_URL) + "/xml/v1/request.api",
            method="POST",
            headers=(("content-type", "application/json"), ("accept", "application/json")),
            body=msgspec.json.encode(question),
            subject=transaction_id,
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while the transaction changes neither its status nor its amounts."""
        return details.key(subject, body)


GATEWAY: Final[FetchingGateway] = AuthorizeNet()
