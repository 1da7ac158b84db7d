"""Other people's payloads and signatures, where the shared folder stands beside the checkout (in CI it must)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from paybell.deliver.rules import sign
from paybell.errors import MalformedPayload
from paybell.gateways import GATEWAYS
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Notification, Origin, Refused, Request, Verdict, Verified
from paybell.model.source import Source

SHARED = Path(__file__).resolve().parents[3] / "shared" / "gateways"
PRESENT = (SHARED / "vectors.json").is_file()
IN_CI = os.environ.get("CI") == "true"

pytestmark = pytest.mark.skipif(
    not PRESENT and not IN_CI, reason="../shared/gateways does not stand beside the checkout"
)

SAMPLES = tuple(
    sorted(each.name for name in ("stripe", "razorpay", "ippopay") for each in (SHARED / "samples").glob(f"{name}__*"))
)
BARE_OBJECTS = "stripe__object_"


def vectors(*schemes: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads((SHARED / "vectors.json").read_text()) if PRESENT else []
    return [each for each in listed if each["scheme"] in schemes]


def source(name: str, secret: str, options: Mapping[str, object] | None = None) -> Source:
    return Source(
        id="src_1",
        organisation_id="org_1",
        uid="shared",
        gateway=name,
        livemode=False,
        secrets=(secret,),
        token="",
        options=options or {},
        enabled=True,
        created_at_ms=0,
    )


def verdict(name: str, vector: Mapping[str, object], options: Mapping[str, object] | None = None) -> Verdict:
    headers = vector["headers"]
    assert isinstance(headers, dict)
    pairs = tuple((key.lower().encode(), str(value).encode()) for key, value in headers.items())
    now_s = vector.get("now")
    if not isinstance(now_s, int):
        now_s = _signed_at(pairs)
    body = str(vector["body"]).encode()
    own = source(name, str(vector["secret"]), options)
    return GATEWAYS[name].verify(Request(body, pairs), own, now_s * 1000)


def _signed_at(pairs: tuple[tuple[bytes, bytes], ...]) -> int:
    """The vector's own time where it does not say when it is judged: those without a tolerance."""
    for part in b",".join(value for _, value in pairs).split(b","):
        digits = part.removeprefix(b"t=")
        if digits.isdigit():
            return int(digits)
    return 0


def parse(name: str, body: bytes, origin: Origin = Origin.WEBHOOK) -> Parsed:
    notification = Notification(
        id="ntf_1",
        source_id="src_1",
        organisation_id="org_1",
        dedupe_key="key",
        origin=origin,
        hint=False,
        received_at_ms=0,
        headers=(("paybell-subject", "order_1"),),
        body=body,
    )
    return GATEWAYS[name].parse(notification, source(name, ""))


def bodies(name: str) -> list[bytes]:
    """A sample as its gateway sends it: unwrapped from a capture, or wrapped where only the object was published."""
    raw = (SHARED / "samples" / name).read_bytes()
    if name.endswith((".txt", ".jsonl")):
        return [raw]
    value = json.loads(raw)
    if name.startswith(BARE_OBJECTS):
        event = {"id": "evt_1", "object": "event", "type": "x", "created": 1_234_567_890, "data": {"object": value}}
        return [json.dumps(event).encode()]
    inner = value.get("body", value) if isinstance(value, dict) else value
    return [json.dumps(inner).encode()] if inner is not value else [raw]


def test_the_shared_files_are_there() -> None:
    assert PRESENT, f"CI needs {SHARED}"
    assert len(SAMPLES) > 100
    assert len(vectors("stripe-v1")) >= 10
    assert len(vectors("razorpay-webhook")) >= 6


@pytest.mark.parametrize("vector", vectors("stripe-v1"), ids=lambda vector: vector["name"])
def test_stripes_signature_vectors(vector: dict[str, object]) -> None:
    assert isinstance(verdict("stripe", vector), Verified if vector["valid"] else Refused)


@pytest.mark.parametrize("vector", vectors("razorpay-webhook"), ids=lambda vector: vector["name"])
def test_razorpays_signature_vectors(vector: dict[str, object]) -> None:
    assert isinstance(verdict("razorpay", vector), Verified if vector["valid"] else Refused)


@pytest.mark.parametrize("vector", vectors("razorpay-callback"), ids=lambda vector: vector["name"])
def test_razorpays_callback_digests_are_the_same_hmac(vector: dict[str, object]) -> None:
    headers = vector["headers"]
    assert isinstance(headers, dict)
    (signature,) = headers.values()
    as_webhook = {**vector, "headers": {"x-razorpay-signature": signature}}
    assert isinstance(verdict("razorpay", as_webhook), Verified)


@pytest.mark.parametrize("vector", vectors("standard-webhooks"), ids=lambda vector: vector["name"])
def test_our_deliveries_sign_as_standard_webhooks_does(vector: dict[str, object]) -> None:
    headers = vector["headers"]
    assert isinstance(headers, dict)
    body, time = str(vector["body"]).encode(), int(headers["webhook-timestamp"])
    assert sign(headers["webhook-id"], time, body, [str(vector["secret"])]) == headers["webhook-signature"]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("origin", list(Origin))
def test_a_published_sample_gives_facts_or_a_reason(name: str, origin: Origin) -> None:
    gateway = name.split("__", maxsplit=1)[0]
    for body in bodies(name):
        if not _is_json(body):
            with pytest.raises(MalformedPayload):
                parse(gateway, body, Origin.POLL)
        else:
            parsed = parse(gateway, body, origin)
            assert parsed.facts or parsed.reason


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", SAMPLES)
def test_a_published_payment_event_gives_the_fact_its_name_promises(name: str) -> None:
    promised = next((kind for part, kind in PROMISES.items() if name.startswith(part)), None)
    if promised is None or name.endswith(".txt"):
        return
    for body in bodies(name):
        assert promised in {fact.kind for fact in parse(name.split("__", maxsplit=1)[0], body).facts}, name


PROMISES = {
    "razorpay__payment.authorized": Kind.AUTHORIZED,
    "razorpay__payment.captured": Kind.CAPTURED,
    "razorpay__payment.failed": Kind.FAILED,
    "razorpay__payment.dispute": Kind.DISPUTE_STATUS,
    "razorpay__order.paid": Kind.CAPTURED,
    "razorpay__invoice.paid": Kind.CAPTURED,
    "razorpay__payment_link.paid": Kind.CAPTURED,
    "razorpay__qr_code.credited": Kind.CAPTURED,
    "razorpay__virtual_account.credited": Kind.CAPTURED,
    "razorpay__refund.failed": Kind.REFUND_FAILED,
    "razorpay__refund": Kind.REFUND_SUCCEEDED,
    "stripe__lago_2020-08-27_payment_intent_succeeded": Kind.CAPTURED,
    "stripe__lago_2024-09-30_payment_intent_succeeded": Kind.CAPTURED,
    "stripe__lago_2025-04-30_payment_intent_succeeded": Kind.CAPTURED,
    "stripe__lago_2020-08-27_payment_intent_payment_failed": Kind.FAILED,
    "stripe__lago_2024-09-30_payment_intent_payment_failed": Kind.FAILED,
    "stripe__lago_2025-04-30_payment_intent_payment_failed": Kind.FAILED,
    "stripe__lago_2020-08-27_payment_intent_canceled": Kind.CANCELED,
    "stripe__lago_2025-04-30_charge_dispute_closed": Kind.DISPUTE_STATUS,
    "stripe__lago_2025-04-30_charge_refund_updated": Kind.REFUND_SUCCEEDED,
    "stripe__object_refund": Kind.REFUND_SUCCEEDED,
    "stripe__object_dispute": Kind.DISPUTE_STATUS,
}
