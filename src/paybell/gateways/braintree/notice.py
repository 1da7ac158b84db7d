"""What a notification of Braintree says: transactions and disputes, and beside them subscriptions and disbursements.

Sources: Braintree's SDKs (transaction and dispute attributes, ``webhook_testing_gateway``) and recorded notifications.
A refund is a transaction of its own that names the one it refunds. Money counts as captured from its submission for
settlement on, which is where Braintree itself reports success; a settlement that is declined, or a void before it,
takes it back.
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

from paybell.errors import MalformedPayload
from paybell.gateways.braintree import account
from paybell.gateways.braintree.node import Node, Notice
from paybell.gateways.kit.links import link
from paybell.gateways.kit.metadata import expected, said
from paybell.gateways.kit.payloads import details, ident, ident_or_none, text
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed

_FORBIDDEN: Final = ("<!DOCTYPE", "<!ENTITY")
_CAPTURED: Final = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed", "settled"})
_OPEN: Final = frozenset({"authorizing", "authorized", "settlement_pending"})
_FAILED: Final = frozenset({"failed", "processor_declined", "gateway_rejected", "settlement_declined"})
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys((_CAPTURED | _OPEN) - {"settled"}, Kind.REFUND_PENDING),
    "settled": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys((*_FAILED, "voided"), Kind.REFUND_FAILED),
}
_DISPUTE_STATUSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("open", "disputed", "under_review"), "open"),
    **dict.fromkeys(("accepted", "auto_accepted", "expired", "lost"), "lost"),
    "won": "won",
}


def read(payload: str) -> Parsed:
    """Facts of the notification in a base64 text."""
    root = _xml(payload)
    notice = Notice(text((root.findtext("kind") or "").strip()), (root.findtext("timestamp") or "").strip())
    subject = root.find("subject")
    if not notice.kind or subject is None:
        raise MalformedPayload("the XML is no notification: it has no kind or no subject")
    facts = [
        *[fact for it in _transactions(subject) for fact in _transaction(Node(it, notice))],
        *[fact for it in subject.findall("dispute") for fact in _dispute(Node(it, notice))],
        *[fact for it in subject.findall("subscription") for fact in _subscription(it, notice)],
        *[fact for it in subject.findall("disbursement") for fact in account.disbursement(Node(it, notice), notice)],
    ]
    reason = "" if facts else "it has nothing that is read, or does not say how that stands"
    return Parsed(event=notice.kind, facts=tuple(facts), reason=reason)


def _xml(payload: str) -> Element:
    try:
        whole = b64decode(payload.replace("\n", ""), validate=True).decode()
    except ValueError:
        raise MalformedPayload("bt_payload is not base64 of a text in UTF-8") from None
    # Whatever entities could do (reading files, growing without end), they need a declaration first.
    if any(mark in whole.upper() for mark in _FORBIDDEN):
        raise MalformedPayload("the XML declares a document type or entities, which no notification does")
    try:
        return fromstring(whole)  # noqa: S314 - nothing is declared in it, so nothing can be expanded
    except (ParseError, ValueError):
        raise MalformedPayload("bt_payload holds no XML") from None


def _transactions(subject: Element) -> list[Element]:
    """Those of the subject itself, or of the subscription or local payment that it is."""
    found = subject.findall("transaction")
    for thing in subject:
        if thing.tag not in {"transaction", "dispute"}:
            found += [*thing.findall("transaction"), *thing.findall("transactions/transaction")]
    return found


def _subscription(element: Element, notice: Notice) -> list[Fact]:
    """The subscription itself, and which payments are for it."""
    of = ident_or_none(Node(element, notice).text("id"), "the subscription's id")
    sales = [Node(it, notice) for it in element.findall("transactions/transaction")]
    linked = [fact for it in sales if not it.text("subscription-id") for fact in _link(it, of)]
    return [*account.subscription(Node(element, notice), notice), *linked] if of else []


def _link(node: Node, subscription_id: str) -> list[Fact]:
    """That a sale is for a subscription; what a refund is for, its sale says."""
    if node.text("refunded-transaction-id") or node.text("type") == "credit":
        return []
    sale_id = ident(node.text("id"), "the transaction's id")
    return link(sale_id, subscription_id, LinkType.SUBSCRIPTION, node.started_ms)


def _transaction(node: Node) -> list[Fact]:
    of = ident_or_none(node.text("refunded-transaction-id"), "refunded-transaction-id")
    if of:
        return _refund(node, of)
    return [] if node.text("type") == "credit" else _sale(node)


def _sale(node: Node) -> list[Fact]:
    status = node.text("status")
    sale_id = ident(node.text("id"), "the transaction's id")
    if status in _CAPTURED:
        minor, currency = node.money("amount")
        told = [_fact(sale_id, Kind.CAPTURED, sale_id, node.at_ms, (minor, currency))]
    elif status == "authorized":
        told = [_fact(sale_id, Kind.AUTHORIZED, sale_id, node.at_ms, node.money("amount"))]
    elif status in _OPEN:
        told = [_fact(sale_id, Kind.PROCESSING, sale_id, node.at_ms)]
    elif status in _FAILED:
        told = _failed(node, sale_id, status)
    elif status == "voided":
        told = [_fact(sale_id, Kind.VOIDED, "", node.at_ms), _taken_back(node, sale_id)]
    elif status == "authorization_expired":
        told = [_fact(sale_id, Kind.EXPIRED, "", node.at_ms)]
    else:
        return []
    wish = expected(sale_id, node.custom_fields(), node.started_ms)
    return [_created(node, sale_id), *told, *_link(node, _named(node)), *wish]


def _named(node: Node) -> str:
    return ident_or_none(node.text("subscription-id"), "the subscription's id")


def _failed(node: Node, sale_id: str, status: str) -> list[Fact]:
    detail = details(
        failure_code=text(node.text("processor-response-code")) or status,
        failure_message=text(node.text("processor-response-text")),
    )
    failed = _fact(sale_id, Kind.FAILED, sale_id, node.at_ms, detail=detail)
    return [failed, _taken_back(node, sale_id)] if status == "settlement_declined" else [failed]


def _taken_back(node: Node, sale_id: str) -> Fact:
    """What was submitted for settlement before is not collected; where nothing was, it says nothing."""
    return _fact(sale_id, Kind.CAPTURE_REVERSED, sale_id, node.at_ms)


def _refund(node: Node, of: str) -> list[Fact]:
    kind = _REFUND_KINDS.get(node.text("status"))
    ref = ident(node.text("id"), "the refund's id")
    if kind is None:
        return []
    return [_fact(of, kind, ref, node.at_ms, node.money_or_none())]


def _dispute(node: Node) -> list[Fact]:
    status = _DISPUTE_STATUSES.get(node.text("status").lower())
    of = ident_or_none(node.text("transaction/id"), "the transaction's id")
    if status is None or not of:
        return []
    if status == "open" and node.text("kind") == "retrieval":
        status = "warning"
    detail = details(status=status, reason=text(node.text("reason")))
    ref = ident(node.text("id"), "the dispute's id")
    return [_fact(of, Kind.DISPUTE_STATUS, ref, node.at_ms, node.money("amount-disputed", "amount"), detail)]


def _created(node: Node, sale_id: str) -> Fact:
    detail = {
        **details(order_id=text(node.text("order-id")), method=text(node.text("payment-instrument-type"))),
        **node.customer(),
        **said(node.custom_fields()),
    }
    return _fact(sale_id, Kind.PAYMENT_CREATED, "", node.started_ms, node.money_or_none(), detail)


def _fact(  # noqa: PLR0917 - as a fact reads
    aggregate: str,
    kind: Kind,
    ref: str,
    at_ms: int,
    money: tuple[int | None, str] = (None, ""),
    detail: Mapping[str, str] | None = None,
) -> Fact:
    minor, currency = money
    return Fact(
        aggregate=aggregate,
        kind=kind,
        ref=ref,
        at_ms=at_ms,
        amount_minor=minor,
        currency=currency,
        detail=detail or {},
    )
