"""The outgoing HTTP sender: HTTP/1.1 over our own protocol, with a total deadline and a cap on everything.

A general client costs several times more for each request, resolves names itself, and counts time per read. This one
does only what a delivery needs: POST and GET, no redirects, no cookies, no proxies, no compression.
"""

import asyncio
import ssl

from msgspec import Struct

from paybell.clock import Clock
from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.ports import Sending
from paybell.transports.answer import RawAnswer, read_retry_after_s
from paybell.transports.config import HttpSenderConfig
from paybell.transports.connection import Closed, Connection, Reply
from paybell.transports.dial import Dialler, Resolver
from paybell.transports.lookup import Lookups
from paybell.transports.pool import IdlePool, Key
from paybell.transports.request import RequestEncoder
from paybell.transports.tls import NewContext, TlsContexts
from paybell.transports.url import Target, parse_url


class _Known(Struct, frozen=True):
    """A URL seen before: taken apart, with its static heads by method."""

    target: Target
    heads: dict[str, str]


class HttpSender:
    """A :class:`~paybell.ports.Sender` for http and https URLs; belongs to one event loop.

    ``new_tls_context`` is for an own CA only; one that does not verify is refused. ``resolver`` replaces the system's.
    """

    def __init__(
        self,
        clock: Clock,
        config: HttpSenderConfig | None = None,
        *,
        new_tls_context: NewContext = ssl.create_default_context,
        resolver: Resolver | None = None,
    ) -> None:
        """``clock`` tells the date, for ``Retry-After`` and certificates; deadlines are on the loop's clock."""
        self._clock = clock
        self._config = config or HttpSenderConfig()
        self._idle = IdlePool(connections_max=self._config.idle_connections_max, idle_s=self._config.idle_s)
        self._busy: set[Connection] = set()
        resolver = resolver or Lookups(threads_max=self._config.lookups_max)
        self._tls = TlsContexts(clock, new_tls_context, kept_max=self._config.tls_contexts_max)
        self._dialler = Dialler(self._config, resolver, self._tls, self._idle.forget)
        self._encoder = RequestEncoder(self._config.user_agent)
        self._known: dict[str, _Known] = {}
        self._closed = False

    async def send(self, sending: Sending) -> Outcome:
        """Make the request within ``timeout_s`` altogether; every failure is a value, nothing but a cancel is raised.

        3xx are answers like others. The answer's body is cut at ``answer_bytes_max`` and the connection closed.
        """
        try:
            known = self._known.get(sending.url) or self._learn(sending.url)
            head = known.heads.get(sending.method)
            if head is None:
                return Failed(phase="send", reason=f"method {sending.method} is not sent; use POST or GET")
            request = self._encoder.encode(head, sending)
        except ConfigurationError as error:
            return Failed(phase="send", reason=str(error))
        now = asyncio.get_running_loop().time()
        key = (sending.pool, known.target.origin, sending.client_certificate)
        connection = self._idle.take(key, now)
        if connection is not None:
            reply = await self._ask(connection, key, sending, request, now + sending.timeout_s)
            if not isinstance(reply, Closed) or reply.answer_begun or self._closed:
                return self._outcome(reply)
            # A kept connection that the peer closed before any byte of an answer: most likely its idle time ran out
            # while the request was on its way. Perhaps the endpoint did read the request, but a delivery is made at
            # least once and carries an id to tell duplicates by, so asking again here is no more than a retry later.
        return await self._send_anew(known.target, key, sending, request, now + sending.timeout_s)

    def serves(self, url: str) -> bool:  # noqa: ARG002 - any process can
        """Whether this process can send to it."""
        return True

    async def close(self) -> None:
        """Drop every connection; requests under way end as failed, and so do later ones."""
        self._closed = True
        while self._idle:
            self._idle.drop_oldest()
        for connection in tuple(self._busy):
            connection.drop()
        self._tls.close()

    async def _send_anew(self, target: Target, key: Key, sending: Sending, request: bytes, deadline: float) -> Outcome:
        if self._closed:
            return Failed(phase="connect", reason="the sender is closed")
        connection = await self._dialler.open(target, sending.client_certificate, deadline)
        if isinstance(connection, Failed):
            return connection
        return self._outcome(await self._ask(connection, key, sending, request, deadline))

    async def _ask(self, connection: Connection, key: Key, sending: Sending, request: bytes, deadline: float) -> Reply:
        if self._closed:
            connection.drop()
        self._busy.add(connection)
        try:
            reply = await connection.ask(
                request, answer_bytes_max=sending.answer_bytes_max, deadline=deadline, timeout_s=sending.timeout_s
            )
        except asyncio.CancelledError:
            connection.drop()
            raise
        finally:
            self._busy.discard(connection)
        self._keep(key, connection)
        return reply

    def _keep(self, key: Key, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        # An answer that came before the request was wholly read (a 413, say) leaves half a request on the wire.
        if connection.unwritten_bytes or now - connection.opened_at > self._config.connection_age_max_s:
            connection.drop()
        self._idle.put(key, connection, now)

    def _outcome(self, reply: Reply) -> Outcome:
        match reply:
            case RawAnswer(status_code=code, body=body):
                is_fine = 200 <= code < 300  # noqa: PLR2004 - RFC 9110 section 15.3
                wait_s = None if is_fine else read_retry_after_s(reply.headers, self._clock.now_ms())
                return Answered(status_code=code, body=body, retry_after_s=wait_s)
            case Closed():
                return Failed(phase=reply.phase, reason=reply.reason)
            case Failed():
                return reply

    def _learn(self, url: str) -> _Known:
        target = parse_url(url)
        known = _Known(target, self._encoder.static_heads(target))
        if len(self._known) >= self._config.targets_max:
            del self._known[next(iter(self._known))]
        self._known[url] = known
        return known
