"""IppoPay: notifications are hints, and the truth is asked of its REST API.

IppoPay publishes no signature for its webhooks (docs-api, ``rest-api.md``: an order takes a ``notify_url``, and nothing
says what arrives there). So the source's URL ends in a token nobody can guess, a merchant who has the private
specification may configure a verifier on top, and status and amount come from ``GET /v1/order/{id}/transaction`` alone.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, quote

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.ippopay import answer
from paybell.gateways.ippopay.shapes import ANSWER
from paybell.gateways.kit import asking, options, signatures
from paybell.gateways.kit.base import Unsigned
from paybell.gateways.kit.payloads import Record, at_pointer, body_key, decode, read, shown
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import SUBJECT_HEADER, About, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.ippopay.com"
_WHERE: Final = "gateway 'ippopay'"
_ORDER_ID: Final = re.compile(r"[A-Za-z0-9_@.-]{1,128}")
_FORM_FIELDS_MAX: Final = 100
_ORDER_KEYS: Final = ("order_id", "orderId")
_ORDER_POINTERS: Final = tuple(
    f"{parent}/{key}"
    for parent in ("", "/data", "/data/order", "/data/transaction", "/order", "/transaction", "/payload")
    for key in _ORDER_KEYS
)
_OPTIONS: Final[Mapping[str, options.Check]] = {
    "baseUrl": options.base_url,
    "publicKey": options.basic_user,
    "secretKey": options.key_like,
    "orderIdPointer": options.pointer,
    "verifier": lambda value: "" if isinstance(value, dict) else "an object with at least 'header'",
}
_VERIFIER: Final[Mapping[str, options.Check]] = {
    **{name: check for name, check in options.SCHEME_CHECKS.items() if name != "signedTemplate"},
    "template": options.template,
}


class IppoPay(Unsigned):
    """Options: ``publicKey`` and ``secretKey`` (to ask the API), ``baseUrl``, ``orderIdPointer``, ``verifier``.

    ``verifier`` is an object: ``header``, ``algorithm``, ``encoding``, ``prefix``, ``template``, ``timestampHeader``,
    ``toleranceSeconds``; its secrets are the source's.
    """

    about = About(
        name="ippopay",
        title="IppoPay",
        docs_url="https://github.com/ippopay/docs-api",
        credential="",
        signed="nothing that is published; option 'verifier' is for an account that has a private specification",
        dedupe="SHA-256 of the body; the same hint again asks again",
        retries="unknown",
        believed="nothing: the API is asked for the order's transactions",
        unverified=("the notification's shape", "the words of refund_status", "retries"),
        has_token=True,
        secret_options=frozenset({"secretKey"}),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse unknown or unfit options, half a pair of keys, and a verifier that has no secret."""
        super().check(source)
        if ("publicKey" in source.options) != ("secretKey" in source.options):
            raise ConfigurationError(f"options 'publicKey' and 'secretKey' of {_WHERE} go together: give both")
        verifier = source.options.get("verifier")
        if isinstance(verifier, dict):
            where = f"option 'verifier' of {_WHERE}"
            options.check_options(verifier, _VERIFIER, where)
            options.check_scheme(_as_scheme_options(verifier), where)
            if not source.secrets:
                raise ConfigurationError(f"{where} needs a secret of the source to verify with")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """What the verifier asks for, where one is configured."""
        verifier = source.options.get("verifier")
        if not isinstance(verifier, dict):
            return ()
        scheme = options.scheme(_as_scheme_options(verifier))
        return signatures.unfit(request, source.secrets) or signatures.claims_of(request, source.secrets, scheme)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint."""
        return Hint(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        return answer.facts_of(read(ANSWER, notification.body), _subject(notification), notification.received_at_ms)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the order's transactions; None without keys, ``MalformedPayload`` without an order id."""
        public, secret = (options.text_option(source.options, name) for name in ("publicKey", "secretKey"))
        order_id = _order_id(notification, source)
        if not public or not secret:
            return None
        base = asking.base_url(source, BASE_URL)
        return FetchPlan(
            url=f"{base}/v1/order/{quote(order_id, safe='')}/transaction",
            headers=(asking.basic(public, secret), ("accept", "application/json")),
            subject=order_id,
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while no transaction of the order changes its status or its amounts."""
        return answer.key(subject, read(ANSWER, body))


def _as_scheme_options(verifier: Record) -> Record:
    return {("signedTemplate" if name == "template" else name): value for name, value in verifier.items()}


def _subject(notification: Notification) -> str:
    subject = asking.subject(notification)
    if not subject:
        raise MalformedPayload(f"an answer without the header {SUBJECT_HEADER}: the order asked about is unknown")
    return subject


def _order_id(notification: Notification, source: Source) -> str:
    body = notification.body
    is_json = body.lstrip()[:1] == b"{"
    found = _id_in_json(decode(body), source) if is_json else _id_in_form(body)
    # Dots alone would climb out of the path; everything else is percent-encoded.
    if not isinstance(found, str) or not _ORDER_ID.fullmatch(found) or not found.strip("."):
        raise MalformedPayload(
            f"no order id can be read ({shown(found)}): set option 'orderIdPointer' of {_WHERE} to its place"
        )
    return found


def _id_in_json(record: Record, source: Source) -> object:
    pointer = options.text_option(source.options, "orderIdPointer")
    pointers = (pointer,) if pointer else _ORDER_POINTERS
    return next((value for place in pointers if (value := at_pointer(record, place)) is not None), None)


def _id_in_form(body: bytes) -> object:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=_FORM_FIELDS_MAX)
    except ValueError:
        raise MalformedPayload("the body is neither JSON nor a form") from None
    return next((fields[key][0] for key in _ORDER_KEYS if key in fields), None)


GATEWAY: Final[FetchingGateway] = IppoPay()
