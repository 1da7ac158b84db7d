"""Reading answers from hostile bytes, Retry-After, and the bytes of requests."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.errors import ConfigurationError
from paybell.ports import Sending
from paybell.transports import check_headers
from paybell.transports.answer import HEAD_BYTES_MAX, AnswerReader, Garbled, RawAnswer, Reading, read_retry_after_s
from paybell.transports.request import RequestEncoder
from paybell.transports.url import parse_url

LIMIT = 64
PIECES = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.0 204 None\r\n",
    b"HTTP/1.1 099 Low\r\n",
    b"HTTP/2.0 200 OK\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Retry-After: 5\r\n",
    b"Empty:\r\n",
    b" folded\r\n",
    b"\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\nTrailer: a\r\n\r\n",
    b"ffffffffffffffffff\r\n",
    b"hello",
    b"x" * 100,
    b"\0",
    b"5;" + b"e" * 20_000 + b"\r\nhello\r\n",
    b"A: " + b"v" * 9_000 + b"\r\n",
    b"HTTP/1.1 103 Hints\r\nLink: " + b"l" * 9_000 + b"\r\n\r\n",
]
streams = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8))).map(b"".join)


def read(*pieces: bytes, limit: int = LIMIT) -> Reading | None:
    """Feed the pieces until the reader is done, then end the stream."""
    reader = AnswerReader()
    reader.start(limit)
    for piece in pieces:
        reading = reader.feed(piece)
        if reading is not None:
            return reading
    return reader.end()


def drip(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def answered(reading: Reading | None) -> RawAnswer:
    assert isinstance(reading, RawAnswer)
    return reading


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The bytes in pieces, cut at these places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


def assert_alike(whole: Reading | None, cut_up: Reading | None) -> None:
    """The same, but that bytes beyond the answer's end are seen only by who reads them with it."""
    if isinstance(whole, RawAnswer):
        found = answered(cut_up)
        assert (found.status_code, found.headers, found.body) == (whole.status_code, whole.headers, whole.body)
        assert found.reusable or not whole.reusable
    else:
        assert whole == cut_up


@given(streams)
def test_any_bytes_are_read_alike_whole_and_byte_by_byte(data: bytes) -> None:
    whole = read(data)
    assert_alike(whole, read(*drip(data)))
    if isinstance(whole, RawAnswer):
        assert 100 <= whole.status_code <= 999
        assert len(whole.body) <= LIMIT


@given(streams, st.lists(st.integers(0, 10**6), max_size=20), st.sampled_from([0, LIMIT, 100_000]))
def test_any_bytes_are_read_alike_however_they_are_cut(data: bytes, places: list[int], limit: int) -> None:
    assert_alike(read(data, limit=limit), read(*cut(data, places), limit=limit))


bodies = st.binary(max_size=300)
names = st.from_regex(r"X-[A-Za-z0-9]{1,8}", fullmatch=True)
values = st.from_regex(r"[!-~]{0,20}", fullmatch=True)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, RawAnswer]:
    """A right answer in one of HTTP/1.1's framings, perhaps behind interim ones, and how it should be read."""
    code, body = draw(st.sampled_from([200, 201, 302, 404, 410, 429, 500, 503])), draw(bodies)
    headers = [(name.encode(), value.encode()) for name, value in draw(st.lists(st.tuples(names, values), max_size=4))]
    framing = draw(st.sampled_from(["length", "chunks", "close"]))
    wire = body
    if framing == "length":
        headers.append((b"Content-Length", b"%d" % len(body)))
    elif framing == "chunks":
        headers.append((draw(st.sampled_from([b"Transfer-Encoding", b"transfer-encoding"])), b"chunked"))
        pieces = [it for it in cut(body, draw(st.lists(st.integers(0, 300), max_size=5))) if it]
        extension, trailer = draw(st.sampled_from([b"", b";a=b"])), draw(st.sampled_from([b"", b"X-T: t\r\n"]))
        wire = b"".join(b"%x%s\r\n%s\r\n" % (len(it), extension, it) for it in pieces) + b"0\r\n%s\r\n" % trailer
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 H\r\nLink: a\r\n\r\n" * 3]))
    head = b"HTTP/1.1 %d Why\r\n" % code + b"".join(b"%s: %s\r\n" % it for it in headers) + b"\r\n"
    return interim + head + wire, RawAnswer(code, headers, body, framing != "close")


@given(answers(), st.lists(st.integers(0, 2_000), max_size=20))
def test_a_right_answer_is_read_right_however_it_is_cut(given: tuple[bytes, RawAnswer], places: list[int]) -> None:
    data, right = given
    for pieces in ([data], drip(data), cut(data, places)):
        assert read(*pieces, limit=1_000) == right


@given(answers())
def test_an_answer_that_ends_early_is_none_unless_the_end_says_where_it_ends(given: tuple[bytes, RawAnswer]) -> None:
    data, right = given
    head_ends = len(data) - len(right.body)
    for end in range(len(data)):
        found = read(data[:end])
        if right.reusable:
            assert found is None
        else:
            assert found is None if end < head_ends else answered(found).body == right.body[: end - head_ends][:LIMIT]


@given(st.binary())
def test_noise_never_raises(data: bytes) -> None:
    found = read(data)  # noise may happen to be a right answer; then it is one with a status, and nothing else
    assert not isinstance(found, RawAnswer) or (data.startswith(b"HTTP/1.") and 100 <= found.status_code <= 999)


@given(st.lists(streams, max_size=4))
def test_a_reader_survives_answer_after_answer(rounds: list[bytes]) -> None:
    reader = AnswerReader()
    for data in rounds:
        reader.start(LIMIT)
        reading = reader.feed(data)
        if not (isinstance(reading, RawAnswer) and reading.reusable):
            break
    reader.close()
    assert isinstance(reader.feed(b"late"), Garbled)


@pytest.mark.parametrize("split", [drip, lambda data: [data]])
def test_a_plain_answer(split: object) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello"
    assert callable(split)
    assert read(*split(data)) == RawAnswer(200, [(b"Content-Length", b"5"), (b"A", b"b")], b"hello", reusable=True)


def test_a_chunked_answer_is_joined_and_its_trailers_are_skipped() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = answered(read(*drip(head + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nRetry-After: 9\r\n\r\n")))
    assert (answer.body, answer.headers, answer.reusable) == (b"hello", [(b"Transfer-Encoding", b"chunked")], True)


def test_interim_answers_are_skipped_with_their_headers() -> None:
    data = b"HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n"
    answer = answered(read(data))
    assert (answer.status_code, answer.headers) == (202, [(b"Content-Length", b"0")])


def test_a_switch_of_protocols_ends_the_connection() -> None:
    answer = answered(read(b"HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\nzzz"))
    assert (answer.status_code, answer.reusable) == (101, False)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\0",
    ],
)
def test_an_answer_after_which_the_connection_is_not_used_again(data: bytes) -> None:
    answer = answered(read(data))
    assert (answer.status_code, answer.reusable) == (200, False)


def test_a_body_that_ends_with_the_connection() -> None:
    assert answered(read(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")).body == b"hello"


def test_a_body_that_is_cut_off_is_no_answer() -> None:
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello") is None
    assert read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") is None
    assert read(b"HTTP/1.1 100 Continue\r\n\r\n") is None


def test_a_body_is_cut_at_the_limit_and_the_status_counts() -> None:
    answer = answered(read(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n" + b"x" * 80))
    assert (answer.status_code, answer.body, answer.reusable) == (500, b"x" * LIMIT, False)


@pytest.mark.parametrize("limit", [0, 10, HEAD_BYTES_MAX, 100_000])
def test_a_huge_piece_with_its_head_is_cut_at_the_limit(limit: int) -> None:
    answer = answered(read(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 1_000_000, limit=limit))
    assert (len(answer.body), answer.reusable) == (limit, False)


def test_a_body_as_long_as_the_limit_is_whole() -> None:
    answer = answered(read(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + b"x" * 64))
    assert (len(answer.body), answer.reusable) == (LIMIT, True)


@pytest.mark.parametrize("piece_bytes", [1_000, 70_000, 10_000_000])
def test_chunk_framing_is_limited_too_however_it_is_cut(piece_bytes: int) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1;%s\r\nx\r\n0\r\n\r\n" % (b"e" * 200_000)
    answer = answered(read(*[data[i : i + piece_bytes] for i in range(0, len(data), piece_bytes)]))
    assert (answer.status_code, answer.body, answer.reusable) == (200, b"ok", False)


@pytest.mark.parametrize("piece_bytes", [1, 1_000, 1_000_000])
def test_a_head_longer_than_the_limit_is_refused(piece_bytes: int) -> None:
    data = b"HTTP/1.1 200 OK\r\nA: " + b"x" * (2 * HEAD_BYTES_MAX) + b"\r\nContent-Length: 0\r\n\r\n"
    reading = read(*[data[i : i + piece_bytes] for i in range(0, len(data), piece_bytes)])
    assert isinstance(reading, Garbled)
    assert "headers" in reading.reason


WRONG_CHUNKS = [
    b"5\r\nhelloX\r\n",
    b"-5\r\nhello\r\n",
    b"5 5\r\nhello\r\n",
    b"0x5\r\nhello\r\n",
    b"\r\n\r\n",
    b"fffffffffffffffff\r\n",
]


@pytest.mark.parametrize("chunk", WRONG_CHUNKS)
@pytest.mark.parametrize("split", [drip, lambda data: [data]])
def test_chunks_that_are_framed_wrong_are_no_answer(chunk: bytes, split: object) -> None:
    assert callable(split)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"
    assert isinstance(read(*split(head + chunk)), Garbled)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length : 5\r\n",
    ],
)
def test_framing_that_can_be_read_in_two_ways_is_no_answer(framing: bytes) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n5\r\nhello\r\n0\r\n\r\n"
    assert isinstance(read(data), Garbled)


def test_interim_answers_without_end_are_refused() -> None:
    assert isinstance(read(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000), Garbled)


def test_a_long_body_behind_a_head_in_one_piece_is_read() -> None:
    body = b"x" * (2 * HEAD_BYTES_MAX)
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    answer = answered(read(data, limit=len(body)))
    assert (answer.body, answer.reusable) == (body, True)


def test_the_reason_holds_none_of_the_bytes() -> None:
    reading = read(b"SSH-2.0-something\r\n")
    assert isinstance(reading, Garbled)
    assert "SSH" not in reading.reason


NOW_MS = 1_700_000_000_000  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        (b"0", 0.0),
        (b" 120 ", 120.0),
        (b"9" * 5_000, 86_400.0),
        (b"Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        (b"Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        (b"Tuesday, 14-Nov-23 22:14:20 GMT", 60.0),
        (b"Tue Nov 14 22:14:20 2023", 60.0),
        (b"Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        (b"Tue, 14 Nov 2034 22:00:00 GMT", 86_400.0),
        (b"-5", None),
        (b"1.5", None),
        (b"soon", None),
        (b"", None),
        (b"\xff", None),
        (b"Tue, 14 Nov 99999999 22:00:00 GMT", None),
    ],
)
def test_retry_after(value: bytes, wait_s: float | None) -> None:
    assert read_retry_after_s([(b"A", b"b"), (b"Retry-After", value)], NOW_MS) == wait_s


def test_no_retry_after() -> None:
    assert read_retry_after_s([], NOW_MS) is None


@given(st.one_of(st.binary(), st.text("0123456789 :,+-GMTueNov").map(str.encode)))
def test_any_retry_after_is_read_or_ignored(value: bytes) -> None:
    wait_s = read_retry_after_s([(b"retry-after", value)], NOW_MS)
    assert wait_s is None or 0 <= wait_s <= 86_400


def encode(*headers: tuple[str, str], body: bytes = b"{}") -> bytes:
    encoder = RequestEncoder("Test")
    url = "http://hooks.example:81/in?a=b"
    head = encoder.static_heads(parse_url(url))["POST"]
    sending = Sending(pool="p", url=url, headers=headers, body=body, timeout_s=1)
    return encoder.encode(head, sending)


def test_the_bytes_of_a_request() -> None:
    assert encode(("content-type", "application/json"), ("x-a", "é")) == (
        b"POST /in?a=b HTTP/1.1\r\nHost: hooks.example:81\r\nUser-Agent: Test\r\nAccept-Encoding: identity\r\n"
        b"Connection: keep-alive\r\ncontent-type: application/json\r\nx-a: \xe9\r\nContent-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\r\n", "€"])
def test_a_value_that_would_break_the_request_is_refused_unseen(value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        encode(("x-good", "1"), ("x-bad", value))
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "a\r\nb", "é", "Host", "content-length", "Transfer-Encoding", "Proxy-Authorization"]
)
def test_a_name_that_is_none_or_not_the_callers_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        encode((name, "1"))
    with pytest.raises(ConfigurationError):
        check_headers([(name, "1")])


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3))
def test_no_header_adds_a_line(headers: list[tuple[str, str]]) -> None:
    try:
        data = encode(*headers)
    except ConfigurationError:
        return
    assert data.count(b"\n") == 7 + len(headers)
    check_headers(headers)
