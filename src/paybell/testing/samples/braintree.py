"""Braintree's notifications: forms that hold XML in base64."""

from base64 import encodebytes
from collections.abc import Callable
from hashlib import sha1
from typing import Final
from xml.sax.saxutils import escape

from paybell.testing.pretender import Asked, Json, Pretender, SignedRequest, encode_form, form_headers, hex_hmac

PUBLIC_KEY: Final = "example_public_key"


def braintree_payload(kind: str, at: str, subject: str) -> str:
    """A notification as the field ``bt_payload`` holds it: base64 in lines, the last one ended too."""
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<notification>\n'
        f'  <kind>{kind}</kind>\n  <timestamp type="datetime">{at}</timestamp>\n'
        f"  <subject>{subject}</subject>\n</notification>\n"
    )
    return encodebytes(xml.encode()).decode()


def braintree_signature(private_key: str, payload: str, public_key: str = PUBLIC_KEY) -> str:
    """One pair of the field ``bt_signature``."""
    key = sha1(private_key.encode(), usedforsecurity=False).digest()
    return f"{public_key}|{hex_hmac(key, payload.encode(), 'sha1')}"


def _elements(**texts: object) -> str:
    return "".join(
        f"<{name.replace('_', '-')}>{escape(str(value))}</{name.replace('_', '-')}>" for name, value in texts.items()
    )


def _transaction(asked: Asked, status: str, **more: object) -> str:
    texts = {
        "id": asked.payment_id,
        "status": status,
        "type": "sale",
        "currency_iso_code": asked.currency,
        "amount": asked.amount,
        "order_id": asked.order_id,
        "created_at": asked.time(at_s=asked.started_at_s),
        "updated_at": asked.time(),
        **more,
    }
    customer = (
        f"<customer>{_elements(id='1001', first_name='Pat', last_name='Example', email='pat@example.com')}</customer>"
    )
    return f"<transaction>{_elements(**texts)}{customer}</transaction>"


def _sent(status: str, **more: object) -> Callable[[Asked], Json]:
    return lambda asked: {"subject": _transaction(asked, status, **more)}


def _subscription(status: str, stands: str = "Active", **more: object) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        charged = f'<transactions type="array">{_transaction(asked, status)}</transactions>'
        plan = _elements(
            id=asked.tag(asked.payment_id, "plan"),
            status=stands,
            plan_id="plan_example1",
            paid_through_date=asked.time("%Y-%m-%d", asked.started_at_s + 30 * 86_400),
            **more,
        )
        return {"subject": f"<subscription>{plan}{charged}</subscription>"}

    return build


def _disbursement(success: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        texts = _elements(id=asked.tag(asked.payment_id, "disbursement"), success=success, amount=asked.amount)
        account = f"<merchant-account>{_elements(currency_iso_code=asked.currency)}</merchant-account>"
        return {"subject": f"<disbursement>{texts}{account}</disbursement>"}

    return build


def _refund_failed(asked: Asked) -> Json:
    refund_id = asked.refund_id or asked.tag(asked.payment_id, "refund")
    own = {"id": refund_id, "type": "credit", "amount": asked.refund, "refunded_transaction_id": asked.payment_id}
    return {"subject": _transaction(asked, "processor_declined", **own)}


def _dispute(status: str) -> Callable[[Asked], Json]:
    def build(asked: Asked) -> Json:
        texts = _elements(
            id=asked.tag(asked.payment_id, "dispute"),
            kind="chargeback",
            status=status,
            reason="fraud",
            currency_iso_code=asked.currency,
            amount=asked.amount,
            amount_disputed=asked.amount,
            created_at=asked.time(at_s=asked.started_at_s),
            updated_at=asked.time(),
        )
        of = f"<transaction>{_elements(id=asked.payment_id, amount=asked.amount)}</transaction>"
        return {"subject": f"<dispute>{texts}{of}</dispute>"}

    return build


def _sign(asked: Asked, value: Json) -> SignedRequest:
    payload = braintree_payload(asked.event, asked.time(), str(value["subject"]))
    signature = braintree_signature(asked.secret, payload, asked.option("publicKey") or PUBLIC_KEY)
    return SignedRequest(form_headers(), encode_form({"bt_signature": signature, "bt_payload": payload}))


PRETENDER: Final = Pretender(
    name="braintree",
    builders={
        "transaction_settled": _sent("settled"),
        "transaction_settlement_declined": _sent(
            "settlement_declined", processor_response_code="4001", processor_response_text="Settlement Declined"
        ),
        "subscription_charged_successfully": _subscription("submitted_for_settlement"),
        "subscription_charged_unsuccessfully": _subscription("processor_declined"),
        "subscription_went_past_due": _subscription("processor_declined", "Past Due"),
        "subscription_canceled": _subscription("settled", "Canceled"),
        "disbursement": _disbursement("true"),
        "disbursement_exception": _disbursement("false"),
        "refund_failed": _refund_failed,
        "dispute_opened": _dispute("open"),
        "dispute_won": _dispute("won"),
        "dispute_lost": _dispute("lost"),
        "check": lambda _: {"subject": '<check type="boolean">true</check>'},
    },
    sign=_sign,
    signature_at="form:bt_signature",
    payment_id="ex1tr4ns",
    currency="USD",
    options={"publicKey": PUBLIC_KEY},
)
"""Braintree, offline."""
