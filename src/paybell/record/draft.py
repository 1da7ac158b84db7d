"""What one decision writes, as it comes together: postings, messages and their deliveries. Pure."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import Grant
from paybell.model.ledger import Posting
from paybell.model.message import Message
from paybell.model.silence import Silence
from paybell.ports import Book, Change, Mention, Route
from paybell.record.ledger import Entries, Owner, postings
from paybell.record.messages import FALLBACK, Transition, envelope

Data = Callable[[Transition], Mapping[str, object]]
"""What a message says of a transition."""


class News(Struct, frozen=True, kw_only=True):
    """What there is to tell of one subject, at which version of it."""

    organisation_id: str
    subject_id: str
    version: int
    told: Sequence[Transition]
    data: Data


class Draft:
    """Takes what is decided, and makes of it what is to be written."""

    def __init__(self, book: Book, route: Route, now_ms: int) -> None:
        self._endpoints = book.endpoints
        self._route = route
        self.now_ms = now_ms
        self.again = ""
        """What sets apart what is told once more of the same version; '' where it is told for the first time."""
        self.silence = ""
        """Why nothing is told of what is being decided; '' where it is."""
        self.postings: list[Posting] = []
        self.messages: list[Message] = []
        self.deliveries: list[DeliveryJob] = []
        self.silences: list[Silence] = []
        self.mentions: list[Mention] = []
        self._grants: list[tuple[Owner, Grant | None]] = []

    def grant(self, owner: Owner, grant: Grant | None) -> None:
        """What an owner says now that its customer may use."""
        self._grants.append((owner, grant))

    def take_grants(self) -> list[tuple[Owner, Grant | None]]:
        """What was said since this was asked last."""
        said, self._grants = self._grants, []
        return said

    def post(self, owner: Owner, posted: Sequence[Posting], wanted: Entries, time: str) -> tuple[Posting, ...]:
        """What the ledger lacks, and what is to be reversed."""
        new = postings(wanted, posted, owner, time=time, posted_at_ms=self.now_ms)
        self.postings += new
        return new

    def tell(self, organisation_id: str, news: Callable[[], News]) -> None:
        """Tell those who asked to hear of it; without any, ``news`` is not even put together."""
        endpoints = self._endpoints.get(organisation_id, ())
        if endpoints and (told := news()).told:
            self._tell(told, endpoints)

    def _tell(self, news: News, endpoints: tuple[Endpoint, ...]) -> None:
        if self.silence:
            self.silences.append(_silent(news, self.silence, self.now_ms))
            return
        routed = self._route(self._change(news), endpoints)
        self.messages += routed.messages
        self.deliveries += routed.deliveries

    def _change(self, news: News) -> Change:
        has_fallback = news.told[-1].event_type == FALLBACK
        special = news.told[:-1] if has_fallback else news.told
        return Change(
            organisation_id=news.organisation_id,
            subject_id=news.subject_id,
            version=news.version,
            again=self.again,
            event_types=tuple((it.event_type, it.ref) for it in special),
            fallback=FALLBACK if has_fallback else "",
            write=lambda message_id, event_type, ref: envelope(
                message_id, event_type, news.data(Transition(event_type, ref)), self.now_ms
            ),
        )


def _silent(news: News, reason: str, now_ms: int) -> Silence:
    return Silence(
        subject_id=news.subject_id,
        version=news.version,
        organisation_id=news.organisation_id,
        event_types=tuple(dict.fromkeys(it.event_type for it in news.told)),
        reason=reason,
        at_ms=now_ms,
    )
