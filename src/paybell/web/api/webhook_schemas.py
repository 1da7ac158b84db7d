"""What Paybell's own messages look like: a JSON Schema and an example for each event type.

Shown in the ``webhooks`` section of ``/openapi.json`` (OpenAPI 3.1), and sent as examples. A test holds them against
the messages that record really writes.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from paybell.model.entitlement import EntitlementState
from paybell.model.message import EVENT_TYPES, EventType
from paybell.model.moment import rfc3339
from paybell.model.operational import OPERATIONAL_EVENT_TYPES
from paybell.model.payment import DisputeStatus, Match, PaymentStatus, RefundStatus
from paybell.web.api.payload_schemas import newest_of

Schema = Mapping[str, Any]
_DEPTH_MAX: Final = 12


def _text(example: str, **more: Any) -> Schema:
    return {"type": "string", "examples": [example], **more}


def _maybe(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


def _whole(example: int, description: str = "") -> Schema:
    return {"type": "integer", "examples": [example], **({"description": description} if description else {})}


def _object(properties: Mapping[str, Schema], *optional: str, closed: bool = True) -> Schema:
    required = [name for name in properties if name not in optional]
    kept = {"type": "object", "properties": dict(properties), "required": required}
    return {**kept, "additionalProperties": False} if closed else kept


_AMOUNT: Final[Schema] = {
    "type": "number",
    "examples": [100.5],
    "description": "In the currency's major unit, exact: read it as a decimal.",
}
_MINOR: Final = _whole(10_050, "In the currency's minor unit.")
_CURRENCY: Final = _text("USD", description="ISO 4217.")
_WHO: Final[Schema] = {
    "type": ["object", "null"],
    "additionalProperties": {"type": "string"},
    "examples": [{"email": "ada@example.com"}],
}
_FAILURE: Final[Schema] = {
    "type": ["object", "null"],
    "additionalProperties": {"type": "string"},
    "examples": [None],
}
_PRODUCT: Final = _text("gold")
_GATEWAY: Final = {"gateway": _text("stripe")}
_LIVE: Final[Mapping[str, Schema]] = {"livemode": {"type": "boolean", "examples": [True]}}
_TIME: Final = _text("2024-06-26T11:08:07Z", format="date-time")
_PART: Final = {"amount": _AMOUNT, "amountMinor": _MINOR}
PAYMENT: Final = _object(
    {
        "paymentId": _text("pay_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
        "orderId": _maybe(_text("order-1")),
        "status": _text("completed", enum=[str(it) for it in PaymentStatus]),
        "amount": _AMOUNT,
        "currency": _maybe(_CURRENCY),
        "amountMinor": _MINOR,
        "authorizedMinor": _MINOR,
        "capturedMinor": _MINOR,
        "refundedMinor": _whole(0),
        "version": _whole(3, "Rises with every change of the payment."),
        **_GATEWAY,
        "gatewayPaymentId": _text("pi_1"),
        "customer": _WHO,
        "failure": _FAILURE,
        **_LIVE,
        "expectedMinor": _MINOR,
        "expectedCurrency": _CURRENCY,
        "match": _text("exact", enum=[str(it) for it in Match]),
        "product": _PRODUCT,
        "gatewayInvoiceId": _text("in_1"),
        "gatewaySubscriptionId": _text("sub_1"),
        "refund": _object(
            {
                "gatewayRefundId": _text("re_1"),
                "status": _text("completed", enum=[str(it) for it in RefundStatus]),
                **_PART,
            }
        ),
        "dispute": _object(
            {
                "gatewayDisputeId": _text("dp_1"),
                "status": _text("open", enum=[str(it) for it in DisputeStatus]),
                **_PART,
            }
        ),
        "mergedPaymentIds": {"type": "array", "items": {"type": "string"}},
    },
    *("expectedMinor", "expectedCurrency", "match", "product", "gatewayInvoiceId", "gatewaySubscriptionId"),
    *("refund", "dispute", "mergedPaymentIds"),
)
"""What ``payment_data`` of record writes, with the refund or dispute that a message is about."""


def _item(subject: str, own: Mapping[str, Schema]) -> Schema:
    return _object(
        {
            f"{subject}Id": _text(f"{subject[:3]}_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
            "status": {"type": "string", "examples": ["paid" if subject != "subscription" else "active"]},
            **own,
            "version": _whole(1),
            **_GATEWAY,
            f"gateway{subject.capitalize()}Id": _text(f"{subject[:2]}_1"),
            **_LIVE,
        }
    )


_MONEY: Final = {"amount": _AMOUNT, "currency": _CURRENCY, "amountMinor": _MINOR}
_PLAN: Final = {"plan": _maybe(_text("price_1")), "product": _maybe(_PRODUCT), "periodEnd": _maybe(_TIME)}
PAYOUT: Final = _item("payout", {**_MONEY, "failure": _FAILURE})
INVOICE: Final = _item(
    "invoice", {**_MONEY, "gatewaySubscriptionId": _maybe(_text("sub_1")), **_PLAN, "customer": _WHO}
)
SUBSCRIPTION: Final = _item(
    "subscription",
    {
        **_PLAN,
        "endsAt": {"type": ["string", "null"], "format": "date-time", "examples": [None]},
        "cancelAtPeriodEnd": {"type": "boolean", "examples": [False]},
        "customer": _WHO,
    },
)
MEMBERSHIP: Final = _object(
    {
        "membershipId": _text("ent_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
        "state": _text("granted", enum=[str(it) for it in EntitlementState]),
        "allowed": {"type": "boolean", "examples": [True]},
        "product": _PRODUCT,
        "productName": _maybe(_text("Gold")),
        "until": _maybe(_TIME),
        "reason": _text("paid"),
        "customer": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "examples": [{"key": "cus_1", "email": "ada@example.com"}],
        },
        "version": _whole(1),
        **_GATEWAY,
        "sourceId": _text("src_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
        **_LIVE,
    }
)
_OF_SUBJECT: Final[Mapping[str, Schema]] = {
    "payment": PAYMENT,
    "refund": PAYMENT,
    "dispute": PAYMENT,
    "payout": PAYOUT,
    "invoice": INVOICE,
    "subscription": SUBSCRIPTION,
    "membership": MEMBERSHIP,
}


_ABOUT: Final = {
    "appId": _text("app_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
    "appUid": _maybe(_text("shop")),
    "endpointId": _text("ep_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
}
_OF_ENDPOINT: Final = _object(
    {
        **_ABOUT,
        "endpointUid": _maybe(_text("books")),
        "failSince": _TIME,
        "disabledFrom": _TIME,
        "reason": _text("every attempt has failed for 5 days"),
    },
    *("failSince", "disabledFrom", "reason"),
)
_OF_ATTEMPT: Final = _object(
    {
        **_ABOUT,
        "msgId": _text("msg_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
        "msgEventId": _maybe(_text("order-1")),
        "lastAttempt": _object(
            {
                "id": _text("atmpt_0190549b6a3c7c0f8f6d1f5a1c2b3d4e"),
                "responseStatusCode": _whole(503, "0 where there was no answer."),
                "timestamp": _TIME,
            }
        ),
    }
)


def schema_of(event_type: str) -> Schema:
    """The schema of a message of one of Paybell's own event types, or of an operational one, in Svix's shape."""
    if event_type in OPERATIONAL_EVENT_TYPES:
        data = _OF_ATTEMPT if event_type.startswith("message.") else _OF_ENDPOINT
        told = {"type": {"type": "string", "const": event_type}, "timestamp": _TIME, "data": data}
        return {"description": OPERATIONAL_EVENT_TYPES[event_type], **_object(told)}
    data = _OF_SUBJECT[event_type.partition(".")[0]]
    envelope = {
        "id": _text("msg_0190549b6a3c7c0f8f6d1f5a1c2b3d4e", description="The same as `webhook-id`."),
        "event": {"type": "string", "const": event_type},
        "timestamp": _TIME,
        "data": data,
    }
    return {"description": EVENT_TYPES[event_type], **_object(envelope)}


def webhooks() -> dict[str, Any]:
    """The section of the OpenAPI document: a POST per event type, as an endpoint gets it."""
    every = EVENT_TYPES | OPERATIONAL_EVENT_TYPES
    return {name: {"post": _operation(name, text)} for name, text in every.items()}


def _operation(name: str, text: str) -> dict[str, Any]:
    headers = {
        "webhook-id": "The message's id: the same for every try.",
        "webhook-timestamp": "When it was signed, in seconds since 1970.",
        "webhook-signature": "Standard Webhooks: `v1,` or `v1a,` and base64, one per secret, separated by spaces.",
    }
    return {
        "operationId": f"webhook_{name.replace('.', '_')}",
        "summary": text,
        "tags": ["webhook"],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": told, "schema": {"type": "string"}}
            for header, told in headers.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(name)}}},
        "responses": {
            "2XX": {"description": "It arrived. What else is answered means that it is sent again later."},
            "410": {"description": "The endpoint is gone: nothing more is sent to it."},
        },
    }


def example_of(name: str, own: EventType | None, message_id: str, now_ms: int) -> bytes | None:
    """An example payload of an event type, ``own`` where it is the organisation's; None where nothing says how."""
    if own is not None:
        made = _example(newest_of(own.options.schemas), _DEPTH_MAX)
        return json.dumps(made).encode() if isinstance(made, dict) else None
    if name not in EVENT_TYPES:
        return None
    made = _example(schema_of(name), _DEPTH_MAX) | {"id": message_id, "timestamp": rfc3339(now_ms)}
    about = name.partition(".")[0]
    shown = {about, *_OF_SUBJECT[about]["required"]}
    made["data"] = {key: it for key, it in made["data"].items() if key in shown}
    return json.dumps(made).encode()


def _example(schema: Any, depth: int) -> Any:
    """A value that the schema shows: its example, else one made of its parts."""
    if not isinstance(schema, Mapping) or depth == 0:
        return None
    for name in ("example", "const", "default"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        return {name: _example(it, depth - 1) for name, it in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema["items"], depth - 1)] if "items" in schema else []
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": True}.get(str(kind))
