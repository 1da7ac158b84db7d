"""What each gateway costs in CPU: judging a request, and reading what it says.

The first event that each pretend gateway can send, and an event of Stripe of about 2 KB as in the other benchmarks, in
one thread, with everything warm: modules read, keys of RSA loaded. Each figure is the processor time of a call, the
best of 15 rounds of about 5 ms. "hint" is a request of which only the id is believed, so that reading it says nothing;
"items" is a request that carries several events, which are read one after the other.

The run fails when the event of 2 KB takes more than 40 µs altogether. Beside "Speed" above one can tell a slow moment
of the machine from slow code.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, assert_never

from msgspec import Struct

from benchmarks import stripe_events
from benchmarks.options import Measured, Options
from benchmarks.process import Failed
from paybell.gateways import gateway
from paybell.model.notification import Batch, Hint, Notification, Origin, Refused, Request, Verified
from paybell.model.source import Source
from paybell.ports import Gateway
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from paybell.testing.pretender import SignedRequest

TITLE: Final = "What judging and reading a webhook costs, by gateway"
AT_S: Final = 1_750_000_000
TOKEN: Final = "tok_benchmark_only"
LIMIT_US: Final = 40.0
TWO_KB: Final = "stripe, 2 KB"
ROUNDS: Final = 15
ROUND_S: Final = 0.005


class Case(Struct, frozen=True):
    """A request, and who is to believe it."""

    name: str
    gateway: Gateway
    source: Source
    request: Request


class Cost(Struct, frozen=True):
    """Of one case, in microseconds of CPU."""

    size: int
    verdict: str
    verify: float
    parse: float

    @property
    def both(self) -> float:
        """Altogether."""
        return self.verify + self.parse


def measure_all(options: Options) -> list[Measured]:  # noqa: ARG001 - as the other benchmarks
    """One column per figure, with the gateways down."""
    costs = {case.name: measured(case) for case in (two_kb(), *(first(name) for name in PRETENDERS))}
    passed = costs[TWO_KB].both <= LIMIT_US
    columns: dict[str, Callable[[Cost], str]] = {
        "bytes": lambda cost: str(cost.size),
        "verdict": lambda cost: cost.verdict,
        "verify, µs": lambda cost: f"{cost.verify:.1f}",
        "parse, µs": lambda cost: f"{cost.parse:.1f}",
        "both, µs": lambda cost: f"{cost.both:.1f}",
    }
    return [
        Measured(
            figures={"figure": figure, **{name: shown(cost) for name, cost in costs.items()}},
            passed=passed,
            void=False,
            sustained=True,
            rate=0.0,
        )
        for figure, shown in columns.items()
    ]


def first(name: str) -> Case:
    """The first event that a pretend gateway can send."""
    pretender, own = PRETENDERS[name], gateway(name)
    signed = pretender.signed(pretender.events[0], token=TOKEN, at_s=AT_S)
    secrets = (pretender.source_secret(pretender.secret),) if own.about.credential else ()
    return Case(name, own, _source(own, secrets, pretender.options), _request(signed))


def two_kb() -> Case:
    """The success of a payment, as long as Stripe's own are."""
    whole = stripe_events.StripeEvents(1, path="/", host="localhost", signed_at_s=AT_S)[0]
    head, _, body = whole.partition(b"\r\n\r\n")
    pairs = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    own = gateway("stripe")
    request = Request(body, tuple((name.lower(), value) for name, _, value in pairs))
    return Case(TWO_KB, own, _source(own, (stripe_events.SECRET,), {}), request)


def measured(case: Case, *, rounds: int = ROUNDS, round_s: float = ROUND_S) -> Cost:
    """Judge and read it again and again."""
    own, source, request, now_ms = case.gateway, case.source, case.request, AT_S * 1000
    word, bodies = _believed(case)
    notifications = [_notification(body) for body in bodies]

    def read() -> None:
        for notification in notifications:
            own.parse(notification, source)

    return Cost(
        size=len(request.body),
        verdict=word,
        verify=_best_us(lambda: own.verify(request, source, now_ms), rounds, round_s),
        parse=_best_us(read, rounds, round_s),
    )


def _believed(case: Case) -> tuple[str, Sequence[bytes]]:
    answer = case.gateway.verify(case.request, case.source, AT_S * 1000)
    match answer:
        case Verified():
            return "verified", (case.request.body,)
        case Hint():
            return "hint", (case.request.body,)
        case Batch(items=items):
            return f"{len(items)} items", tuple(item.body for item in items)
        case Refused():
            raise Failed(f"{case.name} refuses its own pretended event: {answer.reason}, {answer.detail}")
        case _:
            assert_never(answer)


def _best_us(work: Callable[[], object], rounds: int, round_s: float) -> float:
    calls = 1
    while _cpu_s(work, calls) < round_s:
        calls *= 2
    return min(_cpu_s(work, calls) for _ in range(rounds)) / calls * 1e6


def _cpu_s(work: Callable[[], object], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - begun


def _request(signed: SignedRequest) -> Request:
    headers = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in signed.headers)
    return Request(signed.body, headers, signed.token, signed.query)


def _source(own: Gateway, secrets: tuple[str, ...], options: Mapping[str, object]) -> Source:
    about = own.about
    return Source(
        id="src_1",
        organisation_id="org_1",
        uid="benchmark",
        gateway=about.name,
        livemode=False,
        secrets=secrets,
        token=TOKEN if about.has_token else "",
        options=options,
        enabled=True,
        created_at_ms=0,
    )


def _notification(body: bytes) -> Notification:
    return Notification(
        id="ntf_1",
        source_id="src_1",
        organisation_id="org_1",
        dedupe_key="key",
        origin=Origin.WEBHOOK,
        hint=False,
        received_at_ms=AT_S * 1000,
        headers=(),
        body=body,
    )
