"""What all gateways do alike: check a source, judge claims, say what a believed request is."""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

from paybell.gateways.kit import options, signatures
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, RefusalReason, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claims


class Base(ABC):
    """A gateway with secrets. A subclass says who it is (``about``), what its options must be, and the three rest."""

    about: About
    checks: Mapping[str, options.Check] = MappingProxyType({})
    """What each option must be."""

    @property
    def where(self) -> str:
        """How an error names the gateway."""
        return f"gateway {self.about.name!r}"

    def check(self, source: Source) -> None:
        """Refuse unknown or unfit options, and blank secrets."""
        options.check_options(source.options, self.checks, self.where)
        options.check_secrets(source.secrets, self.where)

    @abstractmethod
    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """See the port."""

    @abstractmethod
    def accept(self, request: Request, source: Source) -> Verdict:
        """What a request is whose claims are right."""

    @abstractmethod
    def parse(self, notification: Notification, source: Source) -> Parsed:
        """See the port."""

    def verify(self, request: Request, source: Source, now_ms: int) -> Verdict:
        """See the port."""
        refused = self.unfit(request, source)
        if refused:
            return refused
        claims = self.claims(request, source)
        if isinstance(claims, Refused):
            return claims
        for claim in claims:
            if refused := signatures.judge(claim, now_ms):
                return refused
        return self.accept(request, source)

    def unfit(self, request: Request, source: Source) -> Refused | None:
        """Why a request cannot be judged: no secret, a compressed body; where the URL has a token, another one."""
        if self.about.has_token and (refused := judge_token(request, source)):
            return refused
        return signatures.unfit(request, source.secrets)


class Unsigned(Base):
    """A gateway that signs nothing: the token in the source's URL is all that a request shows."""

    def unfit(self, request: Request, source: Source) -> Refused | None:
        """Another token."""
        return judge_token(request, source)

    def claims(self, request: Request, source: Source) -> Claims | Refused:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return ()


def judge_token(request: Request, source: Source) -> Refused | None:
    """None when the URL ends in the source's token."""
    if not source.token:
        return Refused(RefusalReason.NO_SECRET, "the source has no token in its URL: create the source anew")
    if not hmac.compare_digest(request.token.encode(errors="replace"), source.token.encode()):
        return Refused(RefusalReason.TOKEN_MISMATCH, "the URL does not end in the source's token")
    return None
