"""Personal data is taken out of whatever form it is in; what is left can still be read."""

import json
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.gateways import GATEWAYS
from paybell.model.fact import Fact, Kind
from paybell.model.personal import ERASED, personal_values, redacted_body, redacted_fact, redacted_text
from paybell.testing.builders import fact
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from tests.unit.gateways.sources import NOW_S, TOKEN, notification, source

PAT = frozenset({"Pat@Example.com", "Pat Example", "+49 170 5550100"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def cleared(body: object) -> object:
    return json.loads(redacted_body(json.dumps(body).encode(), PAT))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"email": "other@example.com", "amount": 1998}, {"email": ERASED, "amount": 1998}),
        ({"note": "for PAT@example.com"}, {"note": ERASED}),
        ({"customer": {"id": "cus_1", "name": "Pat Example"}}, {"customer": {"id": "cus_1", "name": ERASED}}),
        (
            {"billing_details": {"name": "X", "address": {"line1": "Y", "country": "DE"}, "phone": None}},
            {"billing_details": {"name": ERASED, "address": {"line1": ERASED, "country": "DE"}, "phone": None}},
        ),
        ({"name": "Gold plan", "ip_address": "10.0.0.1"}, {"name": "Gold plan", "ip_address": ERASED}),
        ({"payer": [{"id": "p", "surname": "Z"}]}, {"payer": [{"id": "p", "surname": ERASED}]}),
        (
            {"token": urlsafe_b64encode(b'{"email":"pat@example.com"}').decode().rstrip("=")},
            {"token": ERASED},
        ),
        ({"response": b64encode(b'{"a":1,"to":"pat@example.com"}').decode()}, {"response": ERASED}),
        ({"response": b64encode(b'{"a":1,"to":"somebody@else.example"}').decode()}, None),
    ],
)
def test_json_loses_what_is_personal(before: object, after: object) -> None:
    assert cleared(before) == (before if after is None else after)


def test_exact_numbers_stay_exact() -> None:
    assert redacted_body(b'{"amount":19.90,"email":"a@b.c"}', ()) == b'{"amount":19.90,"email":"erased"}'


def test_a_form_loses_it_too_and_of_anything_else_nothing_is_left() -> None:
    assert (
        redacted_body(b"txnid=7&email=a%40b.c&productinfo=Pat+Example", PAT)
        == b"txnid=7&email=erased&productinfo=erased"
    )
    for other in (b"<payment><email>a@b.c</email></payment>", b"\xff\xfe", b"", b"plain words"):
        assert redacted_body(other, PAT) == b""


@given(JSON)
def test_any_json_comes_out_as_json_without_the_values(value: object) -> None:
    body = json.dumps({"wrapped": value, "to": "pat@example.com", "named": ["Pat Example"]}).encode()
    out = redacted_body(body, PAT)
    if out:
        json.loads(out)
    assert b"pat@example.com" not in out.lower()
    assert b"Pat Example" not in out


def test_a_text_loses_the_values_alone() -> None:
    assert redacted_text("unknown user PAT@EXAMPLE.COM (Pat Example)", PAT) == "unknown user erased (erased)"
    assert redacted_text("Al is not that long", {"Al"}) == "Al is not that long"


def test_a_fact_keeps_its_money_and_its_ids() -> None:
    detail = {
        "customer_id": "cus_1",
        "customer_email": "Pat@Example.com",
        "order_id": "o_1",
        "reason": "by Pat Example",
    }
    sale = fact(Kind.CAPTURED, "ch_1", 900, 1, detail={**detail, "customer_name": "Pat Example"})
    values = personal_values([sale])
    assert values == {"Pat@Example.com", "Pat Example"}
    left = redacted_fact(sale, values, "erased-1")
    assert (left.amount_minor, left.ref, left.at_ms) == (sale.amount_minor, sale.ref, sale.at_ms)
    assert left.detail == {"customer_id": "cus_1", "order_id": "o_1", "reason": "by erased", ERASED: "true"}
    by_mail = fact(Kind.CAPTURED, "ch_1", 900, 1, detail={"customer_email": "Pat@Example.com"})
    assert redacted_fact(by_mail, values, "erased-1").detail == {"customer_id": "erased-1", ERASED: "true"}
    plain = fact(Kind.CAPTURED, "ch_1", 900, 1, detail={"order_id": "o_1"})
    assert redacted_fact(plain, values, "erased-1") is plain


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_what_is_left_of_every_gateways_body_tells_the_same_of_the_money(name: str) -> None:
    pretender = PRETENDERS[name]
    for event in pretender.events:
        sent = pretender.signed(event, token=TOKEN, at_s=NOW_S)
        before = money(name, sent.body)
        left = redacted_body(sent.body, PAT)
        if before and left and name not in OPAQUE:
            assert money(name, left) == before, event


OPAQUE = {"braintree", "phonepe_v1", "mercadopago"}
"""Their facts stand in base64 or in an answer."""


def money(name: str, body: bytes) -> list[tuple[str, str, int | None]]:
    try:
        facts: tuple[Fact, ...] = GATEWAYS[name].parse(notification(body), source(name)).facts
    except Exception:  # noqa: BLE001 - what cannot be read tells nothing
        return []
    return [(str(it.kind), it.ref, it.amount_minor) for it in facts]
