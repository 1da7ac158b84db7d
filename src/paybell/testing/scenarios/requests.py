"""The requests of a scenario as a gateway makes them, and spoilt as the scenario wants them. Pure."""

from typing import Final, cast

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from paybell.model.source import Source
from paybell.testing.gateways import gateway as pretend
from paybell.testing.pretender import Json, Pretender, SignedRequest
from paybell.testing.scenarios.script import Hook, Rewrite, Secret

_STARTED_BEFORE_S: Final = 60
"""So long before the scenario's start every payment was begun."""


class Moment(Struct, frozen=True):
    """When the scenario began and when it is now, in seconds since 1970; ``tag`` makes its ids its own."""

    started_at_s: int
    now_s: int
    tag: str


def secret_of(pretender: Pretender, secret: Secret) -> str:
    """A secret in the form that the gateway's have."""
    own = pretender.secret
    return {Secret.MAIN: own, Secret.NEW: own[::-1], Secret.FORGED: own[1:] + own[0], Secret.EMPTY: ""}[secret]


def payment_id(gateway: str, payment: str, copy: int, tag: str) -> str:
    """The gateway's id of a payment, in the form that its ids have."""
    prefix, underscore, rest = pretend(gateway).payment_id.rpartition("_")
    name = f"{payment}{copy}{tag}"
    return f"{prefix}{underscore}{name.upper() if rest.isupper() else name}"


def request_for(hook: Hook, source: Source, copy: int, moment: Moment) -> SignedRequest:
    """The request as it goes out."""
    pretender = pretend(source.gateway)
    made = _signed(_maker(pretender, hook.event, hook.body, hook.secret), hook, source, copy, moment)
    if hook.rewrite is Rewrite.NONE:
        return made
    pretty = msgspec.json.format(made.body, indent=2)
    if hook.rewrite is Rewrite.AFTER_SIGNING:
        return replace(made, body=pretty)
    return _signed(_maker(pretender, hook.event, pretty, hook.secret), hook, source, copy, moment)


def _maker(pretender: Pretender, event: str, body: bytes, secret: Secret) -> Pretender:
    """The pretender with its secret, and with an event whose body is given where one is."""
    signing = replace(pretender, secret=secret_of(pretender, secret))
    if not body:
        return signing
    verbatim = cast("Json", Raw(body))  # encoded as the bytes that it is
    return replace(signing, builders={event: lambda _: verbatim})


def _signed(maker: Pretender, hook: Hook, source: Source, copy: int, moment: Moment) -> SignedRequest:
    return maker.signed(
        hook.event,
        payment_id=payment_id(source.gateway, hook.payment, copy, moment.tag),
        order_id=f"order_{hook.payment}",
        amount_minor=hook.amount_minor,
        currency=hook.currency,
        refund_id=f"re{hook.refund}{copy}{moment.tag}" if hook.refund else "",
        refund_minor=hook.refund_minor,
        token=f"{source.token}x" if source.token and hook.secret is Secret.FORGED else source.token,
        options=source.options,
        at_s=moment.started_at_s + hook.after_s,
        started_at_s=moment.started_at_s - _STARTED_BEFORE_S,
        signed_at_s=moment.now_s - hook.signed_s_ago,
        livemode=hook.livemode,
        event_id=hook.event_id,
    )
