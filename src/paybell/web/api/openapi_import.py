"""Event types as the webhooks of an OpenAPI document describe them. Pure.

A document is somebody's own words, as schemas are: YAML is read without aliases, which could stand for more than fits
into memory, and nothing leads out of it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.model.message import EVENT_TYPE_PATTERN

WEBHOOKS_MAX: Final = 1_000
NODES_MAX: Final = 200_000
"""Values in all schemas together, with what they refer to."""
FLAG_PATTERN: Final = re.compile(r"^[a-zA-Z0-9\-_.]{1,256}$")
_NAME_CHARS_MAX: Final = 128
_METHODS: Final = ("post", "put", "patch", "get", "delete")
_COMPONENTS: Final = "#/components/"
_SCHEMAS: Final = _COMPONENTS + "schemas/"
_TEXT_CHARS_MAX: Final = 1_024
_DEPTH_MAX: Final = 8


class Described(Struct, frozen=True, kw_only=True):
    """An event type as a document describes it; no ``schema`` where it says nothing of the body."""

    name: str
    description: str
    deprecated: bool
    schema: Mapping[str, Any] | None
    group_name: str
    feature_flags: tuple[str, ...]


def read_document(text: str) -> dict[str, Any]:
    """A document in YAML or JSON; ``ConfigurationError`` where it is neither. It may take a second."""
    try:
        if any(isinstance(it, yaml.AliasEvent) for it in yaml.parse(text, Loader=yaml.CSafeLoader)):
            raise ConfigurationError("aliases (*name) are not read: write out what they stand for")
        loaded = yaml.load(text, Loader=yaml.CSafeLoader)
        found = json.loads(json.dumps(loaded, default=str, allow_nan=False))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"neither YAML nor JSON: {error}"[:_TEXT_CHARS_MAX]) from None
    if not isinstance(found, dict):
        raise ConfigurationError("it must be an object: an OpenAPI document")
    return found


def described(document: Mapping[str, Any]) -> list[Described]:
    """What its ``webhooks`` (or ``x-webhooks``) are; ``ConfigurationError`` says what is wrong, and where."""
    webhooks = document.get("webhooks") or document.get("x-webhooks") or {}
    if not isinstance(webhooks, Mapping) or not webhooks:
        raise ConfigurationError("it has no webhooks (nor x-webhooks): there is nothing to import")
    if len(webhooks) > WEBHOOKS_MAX:
        raise ConfigurationError(f"it has more than {WEBHOOKS_MAX} webhooks: import its parts one after the other")
    reading = _Reading(document)
    try:
        return [reading.webhook(str(name), item) for name, item in sorted(webhooks.items())]
    except RecursionError:
        raise ConfigurationError("its schemas are nested too deeply") from None


class _Reading:
    """A document that is read; what it says through its references is counted, and has an end."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._name = ""
        self._left = NODES_MAX

    def webhook(self, name: str, item: Any) -> Described:
        """One of its webhooks."""
        self._name = f"webhooks.{name[:_NAME_CHARS_MAX]}"
        if not EVENT_TYPE_PATTERN.fullmatch(name):
            raise self._wrong(f"it cannot be an event type: that must match {EVENT_TYPE_PATTERN.pattern}")
        path = self._resolved(item)
        operation = next((it for method in _METHODS if isinstance(it := path.get(method), Mapping)), None)
        if operation is None:
            raise self._wrong("it has no operation")
        text = operation.get("description") or operation.get("summary") or path.get("description") or ""
        return Described(
            name=name,
            description=str(text)[:_TEXT_CHARS_MAX],
            deprecated=operation.get("deprecated") is True,
            schema=self._schema(operation),
            group_name=str(operation.get("x-svix-group-name") or "")[:_NAME_CHARS_MAX],
            feature_flags=self._flags(operation),
        )

    def _flags(self, operation: Mapping[str, Any]) -> tuple[str, ...]:
        one, many = operation.get("x-svix-feature-flag"), operation.get("x-svix-feature-flags")
        flags = many if isinstance(many, list) else [it for it in (many, one) if it]
        if not all(isinstance(it, str) and FLAG_PATTERN.fullmatch(it) for it in flags):
            raise self._wrong(f"its feature flags must match {FLAG_PATTERN.pattern}")
        return tuple(flags)

    def _schema(self, operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
        body = operation.get("requestBody")
        content = self._resolved(body).get("content") if body is not None else None
        kinds = content.items() if isinstance(content, Mapping) else ()
        media = next((it for kind, it in kinds if "json" in kind), None)
        schema = media.get("schema") if isinstance(media, Mapping) else None
        if not isinstance(schema, Mapping):
            return None
        taken: dict[str, Any] = {}
        whole: dict[str, Any] = self._bundled(schema, taken)
        return {**whole, "$defs": {**whole.get("$defs", {}), **taken}} if taken else whole

    def _bundled(self, node: Any, taken: dict[str, Any]) -> Any:
        """The same with references to the document's schemas led into its own ``$defs``, which are ``taken`` along."""
        self._left -= 1
        if self._left < 0:
            raise ConfigurationError("its schemas say too much together: import its parts one after the other")
        if isinstance(node, list):
            return [self._bundled(it, taken) for it in node]
        if not isinstance(node, Mapping):
            return node
        return {key: self._value(key, value, taken) for key, value in node.items()}

    def _value(self, key: str, value: Any, taken: dict[str, Any]) -> Any:
        if key != "$ref" or not isinstance(value, str) or not value.startswith(_SCHEMAS):
            return self._bundled(value, taken)
        wanted = value.removeprefix(_SCHEMAS)
        if wanted not in taken:
            taken[wanted] = {}
            taken[wanted] = self._bundled(self._at(value), taken)
        return f"#/$defs/{wanted}"

    def _resolved(self, node: Any) -> Mapping[str, Any]:
        """A part of the document, or what it refers to there."""
        for _ in range(_DEPTH_MAX):
            if not isinstance(node, Mapping):
                break
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference)
        raise self._wrong("it is no object, nor a reference that ends at one")

    def _at(self, reference: str) -> Any:
        if not reference.startswith(_COMPONENTS):
            raise self._wrong(f"the reference {reference[:_NAME_CHARS_MAX]} leads out of {_COMPONENTS}")
        node: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
        if node is None:
            raise self._wrong(f"there is nothing at {reference[:_NAME_CHARS_MAX]}")
        return node

    def _wrong(self, text: str) -> ConfigurationError:
        return ConfigurationError(f"{self._name}: {text}")
