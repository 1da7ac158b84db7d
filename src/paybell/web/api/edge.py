"""What stands before the router: a limit on bodies and on the time they take, trailing slashes, the last safety net."""

import asyncio
import traceback
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from paybell import log
from paybell.web.api.problems import problem
from paybell.web.ingest import Receive, Scope, Send
from paybell.web.watch import Watch
from paybell.web.whole import whole_body

BODY_BYTES_MAX: Final = 1_048_576
_READ_TIMEOUT_S: Final = 10.0


class Edge:
    """ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._log = log.get("web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on; answer 413, 408 or 500 where nothing else has answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watched = _Watched(send)
        try:
            await self._app(_without_slash(scope), _limited(scope, receive), watched)
        except ClientDisconnect:
            pass  # in the middle of what it sent: nobody is there to be answered
        except HTTPException as error:
            await problem(error.status_code)(scope, receive, send)
        except Exception as error:
            # As text, since a program that mounts Paybell may log tracebacks with local variables: secrets among them.
            trace = "".join(traceback.format_exception(error))
            self._log.error("request.failed", method=scope["method"], path=scope["path"], trace=trace)
            if watched.started:
                raise
            await problem(500, "Something went wrong here; the log says what.")(scope, receive, send)


class _Limited:
    """Receives a body, but no more of it than allowed, and not for longer."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self._ended = False
        self._ends_at = asyncio.get_running_loop().time() + _READ_TIMEOUT_S

    async def __call__(self) -> Any:
        if self._ended:
            return await self._receive()
        watch = Watch(self._ends_at - asyncio.get_running_loop().time())
        try:
            event = await self._receive()
        except asyncio.CancelledError:
            if watch.has_rung:
                raise HTTPException(408) from None
            raise
        finally:
            watch.stop()
        self._size += len(event.get("body", b""))
        self._ended = not event.get("more_body", False)
        if self._size > BODY_BYTES_MAX:
            raise HTTPException(413)
        return event


def _limited(scope: Scope, receive: Receive) -> Receive:
    """``receive`` for what is still to come; ``HTTPException`` where it is too much already."""
    body = whole_body(scope)
    if body is None:
        _check_length(scope)
        return _Limited(receive)
    if len(body) > BODY_BYTES_MAX:
        raise HTTPException(413)
    return receive


class _Watched:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, event: Any) -> None:
        self.started = True
        await self._send(event)


def _check_length(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > BODY_BYTES_MAX):
            raise HTTPException(413)


def _without_slash(scope: Scope) -> Scope:
    """One trailing slash is accepted without a redirect, as SDKs expect."""
    path: str = scope["path"]
    if not path.endswith("/") or path == scope.get("root_path", "") + "/":
        return scope
    return {**scope, "path": path[:-1], "raw_path": scope.get("raw_path", b"").removesuffix(b"/")}
