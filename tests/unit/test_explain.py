"""Why a captured request is believed, or is not: every step, and the likely cause."""

import json
from typing import cast

import pytest
from msgspec.structs import replace

from paybell.cli.captures import Capture, read_capture, request_of, url_of, write_capture
from paybell.cli.explain import Explanation, excerpts, explain, tail, written
from paybell.gateways import gateway
from paybell.gateways.kit.methods import Hmac, Same
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Request
from paybell.model.source import Source
from paybell.ports import Claim, Gateway
from paybell.testing import gateway as pretender
from tests.unit.gateways.sources import NOW_MS, NOW_S, TOKEN, source

SECRETS = ("whsec_of_another_endpoint", "whsec_of_this_endpoint_abcd")


def captured(name: str = "stripe", event: str = "payment_intent.succeeded", secret: str = SECRETS[1]) -> Capture:
    signed = pretender(name).signed(event, amount="12.50", secret=secret, token=TOKEN, at_s=NOW_S)
    return read_capture(write_capture(url_of("http://127.0.0.1", "shop", signed), signed.headers, signed.body))


def with_body(capture: Capture, body: bytes) -> Capture:
    return replace(capture, request=replace(capture.request, body=body))


def explained(capture: Capture, *, now_ms: int = NOW_MS, at: Source | None = None) -> Explanation:
    return explain(capture, gateway("stripe"), at or source("stripe", secrets=SECRETS), now_ms)


def test_a_right_request_is_explained_step_by_step() -> None:
    capture = captured()
    found = explained(capture, now_ms=NOW_MS + 7000)
    assert (found.verdict, found.refused, found.causes, found.remarks) == ("verified", None, (), ())
    (proof,) = found.proofs
    assert proof.signed == b"%d." % NOW_S + capture.request.body
    assert (proof.method, proof.fitting, proof.static) == ("HMAC-SHA256", (2,), False)
    assert (proof.timestamp, proof.signed_at_ms, proof.tolerance_s) == (str(NOW_S), NOW_MS, 300)
    assert proof.expected[1] == proof.signatures[0] != proof.expected[0]
    (told,) = found.told
    assert (told.event, told.state, told.hint) == ("payment_intent.succeeded", "recorded", False)
    assert [fact.amount_minor for fact in told.facts if fact.kind is Kind.CAPTURED] == [1250]


def test_a_wrong_secret_is_told_apart_from_a_changed_body() -> None:
    found = explained(captured(secret="whsec_of_a_third"))
    assert (found.verdict, found.told) == ("refused", ())
    assert found.refused
    assert found.refused.reason is RefusalReason.SIGNATURE_MISMATCH
    assert found.proofs[0].fitting == ()
    assert "no usual change of the body explains it" in found.causes[0]
    pretty = explained(with_body(captured(), json.dumps(json.loads(captured().request.body), indent=2).encode()))
    (cause,) = pretty.causes
    assert "fits once this is undone: its JSON was read and written anew; it was compact" in cause


def test_a_body_that_is_not_as_long_as_its_head_says_is_remarked_on() -> None:
    longer, shorter = (explained(with_body(captured(), body)) for body in (captured().request.body + b"\n", b"{"))
    assert "the body has" in longer.remarks[0]
    assert ": 1 bytes were added" in longer.remarks[0]
    assert "a line break was added at its end" in longer.causes[0]
    assert "bytes are missing when it was captured" in shorter.remarks[0]
    assert longer.verdict == shorter.verdict == "refused"


@pytest.mark.parametrize(
    ("off_s", "reason"),
    [
        (-301, RefusalReason.TIMESTAMP_IN_FUTURE),
        (-300, None),
        (300, None),
        (301, RefusalReason.TIMESTAMP_TOO_OLD),
    ],
)
def test_the_signed_time_is_judged_as_of_the_given_one(off_s: int, reason: RefusalReason | None) -> None:
    found = explained(captured(), now_ms=NOW_MS + off_s * 1000)
    assert (found.refused and found.refused.reason) is reason
    assert bool(found.causes) is (reason is not None)
    assert not reason or "--now" in found.causes[0]


def test_a_missing_header_is_told_with_those_that_are_there() -> None:
    capture = replace(captured(), request=Request(b"{}", ((b"x-b", b"2"), (b"x-a", b"1"))))
    found = explained(capture)
    assert found.refused
    assert found.refused.reason is RefusalReason.HEADER_MISSING
    assert (found.proofs, found.causes) == ((), ("its headers are: x-a, x-b",))


def test_what_paybell_masked_and_other_methods_are_remarked_on() -> None:
    request = Request(b"", ((b"authorization", b"(masked)"),))
    remarks = explained(replace(captured(), method="GET", content_length=None, request=request)).remarks
    assert remarks == (
        "it has no body",
        "it is a GET: Paybell takes webhooks by POST only",
        "the header authorization says (masked): its credential was not kept",
    )


def test_a_kept_content_encoding_is_named() -> None:
    capture = captured()
    headers = (*capture.request.headers, (b"content-encoding", b"gzip"))
    found = explained(replace(capture, request=replace(capture.request, headers=headers)))
    assert found.refused
    assert found.refused.reason is RefusalReason.CONTENT_ENCODING
    assert "its body was unpacked, but the header Content-Encoding was kept" in found.causes[0]


def test_a_source_that_is_off_refuses_what_is_right() -> None:
    found = explained(captured(), at=replace(source("stripe", secrets=SECRETS), enabled=False))
    assert found.refused
    assert found.refused.reason is RefusalReason.SOURCE_DISABLED
    assert found.proofs[0].fitting == (2,)


def test_the_mode_counts_only_at_a_real_source() -> None:
    live = replace(source("stripe", secrets=SECRETS), livemode=True)
    (told,) = explained(captured(), at=live).told
    assert (told.state, told.reason[:9]) == ("parked", "livemode:")
    (told,) = explain(captured(), gateway("stripe"), live, NOW_MS, any_mode=True).told
    assert told.state == "recorded"


@pytest.mark.parametrize(
    ("body", "state", "reason"),
    [
        (b'{"id":"evt_1","type":"x","created":1,"data":{"object":{"object":"plan"}}}', "unmapped", "plan"),
        (b'{"id":"evt_1"', "parked", "JSON"),
    ],
)
def test_what_says_nothing_or_cannot_be_read_is_told_with_its_reason(body: bytes, state: str, reason: str) -> None:
    signature = Hmac().expected(SECRETS[1], b"%d." % NOW_S + body)
    assert signature
    header = (b"stripe-signature", f"t={NOW_S},v1={signature.hex()}".encode())
    (told,) = explained(replace(captured(), request=Request(body, (header,)))).told
    assert told.state == state
    assert reason in told.reason
    assert told.facts == ()


def ippopay(capture: Capture, **options: str) -> Explanation:
    return explain(capture, gateway("ippopay"), source("ippopay", options=options), NOW_MS)


def test_a_hint_is_told_with_what_would_be_asked() -> None:
    capture = captured("ippopay", "order.success")
    found = ippopay(capture, publicKey="pk_1", secretKey="sk_1", baseUrl="https://api.example.com/sk_1")
    assert (found.verdict, found.proofs) == ("hint", ())
    (told,) = found.told
    assert told.question == "GET https://api.example.com/…/v1/order/order_example1/transaction"
    assert (told.hint, told.state, told.facts) == (True, "needs_fetch", ())
    (told,) = ippopay(capture).told
    assert (told.question, told.state) == ("", "needs_fetch")
    assert "no API credentials" in told.reason
    (told,) = ippopay(with_body(capture, b"{}"), publicKey="pk_1", secretKey="sk_1").told
    assert (told.question, told.state) == ("", "parked")
    assert "orderIdPointer" in told.reason


def test_a_path_without_a_token_is_named() -> None:
    capture = captured("ippopay", "order.success")
    found = ippopay(replace(capture, path="/hooks", request=replace(capture.request, token="")))
    assert found.refused
    assert found.refused.reason is RefusalReason.TOKEN_MISMATCH
    assert "the path /hooks is not of the form /in/SOURCE/TOKEN" in found.causes[0]


class Worded:
    """A gateway whose request shows the secret itself."""

    about = gateway("stripe").about

    def __init__(self, method: Hmac | Same, signed: bytes) -> None:
        self.method, self.signed = method, signed

    def claims(self, request: Request, source: Source) -> tuple[Claim, ...]:
        return (Claim(method=self.method, signed=self.signed, given=(b"word",), secrets=source.secrets),)

    def __getattr__(self, name: str) -> object:
        return getattr(gateway("stripe"), name)


@pytest.mark.parametrize(
    ("method", "signed", "static"),
    [
        (Same(), b"", True),
        (Same(), b"x", True),
        (Hmac(), b"", True),
        (Hmac(), b"x", False),
        (Hmac("md5", "hex"), b"x", False),
    ],
)
def test_what_is_the_same_in_every_request_is_known_for_what_it_is(
    method: Hmac | Same, signed: bytes, *, static: bool
) -> None:
    pretended = cast("Gateway", Worded(method, signed))
    found = explain(captured(), pretended, source("stripe", secrets=("", "word")), NOW_MS)
    assert found.proofs[0].static is static
    assert found.proofs[0].fitting == ((2,) if isinstance(method, Same) else ())


def test_a_signature_is_written_as_the_request_writes_it() -> None:
    signature = bytes(range(250, 256))
    in_base64 = replace(captured(), request=Request(b"", ((b"x-sig", b"v1=+vv8/f7/"),)))
    in_body = replace(captured(), request=Request(b'{"sig":"+vv8/f7/"}'))
    assert written(signature, in_base64) == written(signature, in_body) == "+vv8/f7/"
    assert written(signature, captured()) == "fafbfcfdfeff"


def test_excerpts_hide_what_must_not_be_shown() -> None:
    start, end = excerpts(b"a=1&key=s3cret-of-ours&" + b"x" * 200 + b"\xff\n", ("s3cret-of-ours",))
    assert start.startswith("a=1&key=***&xxx")
    assert end.endswith("xxx\\xff\n")
    assert excerpts(b"short", ()) == ("short", "")


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("", ""),
        ("short", ""),
        ("a-secret-of-15c", ""),
        ("a-secret-of-16ch", "16ch"),
        ("-----BEGIN PUBLIC KEY-----\nMFwwDQYJabcd\n-----END PUBLIC KEY-----\n", "abcd"),
    ],
)
def test_no_more_of_a_secret_than_its_end_is_shown(secret: str, shown: str) -> None:
    assert tail(secret) == shown


def test_the_request_that_is_explained_is_the_one_that_was_sent() -> None:
    signed = pretender("stripe").signed("payment_intent.succeeded", amount="12.50", secret=SECRETS[1], at_s=NOW_S)
    assert captured().request.body == request_of(signed).body
