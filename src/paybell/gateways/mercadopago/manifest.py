"""What Mercado Pago signs: the id in the query, the request's id and a time; what is not there is left out."""

from urllib.parse import parse_qsl

from msgspec import Struct

from paybell.gateways.kit.methods import Hmac
from paybell.model.notification import Request


class EitherCase(Struct, frozen=True):
    """An HMAC whose id is in lower case, as the docs say, or as it came, as the SDK leaves it."""

    as_it_came: bytes

    @property
    def words(self) -> str:
        """What it is."""
        return "HMAC-SHA256 (the id in lower case or as it came)"

    def expected(self, secret: str, signed: bytes) -> bytes | None:
        """The documented one."""
        return Hmac().expected(secret, signed)

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """In constant time; both are computed."""
        return Hmac().matches(secret, signed, given) | Hmac().matches(secret, self.as_it_came, given)


def manifest(request: Request, thing: str, time: bytes) -> bytes:
    """The signed text, with ``thing`` as its id."""
    request_id = request.header(b"x-request-id") or b""
    parts = ((b"id", thing.encode(errors="replace")), (b"request-id", request_id), (b"ts", time))
    return b"".join(b"%s:%s;" % part for part in parts if part[1])


def id_of_query(request: Request) -> str:
    """``data.id`` of the URL's query; '' where there is none."""
    try:
        fields = parse_qsl(request.query, max_num_fields=50)
    except ValueError:
        return ""
    return next((value for name, value in fields if name == "data.id"), "")
