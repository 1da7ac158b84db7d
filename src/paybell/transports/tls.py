"""TLS contexts: one for all connections without a client certificate, and one for each certificate in use."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from paybell.clock import Clock
from paybell.errors import ConfigurationError
from paybell.model.delivery import Failed
from paybell.ports import ClientCertificate
from paybell.transports.certificate import expiry_refusal, load_certificate

NewContext = Callable[[], ssl.SSLContext]
"""Makes a context that verifies servers, without a client certificate."""


def strict_tls(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context itself; ``ConfigurationError`` if it would let through what no delivery may go to.

    One that leaves the oldest version to the system, as Debian's Python does, is told here.
    """
    if context.minimum_version is ssl.TLSVersion.MINIMUM_SUPPORTED:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    strict = context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname
    if not strict or context.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise ConfigurationError("the TLS context must verify certificates and host names, with TLS 1.2 or newer")
    return context


class _Made(Struct, frozen=True):
    context: ssl.SSLContext
    shown: ClientCertificate


class TlsContexts:
    """Contexts for one event loop; those with a client certificate are kept, the ``kept_max`` used last.

    A context takes 30 ms and a megabyte where the system trusts 150 authorities: it is made on a thread.
    """

    def __init__(self, clock: Clock, new_context: NewContext, *, kept_max: int) -> None:
        """``new_context`` is called here, and on a thread for each certificate."""
        self._clock = clock
        self._new_context = new_context
        self._kept_max = kept_max
        self._plain = strict_tls(new_context())
        self._made: OrderedDict[str, asyncio.Future[_Made | Failed]] = OrderedDict()
        # A thread of its own: the event loop's may be taken by functions that run for long.
        self._thread = ThreadPoolExecutor(1, "paybell-tls")

    def __len__(self) -> int:
        """How many contexts with a certificate are kept."""
        return len(self._made)

    async def get(self, certificate: str) -> ssl.SSLContext | Failed:
        """The context that shows ``certificate`` (PEM, '' for none); why it cannot be used."""
        if not certificate:
            return self._plain
        made = await asyncio.shield(self._making(certificate))
        if isinstance(made, Failed):
            return made
        refusal = expiry_refusal(made.shown, self._clock.now_ms())
        return Failed(phase="tls", reason=refusal) if refusal else made.context

    def close(self) -> None:
        """Forget all; what is being made is still handed out, and nothing more."""
        self._made.clear()
        self._thread.shutdown(wait=False)

    def _making(self, certificate: str) -> asyncio.Future[_Made | Failed]:
        making = self._made.get(certificate)
        if making is None:
            making = asyncio.get_running_loop().run_in_executor(self._thread, self._make, certificate)
            self._made[certificate] = making
            if len(self._made) > self._kept_max:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(certificate)
        return making

    def _make(self, certificate: str) -> _Made | Failed:
        """On the thread."""
        try:
            # Judged on an empty context first: what is no good should not cost a whole one.
            load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate)
            context = strict_tls(self._new_context())
            context.post_handshake_auth = True  # some servers ask for it only once they have seen the path
            return _Made(context, load_certificate(context, certificate))
        except (ConfigurationError, OSError) as error:
            return Failed(phase="tls", reason=str(error))
