"""Messages of about 1 KB as an application posts them, composed while a run sends them."""

import json
from collections.abc import Sequence
from typing import Final, overload

from msgspec import Struct

EVENT_TYPE: Final = "invoice.ready"
CAPTURE: Final = r'"number":"(\d+)"'
_NUMBER: Final = b"%012d"
_MARK: Final = "%NUMBER%"


_SAID: Final = {
    "number": _MARK,
    "customer": {"id": "cus_1", "email": "buyer@example.com", "name": "An Invented Buyer"},
    "lines": [{"sku": f"article-{line}", "quantity": line, "price": "12.50"} for line in range(8)],
    "note": "n" * 520,
}
_PAYLOAD: Final = json.dumps(_SAID, separators=(",", ":"))
_BODY: Final = f'{{"eventType":"{EVENT_TYPE}","payload":{_PAYLOAD}}}'


def number_text(number: int) -> str:
    """How message ``number`` says which one it is."""
    return (_NUMBER % number).decode()


class Posted(Struct, frozen=True, kw_only=True):
    """Where messages go, and as whom. ``run``: what keeps this run's idempotency keys apart; '' for no keys."""

    applications: Sequence[str]
    host: str
    key: str
    run: str = ""


class Messages(Sequence[bytes]):
    """Whole HTTP requests: number ``i`` posts message ``i`` to each application in turn, as Svix's SDKs do."""

    def __init__(self, count: int, posted: Posted) -> None:
        """Nothing is made ready but what all have in common."""
        self._count = count
        self._body = _BODY.encode().split(_MARK.encode())
        self._run = posted.run.encode()
        self._heads = [self._head(posted, application) for application in posted.applications]

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        """Compose a request, about 1 µs."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if index >= self._count:
            raise IndexError(index)
        number = _NUMBER % index
        key = b"Idempotency-Key: auto_%b-%b\r\n" % (self._run, number) if self._run else b""
        return b"".join((self._heads[index % len(self._heads)], key, b"\r\n", number.join(self._body)))

    def _head(self, posted: Posted, application: str) -> bytes:
        lines = (
            f"POST /api/v1/app/{application}/msg HTTP/1.1",
            f"Host: {posted.host}",
            "User-Agent: svix-libs/1.0/python",
            "Accept: application/json",
            "Content-Type: application/json",
            f"Authorization: Bearer {posted.key}",
            f"Content-Length: {len((_NUMBER % 0).join(self._body))}",
            "",
        )
        return "\r\n".join(lines).encode()


def payload(number: int) -> bytes:
    """What message ``number`` says."""
    return _PAYLOAD.replace(_MARK, number_text(number)).encode()
