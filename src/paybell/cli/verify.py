"""``paybell verify``: why a captured webhook request is believed, or is not."""

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from paybell.cli.captures import read_capture
from paybell.cli.explain import Explanation, Proof, Told, excerpts, explain, tail, written
from paybell.cli.shared import OUT, AsJson, Database, desk, fail, options_of, printable, show_json, work
from paybell.cli.views import fact_view, time_text
from paybell.clock import SystemClock
from paybell.errors import ConfigurationError, MalformedPayload, PaybellError
from paybell.gateways import gateway as gateway_of
from paybell.gateways.kit.payloads import time_to_ms
from paybell.model.fact import Fact
from paybell.model.source import Source

UNUSABLE: Final = 2
"""The exit status where there is nothing to judge; 1 is a refusal."""
_UID: Final = "captured"
_INTRO: Final = 11


def verify(
    file: Annotated[
        str, typer.Argument(help="The request as raw HTTP: request line, headers, blank line, body. - is stdin.")
    ],
    *,
    gateway: Annotated[str, typer.Option(help="Its name: `paybell gateways` lists them.")] = "",
    secret: Annotated[list[str] | None, typer.Option(help="A signing secret; may be given more than once.")] = None,
    options: Annotated[str, typer.Option(help="The source's options, as a JSON object.")] = "{}",
    token: Annotated[str, typer.Option(help="The token that ends the source's URL, where it has one.")] = "",
    source: Annotated[str, typer.Option(help="The uid of a source, instead of secrets, options and token.")] = "",
    now: Annotated[str, typer.Option(help="Judge as of then: ISO 8601, or seconds since 1970.")] = "",
    show_expected: Annotated[
        bool, typer.Option("--show-expected", help="Show the right signature: whoever has it can send this request.")
    ] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Explain why a captured request verifies (status 0) or does not (1); 2 where there is nothing to judge."""
    if source and (secret or token or options != "{}"):
        fail("give either --source, or --secret, --options and --token", UNUSABLE)
    stored = work(_stored(source, gateway, database), missing="paybell source list", status=UNUSABLE)
    try:
        given = stored or _made(gateway, tuple(secret or ()), options, token)
        now_ms = _time_ms(now) if now else SystemClock().now_ms()
        capture = read_capture(_bytes(file))
        found = explain(capture, gateway_of(given.gateway), given, now_ms, any_mode=stored is None)
    except PaybellError as error:
        fail(str(error), UNUSABLE)
    if json:
        show_json(_view(found, show_expected=show_expected))
    else:
        for label, text in _lines(found, show_expected=show_expected):
            OUT.print(f"{label:{_INTRO}}{printable(text)}", highlight=False)
    if found.refused:
        raise typer.Exit(1)


async def _stored(uid: str, gateway: str, database: str | None) -> Source | None:
    if not uid:
        return None
    async with desk(database) as at:
        source = await at.store.source_lookup(at.organisation.id, uid)
    if gateway and source.gateway != gateway:
        raise ConfigurationError(f"{uid} is a source of {source.gateway}, not of {gateway}: leave --gateway away")
    return source


def _made(name: str, secrets: tuple[str, ...], options: str, token: str) -> Source:
    """A source that is nowhere stored, as good as its gateway asks for."""
    if not name:
        raise ConfigurationError("say whose request it is: --gateway NAME, or --source UID")
    gateway = gateway_of(name)
    source = Source(
        id="src_captured",
        organisation_id="org_captured",
        uid=_UID,
        gateway=name,
        livemode=True,
        secrets=secrets,
        token=token,
        options=options_of(options),
        enabled=True,
        created_at_ms=0,
    )
    gateway.check(source)
    if gateway.about.credential and not secrets:
        raise ConfigurationError(f"give --secret: {gateway.about.credential}; or --source UID")
    if gateway.about.has_token and not token:
        raise ConfigurationError(
            f"give --token: {gateway.about.title} sends to a URL that ends in one; or --source UID"
        )
    return source


def _bytes(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None


def _time_ms(text: str) -> int:
    try:
        return time_to_ms(int(text) if text.isdecimal() else text, "--now")
    except MalformedPayload as error:
        raise ConfigurationError(str(error)) from None


# ------------------------------------------------------------------------------------------- for programs


def _view(found: Explanation, *, show_expected: bool) -> dict[str, object]:
    return {
        "verdict": found.verdict,
        "reason": found.refused.reason if found.refused else None,
        "detail": found.refused.detail if found.refused else None,
        "causes": found.causes,
        "remarks": found.remarks,
        "bodyBytes": len(found.capture.request.body),
        "contentLength": found.capture.content_length,
        "now": time_text(found.now_ms),
        "claims": [_proof_view(found, proof, show_expected=show_expected) for proof in found.proofs],
        "events": [_told_view(told) for told in found.told],
    }


def _proof_view(found: Explanation, proof: Proof, *, show_expected: bool) -> dict[str, object]:
    start, end = excerpts(proof.signed, found.hidden)
    return {
        "method": proof.method,
        "signedBytes": len(proof.signed),
        "signedSha256": sha256(proof.signed).hexdigest(),
        "signedStart": start,
        "signedEnd": end or None,
        "signatures": None if proof.static else [written(it, found.capture) for it in proof.signatures],
        "secrets": [
            {"position": place, "endsIn": tail(secret) or None, "fits": place in proof.fitting}
            for place, secret in enumerate(found.secrets, 1)
        ],
        "expected": _expected(found, proof) if show_expected and not proof.static else None,
        "timestamp": proof.timestamp or None,
        "signedAt": time_text(proof.signed_at_ms),
        "toleranceSeconds": proof.tolerance_s if proof.timestamp else None,
    }


def _expected(found: Explanation, proof: Proof) -> list[str | None]:
    return [None if it is None else written(it, found.capture) for it in proof.expected]


def _told_view(told: Told) -> dict[str, object]:
    return {
        "dedupeKey": told.dedupe_key,
        "hint": told.hint,
        "event": told.event or None,
        "state": told.state,
        "reason": told.reason or None,
        "wouldAsk": told.question or None,
        "facts": [fact_view(fact) for fact in told.facts],
    }


# ------------------------------------------------------------------------------------------- for people


def _lines(found: Explanation, *, show_expected: bool) -> Iterator[tuple[str, str]]:
    capture = found.capture
    yield "request", f"{capture.method} {capture.shown_path}, {len(capture.request.body):,} bytes of body"
    for proof in found.proofs:
        yield from _proof_lines(found, proof, show_expected=show_expected)
    if not found.proofs and not found.refused:
        yield "signed", "nothing: the token in the URL is all there is"
    for remark in found.remarks:
        yield "remark", remark
    yield "verdict", f"refused: {found.refused.reason}: {found.refused.detail}" if found.refused else found.verdict
    for cause in found.causes:
        yield "cause", cause
    for told in found.told:
        yield from _told_lines(told)


def _proof_lines(found: Explanation, proof: Proof, *, show_expected: bool) -> Iterator[tuple[str, str]]:
    if proof.static:
        yield "signed", f"nothing: the same is sent every time ({proof.method}), so it is not shown"
    else:
        yield from _signed_lines(found, proof)
    for place, secret in enumerate(found.secrets, 1):
        known = f" (it ends in {tail(secret)})" if tail(secret) else ""
        fits = "fits" if place in proof.fitting else "does not fit"
        yield "secret", f"{place} of {len(found.secrets)}{known}: {fits}"
    if show_expected and not proof.static:
        for place, expected in enumerate(_expected(found, proof), 1):
            yield "expected", f"{expected or 'only the gateway can tell'} (secret {place})"
    if proof.timestamp:
        yield "time", _time_line(proof, found.now_ms)


def _signed_lines(found: Explanation, proof: Proof) -> Iterator[tuple[str, str]]:
    start, end = excerpts(proof.signed, found.hidden)
    yield "signed", f"{len(proof.signed):,} bytes by {proof.method}, SHA-256 {sha256(proof.signed).hexdigest()}"
    yield "", f"from {start}"
    if end:
        yield "", f"to   {end}"
    for signature in proof.signatures:
        yield "signature", written(signature, found.capture)


def _time_line(proof: Proof, now_ms: int) -> str:
    if proof.signed_at_ms is None:
        return f"{proof.timestamp} is no time"
    off_s = (now_ms - proof.signed_at_ms) / 1000
    side = f"{off_s:,.0f} s before" if off_s >= 0 else f"{-off_s:,.0f} s after"
    return f"signed {time_text(proof.signed_at_ms)}, {side} {time_text(now_ms)}; {proof.tolerance_s} s are allowed"


def _told_lines(told: Told) -> Iterator[tuple[str, str]]:
    reason = f": {told.reason}" if told.reason else ""
    yield "event", f"{told.event or 'without a name'}, known by {told.dedupe_key}"
    yield "becomes", f"{told.state}{reason}"
    if told.question:
        yield "asks", told.question
    for fact in told.facts:
        yield "fact", _fact_line(fact)


def _fact_line(fact: Fact) -> str:
    said = fact_view(fact)
    amount = f" {said['amount']} {fact.currency}" if fact.currency else ""
    ref = f", {fact.ref}" if fact.ref else ""
    details = "".join(f", {name} {value}" for name, value in fact.detail.items())
    return f"{fact.kind}{amount} of {fact.aggregate}{ref} at {said['at']}{details}"
