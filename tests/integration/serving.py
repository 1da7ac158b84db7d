"""An ASGI function behind the server that `paybell up` runs."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import uvicorn

from paybell.cli.http_protocol import HttpLimits, protocol_with
from paybell.web.ingest import Receive, Scope, Send


@contextlib.asynccontextmanager
async def serving(
    served: Callable[[Scope, Receive, Send], Awaitable[None]], *, kept_s: int = 75, limits: HttpLimits | None = None
) -> AsyncIterator[int]:
    """A server on a port of its own, which keeps unused connections for ``kept_s``."""
    protocol = protocol_with(limits or HttpLimits())
    config = uvicorn.Config(
        served,
        port=0,
        http=protocol,
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_keep_alive=kept_s,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()
