"""Sources, requests and notifications for the tests of gateways."""

import json
from collections.abc import Mapping

from msgspec.structs import replace

from paybell.gateways import gateway
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification, Origin, Request
from paybell.model.source import Source
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from paybell.testing.pretender import SignedRequest

NOW_S = 1_750_000_000
NOW_MS = NOW_S * 1000

SECRET = "whsec_not_a_real_secret"
TOKEN = "tok_not_a_real_token"


def source(
    name: str,
    *,
    secrets: tuple[str, ...] | None = None,
    options: Mapping[str, object] | None = None,
    token: str = TOKEN,
) -> Source:
    """A source that believes what the pretend gateway signs with its own secret."""
    about, pretender = gateway(name).about, PRETENDERS[name]
    if secrets is None:
        secrets = (pretender.source_secret(pretender.secret),) if about.credential else ()
    return Source(
        id="src_1",
        organisation_id="org_1",
        uid=f"{name}-test",
        gateway=name,
        livemode=False,
        secrets=secrets,
        token=token if about.has_token else "",
        options=pretender.options if options is None else options,
        enabled=True,
        created_at_ms=0,
    )


def request(signed: SignedRequest) -> Request:
    headers = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in signed.headers)
    return Request(signed.body, headers, signed.token, signed.query)


def with_header(made: Request, name: str, value: bytes | None) -> Request:
    kept = tuple(pair for pair in made.headers if pair[0] != name.encode())
    return replace(made, headers=kept if value is None else (*kept, (name.encode(), value)))


def notification(
    body: bytes, *, origin: Origin = Origin.WEBHOOK, headers: tuple[tuple[str, str], ...] = ()
) -> Notification:
    return Notification(
        id="ntf_1",
        source_id="src_1",
        organisation_id="org_1",
        dedupe_key="key",
        origin=origin,
        hint=False,
        received_at_ms=NOW_MS + 5,
        headers=headers,
        body=body,
    )


def parse(name: str, body: object, options: Mapping[str, object] | None = None) -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gateway(name).parse(notification(raw), source(name, options=options))


def only(parsed: Parsed, kind: Kind) -> Fact:
    (fact,) = [fact for fact in parsed.facts if fact.kind is kind]
    return fact


def kinds(parsed: Parsed) -> list[Kind]:
    return [fact.kind for fact in parsed.facts]
