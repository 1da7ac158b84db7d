"""Where a request's signature stands, and putting another one there."""

import json
from urllib.parse import parse_qsl, quote_from_bytes

from msgspec.structs import replace

from paybell.gateways.kit.payloads import at_pointer
from paybell.model.notification import Request
from tests.unit.gateways.sources import with_header


def signature(made: Request, place: str) -> bytes:
    """The bytes of the signature (of the token, where the gateway signs nothing)."""
    kind, _, name = place.partition(":")
    match kind:
        case "header":
            value = made.header(name.encode())
            assert value is not None
            return value
        case "form":
            return dict(parse_qsl(made.body.decode()))[name].encode()
        case "json":
            text = at_pointer(json.loads(made.body), name)
            assert isinstance(text, str)
            return text.encode()
        case _:
            return made.token.encode()


def with_signature(made: Request, place: str, value: bytes | None) -> Request:
    """The request with another signature; None takes it away."""
    kind, _, name = place.partition(":")
    match kind:
        case "header":
            return with_header(made, name, value)
        case "form":
            fields = [(field, text.encode()) for field, text in parse_qsl(made.body.decode(), keep_blank_values=True)]
            kept = [(field, text if field != name else value) for field, text in fields]
            body = "&".join(f"{field}={quote_from_bytes(text)}" for field, text in kept if text is not None)
            return replace(made, body=body.encode())
        case "json":
            whole = json.loads(made.body)
            *way, last = name.split("/")[1:]
            inner = whole
            for part in way:
                inner = inner[int(part)] if isinstance(inner, list) else inner[part]
            if value is None:
                del inner[last]
            else:
                inner[last] = value.decode("latin-1")
            return replace(made, body=json.dumps(whole).encode())
        case _:
            return replace(made, token=(value or b"").decode("latin-1"))
