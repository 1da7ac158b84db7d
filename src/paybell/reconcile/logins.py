"""Access tokens of gateways' APIs: asked for when needed, kept in memory until they end or are refused."""

from msgspec import Struct

from paybell.clock import Clock
from paybell.model.delivery import Answered
from paybell.model.source import Source
from paybell.ports import FetchPlan, Login, Sender, Sending
from paybell.reconcile.rules import Token, problem_with, read_token

Headers = tuple[tuple[str, str], ...]


class _Kept(Struct, frozen=True):
    login: Login
    token: Token


class Logins:
    """One token per source; a source whose credentials changed logs in anew."""

    def __init__(self, sender: Sender, clock: Clock, *, timeout_s: float) -> None:
        self._sender = sender
        self._clock = clock
        self._timeout_s = timeout_s
        self._kept: dict[str, _Kept] = {}

    async def headers(self, source: Source, plan: FetchPlan) -> Headers | str:
        """The headers to ask with; a text says why there is no token."""
        if plan.login is None:
            return plan.headers
        token = self._valid(source, plan.login) or await self._log_in(source, plan.login)
        if isinstance(token, str):
            return token
        return (*plan.headers, ("authorization", f"{plan.login.scheme} {token.text}"))

    def forget(self, source: Source) -> None:
        """The API refused or failed: the next question logs in anew."""
        self._kept.pop(source.id, None)

    def _valid(self, source: Source, login: Login) -> Token | None:
        kept = self._kept.get(source.id)
        fits = kept is not None and kept.login == login and self._clock.now_ms() < kept.token.ends_at_ms
        return kept.token if kept is not None and fits else None

    async def _log_in(self, source: Source, login: Login) -> Token | str:
        outcome = await self._sender.send(
            Sending(
                pool=f"fetch:{source.id}",
                url=login.url,
                headers=login.headers,
                body=login.body,
                timeout_s=self._timeout_s,
            )
        )
        problem = problem_with(outcome)
        if problem or not isinstance(outcome, Answered):
            return f"login: {problem}"
        token = read_token(outcome.body, self._clock.now_ms())
        if token is None:
            return "login: the gateway's API gave no access token"
        self._kept[source.id] = _Kept(login, token)
        return token
