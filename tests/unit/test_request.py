"""What a try sends."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.deliver.request import body_of, headers_of
from paybell.deliver.signing import secret_from, sign
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import EndpointOptions, PayloadFormat
from paybell.model.moment import rfc3339
from paybell.record.messages import envelope
from paybell.testing.builders import SECRET, delivery, endpoint, message
from paybell.testing.fake_clock import START_MS

POSTED = b'{ "b" : 1.10,"a":[ 1e2, "\\u00e9\xc3\xa9" ],"a":12345678901234567890.000 }'
AT = rfc3339(START_MS + 1)


def job_of(payload: bytes) -> DeliveryJob:
    return delivery(message(payload=payload))


def told() -> DeliveryJob:
    """A message of Paybell's own."""
    plain = message()
    data = {"paymentId": "pay_1", "amount": Decimal("100.00")}
    return delivery(message(payload=envelope(plain.id, plain.event_type, data, plain.created_at_ms)))


@pytest.mark.parametrize("job", [job_of(POSTED), told()], ids=["posted", "told"])
def test_paybells_format_is_the_payload_itself(job: DeliveryJob) -> None:
    assert body_of(job, PayloadFormat.PAYBELL) == job.payload


def test_the_standard_format_holds_a_payload_as_it_was_posted() -> None:
    body = body_of(job_of(POSTED), PayloadFormat.STANDARD)
    assert body == b'{"type":"payment.completed","timestamp":"%b","data":%b}' % (AT.encode(), POSTED)


def test_a_cloudevent_holds_a_payload_as_it_was_posted() -> None:
    body = body_of(job_of(POSTED), PayloadFormat.CLOUDEVENTS)
    assert POSTED in body
    event = json.loads(body)
    assert {name: value for name, value in event.items() if name != "data"} == {
        "specversion": "1.0",
        "id": message().id,
        "source": "/app/app_1",
        "type": "payment.completed",
        "time": AT,
        "datacontenttype": "application/json",
    }


@pytest.mark.parametrize("payload_format", [PayloadFormat.STANDARD, PayloadFormat.CLOUDEVENTS])
def test_what_paybell_tells_itself_is_not_wrapped_twice(payload_format: PayloadFormat) -> None:
    body = body_of(told(), payload_format)
    assert body.endswith(b'"data":{"paymentId":"pay_1","amount":100.00}}')
    shown = json.loads(body)
    assert (shown["type"], shown.get("timestamp", shown.get("time"))) == ("payment.completed", AT)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"msg_of_another","event":"payment.completed","timestamp":"%b","data":{}}' % AT.encode(),
        b'{"id":"%b","event":"other","timestamp":"%b","data":{}}' % (message().id.encode(), AT.encode()),
        b"{}",
    ],
)
def test_what_only_looks_like_our_envelope_stays_whole(payload: bytes) -> None:
    assert b'"data":' + payload + b"}" in body_of(job_of(payload), PayloadFormat.STANDARD)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.lists(st.booleans())))
def test_every_body_is_json_with_the_payload_in_it(payload: dict[str, object]) -> None:
    written = msgspec.json.encode(payload)
    for payload_format in (PayloadFormat.STANDARD, PayloadFormat.CLOUDEVENTS):
        assert json.loads(body_of(job_of(written), payload_format))["data"] == payload


def headers(**options: object) -> dict[str, str]:
    target = endpoint(options=EndpointOptions(**options), headers=(("x-shop", "1"),))
    job = job_of(POSTED)
    listed = headers_of(job, target, b"the body", START_MS + 1500)
    assert len({name for name, _ in listed}) == len(listed)
    return dict(listed)


def test_a_try_is_signed_for_its_own_second() -> None:
    job, at_s = job_of(POSTED), (START_MS + 1500) // 1000
    assert headers() == {
        "x-shop": "1",
        "content-type": "application/json",
        "webhook-id": job.message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": sign(job.message_id, at_s, b"the body", [SECRET]),
        "traceparent": f"00-{job.message_id[4:]}-{int(job.id[-16:], 16) + 1:016x}-00",
    }


def test_svix_headers_say_the_same_where_they_are_asked_for() -> None:
    shown = headers(svix_headers=True)
    for name in ("id", "timestamp", "signature"):
        assert shown[f"svix-{name}"] == shown[f"webhook-{name}"]


def test_a_cloudevent_says_that_it_is_one() -> None:
    assert headers(payload_format=PayloadFormat.CLOUDEVENTS)["content-type"] == "application/cloudevents+json"
    assert headers(payload_format=PayloadFormat.STANDARD)["content-type"] == "application/json"


def test_an_old_secret_signs_until_its_end() -> None:
    old, older = secret_from(bytes(32)), secret_from(bytes(33))
    target = endpoint(secrets=(SECRET, old, older), secrets_end_at_ms=(START_MS + 1000,))
    signed = [
        dict(headers_of(job_of(POSTED), target, b"{}", START_MS + at_ms))["webhook-signature"].count("v1,")
        for at_ms in (0, 999, 1000)
    ]
    assert signed == [3, 3, 2]
    assert target.signing_secrets(START_MS + 1000) == (SECRET, older)
    assert endpoint(secrets=(SECRET, old)).signing_secrets(START_MS) == (SECRET, old)
