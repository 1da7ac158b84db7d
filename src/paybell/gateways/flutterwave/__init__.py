"""Flutterwave API v3: a word that both sides know stands in a header, and nothing of the body is signed.

Sources: developer.flutterwave.com/docs (webhooks, transaction verification, refunds). So a webhook is a hint, and the
truth is asked of ``GET /v3/transactions/{id}/verify`` or, for a refund or a transfer, of
``GET /v3/refunds/{id}`` and ``GET /v3/transfers/{id}``.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.flutterwave import answer, common
from paybell.gateways.kit import asking, metadata, options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Same
from paybell.gateways.kit.payloads import body_key, decoder, ident, read, text
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import SUBJECT_HEADER, About, Claim, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.flutterwave.com"
_HEADER: Final = "verif-hash"
_PATH: Final = "transactions/{}/verify"
_ID: Final = re.compile(r"[0-9]{1,20}")


_OPTIONS: Final[Mapping[str, options.Check]] = {
    "secretKey": options.key_like,
    "baseUrl": options.base_url,
    "refundCurrency": common.currency,
    **metadata.CHECKS,
}


class _Named(Struct):
    id: int | str | None = None


class _Hint(Struct):
    event: str | None = None
    data: _Named | None = None


_HINT: Final = decoder(_Hint)


class Flutterwave(Base):
    """Options: ``secretKey`` (to ask), ``refundCurrency`` (where it names none), ``trustMetadata``, ``baseUrl``."""

    about = About(
        name="flutterwave",
        title="Flutterwave",
        docs_url="https://developer.flutterwave.com/docs/webhooks",
        credential="the secret hash you chose for the webhook in Flutterwave's dashboard",
        signed="nothing: header verif-hash repeats the secret hash",
        dedupe="SHA-256 of the body; the same hint again asks again",
        retries="3 times every 30 minutes, if switched on in the dashboard",
        believed="nothing: the API is asked for the transaction, the refund or the transfer",
        unverified=(
            "retries",
            "the shape of refund webhooks",
            "all words of a refund's status but completed",
            "subscriptions: the API tells of none by its id, so their events are parked",
        ),
        secret_options=frozenset({"secretKey"}),
        secret_headers=frozenset({_HEADER.encode()}),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The secret hash itself."""
        given = signatures.header(request, _HEADER)
        if isinstance(given, Refused):
            return given
        return (Claim(method=Same(), signed=b"", given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint."""
        return Hint(body_key(request.body))

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the transaction, the refund or the transfer; None without a key."""
        subject = _subject(notification.body)
        key = options.text_option(source.options, "secretKey")
        if not key:
            return None
        base = asking.base_url(source, BASE_URL)
        return FetchPlan(
            url=f"{base}/v3/{common.path(subject, _PATH)}",
            headers=(("authorization", f"Bearer {key}"), ("accept", "application/json")),
            subject=subject,
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while status and amounts are."""
        return answer.key_of(subject, body)

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        subject = ident(asking.subject(notification), f"header {SUBJECT_HEADER}")
        return answer.read_body(notification.body, subject, source.options, notification.received_at_ms)


def _subject(body: bytes) -> str:
    hint = read(_HINT, body)
    found = str(hint.data.id) if hint.data is not None else ""
    return common.subject_of(text(hint.event), found, _ID, "digits", transfers=True)


GATEWAY: Final[FetchingGateway] = Flutterwave()
