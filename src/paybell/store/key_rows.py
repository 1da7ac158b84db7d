"""The rows of API keys and portal tokens, the same in both stores."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from paybell.model.key import ApiKey, Capability, KeyScope, Portal
from paybell.store import rows

_KNOWN: Final = frozenset(KeyScope)


class _Limits(Struct, frozen=True):
    """What is kept of a portal token beside its columns."""

    capabilities: frozenset[Capability]
    feature_flags: frozenset[str]


_LIMITS: Final = msgspec.json.Decoder(_Limits)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def api_key(row: Sequence[object]) -> ApiKey:
    """A row of api_keys, without the hash. A scope of a newer Paybell allows nothing."""
    return ApiKey(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        name=rows.text(row[2]),
        created_at_ms=rows.number(row[3]),
        expires_at_ms=rows.number_or_none(row[4]),
        revoked_at_ms=rows.number_or_none(row[5]),
        scopes=frozenset(map(KeyScope, rows.words(row[6]) & _KNOWN)),
        used_at_ms=rows.number_or_none(row[7]),
        portal=_portal(rows.text(row[8]), rows.text(row[9]), rows.text(row[10])),
    )


def _portal(application_id: str, session_id: str, limits: str) -> Portal | None:
    if not application_id:
        return None
    known = _LIMITS.decode(limits)
    return Portal(
        application_id=application_id,
        capabilities=known.capabilities,
        feature_flags=known.feature_flags,
        session_id=session_id,
    )


def api_key_row(it: ApiKey, key_hash: bytes) -> rows.Row:
    """A key's ten columns."""
    ids = (it.id, it.organisation_id, it.name, key_hash, it.created_at_ms, it.expires_at_ms)
    if it.portal is None:
        return (*ids, rows.joined(it.scopes), "", "", "")
    limits = _ENCODER.encode(_Limits(it.portal.capabilities, it.portal.feature_flags)).decode()
    return (*ids, rows.joined(it.scopes), it.portal.application_id, it.portal.session_id, limits)
