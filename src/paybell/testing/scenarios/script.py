"""The words scenarios are written in: who takes part, what happens one after the other, and what must come of it."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

DAY_S = 86_400


class Secret(StrEnum):
    """Which secret signs a request, or is held by a source."""

    MAIN = "main"
    NEW = "new"
    FORGED = "forged"
    """A guess: no source holds it."""
    EMPTY = "empty"
    """No secret at all: an HMAC under the empty key."""


class Rewrite(StrEnum):
    """What becomes of a body between its maker and the wire."""

    NONE = "none"
    BEFORE_SIGNING = "before_signing"
    """Written with line breaks and blanks, and signed so."""
    AFTER_SIGNING = "after_signing"
    """Parsed and written anew on its way: the same JSON in other bytes."""


class Word(Struct, frozen=True, omit_defaults=True):
    """A part of a scenario; written out, it names only what is special about it."""


class Account(Word, frozen=True, kw_only=True):
    """A source: an account at a pretend gateway. ``name`` is '' where the gateway's own will do."""

    gateway: str
    name: str = ""
    secrets: tuple[Secret, ...] = (Secret.MAIN,)
    livemode: bool = False
    options: Mapping[str, object] = {}

    @property
    def called(self) -> str:
        """Its name within the scenario."""
        return self.name or self.gateway


class Says(Word, frozen=True):
    """How an endpoint answers. ``redirect_to`` names another endpoint; one that hangs never answers."""

    status_code: int = 200
    redirect_to: str = ""
    hangs: bool = False


class Listener(Word, frozen=True, kw_only=True):
    """An endpoint with a real HTTP server behind it; its answers come one after the other, and the last one stays.

    Without ``subscribed`` it is only a server that nothing should reach. ``host`` is where it listens.
    """

    name: str
    says: tuple[Says, ...] = (Says(),)
    host: str = "127.0.0.1"
    subscribed: bool = True

    @property
    def hangs(self) -> bool:
        """Whether it never answers."""
        return self.says[-1].hangs


class Hook(Word, frozen=True, kw_only=True):
    """One webhook request. ``payment`` and ``refund`` are names within the scenario; real ids are made of them.

    The gateway says that it happened ``after_s`` seconds after the start. It is signed ``signed_s_ago`` before now.
    ``body`` goes instead of what the pretend gateway would write. ``answer`` is the status it must be answered with.
    """

    source: str
    event: str
    payment: str = "payment"
    amount_minor: int = 10_000
    currency: str = ""
    refund: str = ""
    refund_minor: int = 0
    after_s: int = 0
    event_id: str = ""
    livemode: bool = False
    secret: Secret = Secret.MAIN
    signed_s_ago: int = 0
    rewrite: Rewrite = Rewrite.NONE
    body: bytes = b""
    answer: int = 200


class Send(Word, frozen=True, tag=str.lower):
    """Post requests, each after the answer to the one before, or all ``at_once``."""

    hooks: tuple[Hook, ...]
    times: int = 1
    at_once: bool = False


class Orders(Word, frozen=True, tag=str.lower):
    """Post one history in every order (at most ``orders_max``, chosen by the seed), each for a payment of its own.

    Each request may be repeated once; the seed decides which.
    """

    hooks: tuple[Hook, ...]
    orders_max: int = 24
    repeats: bool = True


class Crash(Word, frozen=True, tag=str.lower):
    """Post to a process that keeps requests and goes no further, and SIGKILL it; then Paybell starts anew."""

    hooks: tuple[Hook, ...]


class Advance(Word, frozen=True, tag=str.lower):
    """Let time pass."""

    seconds: int


class Turn(Word, frozen=True, tag=str.lower):
    """Take an endpoint's server down, or bring it back."""

    endpoint: str
    up: bool


class Replay(Word, frozen=True, tag=str.lower):
    """Have every notification read again."""


class Hold(Word, frozen=True, tag=str.lower):
    """Give a source other secrets, newest first."""

    source: str
    secrets: tuple[Secret, ...]


class Tell(Word, frozen=True, kw_only=True, tag=str.lower):
    """What the gateway's API says of a payment from now on."""

    source: str
    payment: str = "payment"
    status: str
    amount_minor: int = 10_000
    refund_minor: int = 0


Step = Send | Orders | Crash | Advance | Turn | Replay | Hold | Tell


class PaymentWanted(Word, frozen=True, kw_only=True):
    """What must be true of a payment, and of each of its copies where a history was told in several orders.

    ``told`` are the event types delivered exactly once to the first endpoint, ``may`` those delivered once at most;
    ``payment.updated`` is free. ``amount`` is how every message must write the amount. ``lost_minor`` went with a
    dispute, ``kept`` is what the gateway kept by the account it is booked on. The ledger must say the same: captures
    less all of that at the gateway, and nothing else.
    """

    payment: str = "payment"
    status: str
    currency: str
    captured_minor: int = 0
    refunded_minor: int = 0
    lost_minor: int = 0
    kept: Mapping[str, int] = {}
    told: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    amount: str = ""

    @property
    def booked(self) -> Mapping[str, int]:
        """The balance of every account, debits above zero."""
        gone_minor = self.refunded_minor + self.lost_minor + sum(self.kept.values())
        balances = {
            **self.kept,
            "clearing": self.captured_minor - gone_minor,
            "sales": -self.captured_minor,
            "refunds": self.refunded_minor,
            "chargeback_losses": self.lost_minor,
        }
        return {account: balance for account, balance in balances.items() if balance}


class EndpointWanted(Word, frozen=True, kw_only=True):
    """What must have become of an endpoint's deliveries; None where any number will do."""

    name: str = "shop"
    delivered: int | None = None
    waiting: int = 0
    dead: int = 0
    requests: int | None = None
    disabled: bool = False


class Wanted(Word, frozen=True, kw_only=True):
    """What must come of it all. No other payment may be there, no other refusal and no other delivery.

    ``notifications`` counts them by state, ``refused`` are the reasons in the samples of refused requests.
    """

    payments: tuple[PaymentWanted, ...] = ()
    notifications: Mapping[str, int] = {}
    refused: frozenset[str] = frozenset()
    endpoints: tuple[EndpointWanted, ...] = ()


class Scenario(Word, frozen=True, kw_only=True):
    """A name, what goes wrong elsewhere, what must be right here, and how both are seen."""

    name: str
    wrong: str
    right: str
    sources: tuple[Account, ...]
    steps: tuple[Step, ...]
    wanted: Wanted
    endpoints: tuple[Listener, ...] = (Listener(name="shop"),)
