"""Every usual change of a captured body is undone, and named."""

import gzip
import json
import zlib

import pytest

from paybell.cli.captures import Capture
from paybell.cli.repairs import repairs
from paybell.model.notification import Request

WORD = "caf\u00e9 \U0001f600 a/b"
VALUE = {"id": "evt_1", "amount": 12.5, "list": [], "inner": {"text": WORD, "quote": '"\\"'}}
COMPACT = json.dumps(VALUE, separators=(",", ":"), ensure_ascii=False).encode()
CHUNKED = b"5;x=1\r\n" + COMPACT[:5] + b"\r\n" + b"%x\r\n" % len(COMPACT[5:]) + COMPACT[5:] + b"\r\n0\r\n\r\n"


def made(body: bytes, content_length: int | None = None, **headers: bytes) -> Capture:
    pairs = tuple((name.replace("_", "-").encode(), value) for name, value in headers.items())
    return Capture(method="POST", path="/", request=Request(body, pairs), content_length=content_length)


def undone(capture: Capture, original: bytes) -> str:
    """What the change from ``original`` is called; '' where nothing leads back to it."""
    return next((it.what for it in repairs(capture) if it.request.body == original), "")


def php(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


@pytest.mark.parametrize(
    ("original", "captured", "what"),
    [
        (COMPACT, COMPACT + b"\n", "a line break was added at its end"),
        (COMPACT, COMPACT + b"\r\n", "a line break was added at its end"),
        (COMPACT + b"\n", COMPACT, "the line break at its end was lost"),
        (COMPACT + b"\r\n", COMPACT, "the line break at its end was lost"),
        (COMPACT, b"\n " + COMPACT + b"\n\n", "space was added around it"),
        (b"a\nb\n", b"a\r\nb\r\n", "its line breaks were changed from LF to CRLF"),
        (b"a\r\nb\r\n", b"a\nb\n", "its line breaks were changed from CRLF to LF"),
        (COMPACT, b"\xef\xbb\xbf" + COMPACT, "a byte order mark was added"),
        (COMPACT, CHUNKED, "it is still in the chunks it was sent in"),
        (COMPACT, json.dumps(VALUE, indent=2, ensure_ascii=False).encode(), "it was compact"),
        (COMPACT, json.dumps(VALUE, indent=4).encode() + b"\n", "it was compact and without escapes"),
        (json.dumps(VALUE, ensure_ascii=False).encode(), COMPACT, "it was on one line with spaces"),
        (json.dumps(VALUE).encode(), COMPACT, "it was on one line with spaces and with \\u escapes"),
        (json.dumps(VALUE, indent=2, ensure_ascii=False).encode(), COMPACT, "it was indented by 2"),
        (
            json.dumps(VALUE, indent=4).encode() + b"\n",
            COMPACT,
            "indented by 4 and with \\u escapes and ended by a line",
        ),
        (json.dumps(VALUE, separators=(",", ":")).encode(), COMPACT, "it was with \\u escapes"),
        (php(VALUE), COMPACT, "it was with \\u escapes and escaped slashes"),
        (COMPACT.replace(b"/", b"\\/"), COMPACT, "it was with escaped slashes"),
        (COMPACT, php(VALUE), "it was without escapes"),
        (b"n=caf\xc3\xa9", "n=caf\u00c3\u00a9".encode(), "its text was taken as Latin-1 and written as UTF-8"),
        (b"n=caf\xc3\xa9", b"n=caf\xe9", "its text was written as Latin-1 instead of UTF-8"),
    ],
)
def test_a_usual_change_is_undone_and_named(original: bytes, captured: bytes, what: str) -> None:
    assert original != captured
    assert what in undone(made(captured), original)


def test_what_follows_the_content_length_is_cut_off() -> None:
    assert "after the 4 bytes that Content-Length says" in undone(made(b"{ } and more", 4), b"{ } ")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_packed_body_is_unpacked(pack: object) -> None:
    assert callable(pack)
    found = list(repairs(made(pack(COMPACT), content_encoding=b"gzip", x_sig=b"1")))
    assert found[0].what == "its body was unpacked, but the header Content-Encoding was kept"
    assert found[0].request.headers == ((b"x-sig", b"1"),)
    assert "its body is still packed" in [it.what for it in found if it.request.body == COMPACT]


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"{", b"[" * 5000, b'"\\ud800"', b'"\\ud83d\\ude00 \\u0041"', b"5\r\nabc", b"zz\r\n", b"a" * 9],
)
def test_any_bytes_give_requests_that_are_all_different(body: bytes) -> None:
    found = [(it.request.headers, it.request.body) for it in repairs(made(body, 2, content_encoding=b"x"))]
    assert len(set(found)) == len(found)
    assert ((b"content-encoding", b"x"),) not in [headers for headers, same in found if same == body]
