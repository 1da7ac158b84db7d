"""The gateways as rows for people, programs and the docs. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from paybell.gateways.kit.options import Check
from paybell.ports import Gateway
from paybell.testing.gateways import GATEWAYS as PRETENDERS

COLUMNS: Final[Mapping[str, str]] = {
    "name": "name",
    "gateway": "title",
    "what is signed": "signed",
    "time signed": "timeSigned",
    "duplicates known by": "dedupe",
    "order": "order",
    "tries again": "retries",
    "what is believed": "believed",
    "its documents": "docsUrl",
}
"""Title of a column, and what of a row stands in it."""
TABLE_WIDTH_MIN: Final = 200
"""On anything narrower each gateway gets lines of its own."""
BEGIN: Final = "<!-- begin: paybell gateways --markdown -->"
END: Final = "<!-- end -->"
_LABEL_CHARS: Final = 22
_LINE_CHARS_MIN: Final = 20
_CANNOT_BE: Final = object()


def row(gateway: Gateway) -> dict[str, object]:
    """A gateway as a row of the table."""
    about = gateway.about
    return {
        "name": about.name,
        "title": about.title,
        "signed": about.signed,
        "timeSigned": about.time_signed or None,
        "dedupe": about.dedupe,
        "order": about.order,
        "retries": about.retries,
        "believed": about.believed,
        "docsUrl": about.docs_url,
    }


def full(gateway: Gateway) -> dict[str, object]:
    """All that is to be said about a gateway."""
    about = gateway.about
    pretender = PRETENDERS.get(about.name)
    return {
        **row(gateway),
        "credential": about.credential or None,
        "hasToken": about.has_token,
        "options": {
            name: {"mustBe": _wanted(check), "secret": name in about.secret_options}
            for name, check in sorted(_checks(gateway).items())
        },
        "answer": {
            "statusCode": about.answer.status_code,
            "contentType": about.answer.content_type.decode("latin-1"),
            "body": about.answer.body.decode("utf-8", "backslashreplace"),
        },
        "unverified": about.unverified,
        "events": pretender.events if pretender else (),
    }


def in_full(gateway: Gateway) -> Iterator[tuple[str, str]]:
    """The same as labels and texts; a label of '' goes on with the one before."""
    about, answer = gateway.about, gateway.about.answer
    yield from _pairs(gateway)
    yield "the source's secret", about.credential or "none"
    yield "the source's URL", "ends in a token that nobody can guess" if about.has_token else "is no secret"
    options = [
        f"{name}: {_wanted(check)}{' (a credential)' if name in about.secret_options else ''}"
        for name, check in sorted(_checks(gateway).items())
    ]
    yield from _listed("options", options)
    body = answer.body.decode("utf-8", "backslashreplace") or "nothing"
    yield "is answered", f"{answer.status_code}, {answer.content_type.decode('latin-1')}: {body}"
    yield from _listed("not verified", about.unverified)
    pretender = PRETENDERS.get(about.name)
    yield from _listed("paybell trigger sends", pretender.events if pretender else ())


def lines(pairs: Sequence[tuple[str, str]], width: int) -> str:
    """Labels and texts below each other, no line longer than ``width`` (0: none is broken)."""
    return "\n".join(_line(label, text, width) for label, text in pairs)


def cells(gateway: Gateway) -> dict[str, str]:
    """The row as texts."""
    return {key: _said(value) for key, value in row(gateway).items()}


def narrow(gateways: Sequence[Gateway], width: int) -> str:
    """The table for terminals that are too narrow for it."""
    return "\n\n".join(lines(_pairs(each), width) for each in gateways)


def markdown(gateways: Sequence[Gateway]) -> str:
    """The table as the docs have it: each gateway's name leads to its page."""
    titles = ["gateway", "name", *list(COLUMNS)[2:]]
    table = [titles, ["---"] * len(titles)]
    for gateway in gateways:
        said = cells(gateway)
        page = f"[{_escaped(said['title'])}]({said['name']}.md)"
        url = said["docsUrl"]
        middle = [_escaped(said[key]) for key in list(COLUMNS.values())[2:-1]]
        table.append([page, f"`{said['name']}`", *middle, f"[{urlsplit(url).hostname}]({url})"])
    return "\n".join("| " + " | ".join(texts) + " |" for texts in table) + "\n"


def _pairs(gateway: Gateway) -> list[tuple[str, str]]:
    said = cells(gateway)
    return [(title, said[key]) for title, key in COLUMNS.items()]


def _said(value: object) -> str:
    return "no" if value is None else str(value)


def _checks(gateway: Gateway) -> Mapping[str, Check]:
    """The options a gateway knows; one that is not built on the kit's base may say nothing of them."""
    found: Mapping[str, Check] = getattr(gateway, "checks", {})
    return found


def _wanted(check: Check) -> str:
    return check(_CANNOT_BE)


def _listed(label: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts or ("none",)):
        yield ("" if number else label), text


def _line(label: str, text: str, width: int) -> str:
    if not width:
        return f"{label:{_LABEL_CHARS}}{text}"
    if width < _LABEL_CHARS + _LINE_CHARS_MIN:  # too narrow for two columns: the text stands below its label
        below = _filled("  ", text, width, "  ")
        return f"{label}\n{below}" if label else below
    return _filled(f"{label:{_LABEL_CHARS}}", text, width, " " * _LABEL_CHARS)


def _filled(start: str, text: str, width: int, indent: str) -> str:
    return textwrap.fill(
        text, width, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


def _escaped(text: str) -> str:
    for mark in "\\|<*_`[":
        text = text.replace(mark, "\\" + mark)
    return text
