"""A webhook request in a file: read leniently, written exactly."""

import pytest

from paybell.cli.captures import read_capture, request_of, url_of, write_capture
from paybell.errors import ConfigurationError
from paybell.testing.pretender import SignedRequest

BODY = b'{"a": 1}\r\n\r\n{"b": 2}\n'


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_head_in_either_line_ending_leaves_the_body_as_it_is(end: bytes) -> None:
    head = end.join((b"POST /pay/in/shop/tok%2D1?a=1&b HTTP/1.1", b"Host: x", b"X-Sig:  v1=\xe9 ", b"x-sig: two"))
    capture = read_capture(head + end + end + BODY)
    assert (capture.method, capture.path, capture.content_length) == ("POST", "/pay/in/shop/tok%2D1", None)
    assert capture.request.headers == ((b"host", b"x"), (b"x-sig", b"v1=\xe9"), (b"x-sig", b"two"))
    assert (capture.request.token, capture.request.query) == ("tok-1", "a=1&b")
    assert capture.request.body == BODY
    assert capture.shown_path == "/pay/in/shop/…"


@pytest.mark.parametrize(
    ("path", "token"), [("/in/shop", ""), ("/in/shop/", ""), ("/webhooks/stripe", ""), ("/in/shop/a/b", "a/b")]
)
def test_a_token_is_what_follows_the_source(path: str, token: str) -> None:
    capture = read_capture(f"POST {path} HTTP/1.1\n\n".encode())
    assert (capture.request.token, capture.request.body) == (token, b"")
    assert (capture.shown_path == path) is not bool(token)


@pytest.mark.parametrize(("length", "read"), [(b"12", 12), (b"-1", None), (b"", None), (b"x", None)])
def test_content_length_is_a_number_or_nothing(length: bytes, read: int | None) -> None:
    assert read_capture(b"POST / HTTP/1.1\nContent-Length: " + length + b"\n\n").content_length == read


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "its first line is ''"),
        (b'{"id": 1}', "not a request line such as 'POST /in/shop HTTP/1.1'"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "its first line is 'HTTP/1.1 200 OK'"),
        (b"\xef\xbb\xbfPOST / HTTP/1.1\n\n", "not a request line"),
        (b"\x1f\x8b\x08\x00\xff\xfe", "not a request line"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n", "no blank line ends its headers"),
        (b"POST / HTTP/1.1\r\nHost x\r\n\r\n", "its line 'Host x' is not a header"),
        (b"POST / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "its line ' folded' is not a header"),
        (b"POST / HTTP/1.1\r\n> Host: x\r\n\r\n", "its line '> Host: x' is not a header"),
    ],
)
def test_what_is_no_request_is_told(raw: bytes, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^its|^no blank") as raised:
        read_capture(raw)
    assert complaint in str(raised.value)


def test_what_is_written_is_read_again() -> None:
    signed = SignedRequest((("Content-Type", "text/plain"), ("X-Sig", "ünï")), BODY, "tok", "id=1")
    raw = write_capture(url_of("http://127.0.0.1:8800", "shop", signed), signed.headers, signed.body)
    assert raw.startswith(b"POST /in/shop/tok?id=1 HTTP/1.1\r\nHost: 127.0.0.1:8800\r\nContent-Type: text/plain\r\n")
    capture = read_capture(raw)
    assert capture.content_length == len(BODY)
    framing = {b"host", b"content-length"}
    kept = tuple(pair for pair in capture.request.headers if pair[0] not in framing)
    assert (kept, capture.request.body) == (request_of(signed).headers, BODY)
    assert (capture.request.token, capture.request.query) == ("tok", "id=1")
