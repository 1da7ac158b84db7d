"""Why a captured request is believed or not, step by step, by the functions that judge it when it arrives. Pure."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Final, TypeGuard
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from paybell.cli.captures import Capture
from paybell.cli.repairs import repairs
from paybell.errors import AmountError, MalformedPayload
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import Item, Notification, NotificationState, Origin, RefusalReason, Refused
from paybell.model.source import Source
from paybell.ports import Claim, Claims, FetchingGateway, FetchPlan, Gateway, Method, Reading
from paybell.receive.rules import MASKED, judge, kept_headers
from paybell.record.rules import check_facts
from paybell.record.rules import judge as judge_reading

_PROBES: Final = (b"1", b"2")
_MILLISECONDS_FROM: Final = 100_000_000_000
_DIGITS_MAX: Final = 13
_REPAIRABLE: Final = frozenset(
    {
        RefusalReason.SIGNATURE_MISMATCH,
        RefusalReason.MALFORMED_SIGNATURE,
        RefusalReason.HEADER_MISSING,
        RefusalReason.CONTENT_ENCODING,
    }
)
_TIMED: Final = frozenset({RefusalReason.TIMESTAMP_TOO_OLD, RefusalReason.TIMESTAMP_IN_FUTURE})
_EXCERPT_BYTES: Final = 60
_TAIL_CHARS: Final = 4
_TAIL_SECRET_CHARS_MIN: Final = 16


class Proof(Struct, frozen=True, kw_only=True):
    """One claim of a request, looked at.

    ``fitting`` are the positions (from 1) of the secrets that give one of its signatures. ``expected`` is what each
    secret would give, None where only the gateway can tell. Where ``static``, nothing of the request is signed: what is
    sent is the same every time, so neither it nor what is expected is to be shown. ``signed_at_ms`` is None for a time
    that cannot be read.
    """

    method: str
    signed: bytes
    signatures: tuple[bytes, ...]
    static: bool
    fitting: tuple[int, ...]
    expected: tuple[bytes | None, ...]
    timestamp: str
    signed_at_ms: int | None
    tolerance_s: int


class Told(Struct, frozen=True, kw_only=True):
    """What one event of a believed request says. ``question`` is what would be asked of the API about a hint."""

    dedupe_key: str
    hint: bool
    state: str
    reason: str
    event: str = ""
    facts: tuple[Fact, ...] = ()
    question: str = ""


class Explanation(Struct, frozen=True, kw_only=True):
    """All that can be said about a request.

    ``hidden`` are texts that must not be shown. ``causes`` are likely reasons of a refusal, ``remarks`` what looks odd.
    """

    capture: Capture
    secrets: tuple[str, ...]
    hidden: tuple[str, ...]
    proofs: tuple[Proof, ...]
    refused: Refused | None
    told: tuple[Told, ...]
    causes: tuple[str, ...]
    remarks: tuple[str, ...]
    now_ms: int

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.refused:
            return "refused"
        if len(self.told) > 1:
            return "batch"
        return "hint" if self.told and self.told[0].hint else "verified"


def explain(capture: Capture, gateway: Gateway, source: Source, now_ms: int, *, any_mode: bool = False) -> Explanation:
    """Everything about a request at a source of that gateway, judged as of ``now_ms``.

    ``any_mode``: the source is only made up, so that it may be live or test.
    """
    request = capture.request
    claims = gateway.claims(request, source)
    items = judge(request, source, gateway, now_ms)
    refused = items if isinstance(items, Refused) else None
    reader = _Reader(capture, gateway, source, now_ms, any_mode)
    return Explanation(
        capture=capture,
        secrets=source.secrets,
        hidden=_hidden(source, gateway),
        proofs=() if isinstance(claims, Refused) else tuple(_proof(claim) for claim in claims),
        refused=refused,
        told=() if isinstance(items, Refused) else tuple(_told(it, reader) for it in items),
        causes=tuple(_causes(refused, capture, gateway, source)) if refused else (),
        remarks=tuple(_remarks(capture)),
        now_ms=now_ms,
    )


def written(signature: bytes, capture: Capture) -> str:
    """A signature as the request itself writes them: in base64 where it does, else in hex."""
    request = capture.request
    text = b64encode(signature)
    is_base64 = any(text in value for _, value in request.headers) or text in request.body
    return text.decode() if is_base64 else signature.hex()


def excerpts(data: bytes, hidden: Sequence[str]) -> tuple[str, str]:
    """How some bytes begin and how they end (or all of them, and ''), without what must not be shown."""
    for text in hidden:
        data = data.replace(text.encode(), b"***")
    if len(data) <= 2 * _EXCERPT_BYTES:
        return data.decode("utf-8", "backslashreplace"), ""
    start, end = data[:_EXCERPT_BYTES], data[-_EXCERPT_BYTES:]
    return start.decode("utf-8", "backslashreplace"), end.decode("utf-8", "backslashreplace")


def tail(secret: str) -> str:
    """Enough of a secret's end to know it by, and no more; '' for a short one."""
    text = secret.partition("-----END")[0].rstrip() if "-----BEGIN" in secret else secret
    return text[-_TAIL_CHARS:] if len(text) >= _TAIL_SECRET_CHARS_MIN else ""


# ------------------------------------------------------------------------------------------- what is claimed


def _proof(claim: Claim) -> Proof:
    secrets = tuple(secret for secret in claim.secrets if secret)
    timestamp = "" if claim.timestamp is None else claim.timestamp.decode("latin-1")
    return Proof(
        method=claim.method.words,
        signed=claim.signed,
        signatures=claim.given,
        static=not claim.signed or _is_static(claim.method, secrets),
        fitting=tuple(place for place, secret in enumerate(claim.secrets, 1) if secret and _fits(claim, secret)),
        expected=tuple(claim.method.expected(secret, claim.signed) if secret else None for secret in claim.secrets),
        timestamp=timestamp,
        signed_at_ms=_time_ms(timestamp),
        tolerance_s=claim.tolerance_s,
    )


def _is_static(method: Method, secrets: Sequence[str]) -> bool:
    """Whether what is expected depends on the secret alone."""
    for secret in secrets:
        one, other = (method.expected(secret, probe) for probe in _PROBES)
        if one is not None and one == other:
            return True
    return False


def _fits(claim: Claim, secret: str) -> bool:
    return any(claim.method.matches(secret, claim.signed, given) for given in claim.given)


def _time_ms(timestamp: str) -> int | None:
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > _DIGITS_MAX:
        return None
    number = int(timestamp)
    return number if number >= _MILLISECONDS_FROM else number * 1000


# ------------------------------------------------------------------------------------------- why it is refused


def _causes(refused: Refused, capture: Capture, gateway: Gateway, source: Source) -> Iterator[str]:
    if refused.reason in _REPAIRABLE:
        found = _repaired(capture, gateway, source)
        if found:
            yield f"the signature fits once this is undone: {found}"
        elif refused.reason is RefusalReason.SIGNATURE_MISMATCH:
            yield (
                "no usual change of the body explains it: most often the secret is another endpoint's or another "
                "mode's, or a program has read the body and written it anew"
            )
    if refused.reason is RefusalReason.HEADER_MISSING:
        names = sorted({name.decode("latin-1") for name, _ in capture.request.headers})
        yield f"its headers are: {', '.join(names) or 'none'}"
    if refused.reason in _TIMED:
        yield "a request that was captured earlier is judged as of then with --now"
    if refused.reason is RefusalReason.TOKEN_MISMATCH and not capture.request.token:
        yield f"the path {capture.path} is not of the form /in/SOURCE/TOKEN, so it shows no token"


def _repaired(capture: Capture, gateway: Gateway, source: Source) -> str:
    for repair in repairs(capture):
        if _is_proved(gateway.claims(repair.request, source)):
            return repair.what
    return ""


def _is_proved(claims: Claims | Refused) -> bool:
    if isinstance(claims, Refused) or not claims:
        return False
    return all(any(_fits(claim, secret) for secret in claim.secrets if secret) for claim in claims)


def _remarks(capture: Capture) -> Iterator[str]:
    length, size = capture.content_length, len(capture.request.body)
    if length is not None and length != size:
        change = f"{size - length} bytes were added" if size > length else f"{length - size} bytes are missing"
        yield f"Content-Length says {length} bytes, the body has {size}: {change} when it was captured"
    if not size:
        yield "it has no body"
    if capture.method != "POST":
        yield f"it is a {capture.method}: Paybell takes webhooks by POST only"
    for name, value in capture.request.headers:
        if value == MASKED.encode():
            yield f"the header {name.decode('latin-1')} says {MASKED}: its credential was not kept"


# ------------------------------------------------------------------------------------------- what it says


class _Reader(Struct, frozen=True):
    """What events are read with."""

    capture: Capture
    gateway: Gateway
    source: Source
    now_ms: int
    any_mode: bool

    def read(self, notification: Notification) -> tuple[Parsed, str]:
        """What it says; or why it cannot be read."""
        try:
            return check_facts(self.gateway.parse(notification, self.source)), ""
        except (MalformedPayload, AmountError) as raised:
            return Parsed(), str(raised)

    def ask(self, notification: Notification) -> tuple[NotificationState, str, str]:
        """What becomes of a hint, why, and what would be asked about it."""
        if not _can_fetch(self.gateway):
            return NotificationState.NEEDS_FETCH, "its gateway has no API to ask", ""
        try:
            plan = self.gateway.plan_fetch(notification, self.source)
        except MalformedPayload as raised:
            return NotificationState.PARKED, str(raised), ""
        if plan is None:
            return NotificationState.NEEDS_FETCH, "its source has no API credentials to ask with", ""
        question = _question(plan, self.source, self.gateway)
        return NotificationState.NEEDS_FETCH, "believed only as far as the API confirms it", question


def _told(item: Item, reader: _Reader) -> Told:
    source, about = reader.source, reader.gateway.about
    notification = Notification(
        id="ntf_captured",
        source_id=source.id,
        organisation_id=source.organisation_id,
        dedupe_key=item.dedupe_key,
        origin=Origin.WEBHOOK,
        hint=item.hint,
        received_at_ms=reader.now_ms,
        headers=kept_headers(reader.capture.request.headers, about.secret_headers),
        body=item.body,
    )
    return _asked(notification, reader) if item.hint else _said(notification, reader)


def _said(notification: Notification, reader: _Reader) -> Told:
    parsed, error = reader.read(notification)
    source = reader.source
    if reader.any_mode and parsed.livemode is not None:
        source = replace(source, livemode=parsed.livemode)
    outcome = judge_reading(Reading(notification=notification, source=source, parsed=parsed, error=error))
    return Told(
        dedupe_key=notification.dedupe_key,
        hint=False,
        state=outcome.state,
        reason=outcome.reason,
        event=parsed.event,
        facts=parsed.facts,
    )


def _asked(notification: Notification, reader: _Reader) -> Told:
    state, reason, question = reader.ask(notification)
    event = reader.read(notification)[0].event
    return Told(
        dedupe_key=notification.dedupe_key, hint=True, state=state, reason=reason, event=event, question=question
    )


def _can_fetch(gateway: Gateway) -> TypeGuard[FetchingGateway]:
    return hasattr(gateway, "plan_fetch")


def _question(plan: FetchPlan, source: Source, gateway: Gateway) -> str:
    """The method and the URL, without any credential that may stand in it."""
    url = plan.url
    for value in _hidden(source, gateway):
        url = url.replace(value, "…").replace(quote(value, safe=""), "…")
    return f"{plan.method} {url}"


def _hidden(source: Source, gateway: Gateway) -> tuple[str, ...]:
    """What must not be shown: the secrets, and the options that hold credentials."""
    options = (source.options.get(name) for name in gateway.about.secret_options)
    return tuple(value for value in (*source.secrets, *options) if isinstance(value, str) and value)
