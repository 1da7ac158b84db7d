"""What the management API and the metrics need from the composition root."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from paybell.clock import Clock
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.expectation import Expectation
from paybell.model.message import Message
from paybell.ports import ClientCertificate, Gateway, Said, Store, Transformer
from paybell.replay.requests import Requests


class WebContext(Struct, frozen=True, kw_only=True):
    """The parts that web calls."""

    store: Store
    gateways: Mapping[str, Gateway]
    clock: Clock
    public_url: str
    """How gateways reach this server; '' means that the request's own address is shown."""
    portal_url: str
    """The page that links for portal tokens lead to; '' while there is none."""
    version: str
    route: Callable[[Message, tuple[Endpoint, ...]], tuple[DeliveryJob, ...]]
    """The deliveries of a message that an application posts."""
    asked_for: Callable[[Endpoint, Message], bool]
    """Whether an endpoint asked for messages like that one, switched on or not."""
    may_take: Callable[[Endpoint, str, frozenset[str]], bool]
    """Whether a message of that event type on those channels may be for an endpoint."""
    expect: Callable[[Expectation], Awaitable[Said]]
    """Say what an order should pay."""
    deliver: Callable[[Sequence[DeliveryJob]], None]
    """Send what is leased to this process."""
    replays: Requests
    """Say what a replay would do, and make it a task."""
    check_url: Callable[[str], None]
    """Refuse, with ``ConfigurationError``, an endpoint's URL that can never be delivered to."""
    check_listener: Callable[[str], None]
    """The same of an operational endpoint's, which may also be ``mailto:``."""
    check_headers: Callable[[tuple[tuple[str, str], ...]], None]
    """Refuse, with ``ConfigurationError``, custom headers that must not be set."""
    read_certificate: Callable[[str, int], ClientCertificate]
    """What may be shown of a client certificate; ``ConfigurationError`` if it is of no use at that time."""
    transformer: Transformer
    """Runs the code of endpoints' owners."""
    new_secret: Callable[[str], str]
    """A fresh signing secret for an endpoint, of the same kind as that one ('' is of the kind that is shared)."""
    receivers_key: Callable[[str], str]
    """What a receiver verifies with: the secret itself, or its public key."""
    check_secret: Callable[[str], None]
    """Refuse, with ``ConfigurationError``, a signing secret of the wrong form."""
    check_filter: Callable[[str], None]
    """Refuse, with ``ConfigurationError``, what is no filter of payloads."""
    counts: Callable[[], Mapping[str, Mapping[str, int]]]
    """Counters of each step since the start: step -> name -> count."""
    gauges: Callable[[], Mapping[str, int]]
    """What waits or is under way now: name -> count."""
    is_ready: Callable[[], bool]
    """Whether the server has started and is not stopping."""
