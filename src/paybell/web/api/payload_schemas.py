"""Event types' JSON Schemas: checked when they are set, and, where a type asks for it, when a message is posted.

They are an organisation's own words, so that nothing that they say may cost more than their size: no reference leads
out of them (no file, no host), and patterns are matched in linear time.
"""

import json
from functools import lru_cache
from typing import Any, Final, NoReturn

import jsonschema_rs

from paybell.errors import ConfigurationError

_KNOWN_MAX: Final = 1024
_TEXT_CHARS_MAX: Final = 300


def check_schemas(schemas: str) -> None:
    """``ConfigurationError`` where one of the schemas (JSON, by version; '' for none) is not a JSON Schema."""
    for version, schema in (json.loads(schemas) if schemas else {}).items():
        try:
            _compile(json.dumps(schema))
        except ConfigurationError as error:
            raise ConfigurationError(f"version {version}: {error}") from None


def check_payload(schemas: str, payload: bytes) -> None:
    """``ConfigurationError`` where the newest of the schemas refuses a payload, with the first reason and its place."""
    wrong = next(_newest(schemas).iter_errors(json.loads(payload)), None)
    if wrong is not None:
        place = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in wrong.instance_path)
        raise ConfigurationError(f"the event type's schema refuses it at ${place}: {wrong.message}"[:_TEXT_CHARS_MAX])


def newest_of(schemas: str) -> Any:
    """The schema of the highest version; None for no schemas."""
    by_version: dict[str, object] = json.loads(schemas or "{}")
    newest = max(by_version, key=lambda name: (int(name) if name.isdecimal() else -1, name), default=None)
    return None if newest is None else by_version[newest]


@lru_cache(maxsize=_KNOWN_MAX)
def _newest(schemas: str) -> Any:
    return _compile(json.dumps(newest_of(schemas)))


def _compile(schema: str) -> Any:
    try:
        return jsonschema_rs.validator_for(
            schema, retriever=_refuse, pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000)
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        text = getattr(error, "message", None) or str(error)
        raise ConfigurationError(f"not a JSON Schema: {text}"[:_TEXT_CHARS_MAX]) from None


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"the reference {uri} leads out of the schema; put what it names under $defs")
