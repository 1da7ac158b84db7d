"""Checking a source's options: every mistake is a :class:`~paybell.errors.ConfigurationError` that names the option."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from paybell.errors import ConfigurationError
from paybell.gateways.kit.signatures import ALGORITHMS, ENCODINGS, TOLERANCE_S, Scheme

Check = Callable[[object], str]
"""Says what an option must be, '' when it is."""

Options = Mapping[str, object]

TOLERANCE_S_MAX: Final = 86_400
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_POINTER: Final = re.compile(r"(/(?:[^/~]|~[01])*)+")
_SECRET: Final = re.compile(r"\S(?:.*\S)?", re.DOTALL)
_KEY_LIKE: Final = re.compile(r"[\x21-\x7e]{1,256}")


def check_options(options: Options, known: Mapping[str, Check], where: str) -> None:
    """Refuse unknown options and unfit values; ``where`` names the gateway (and the option that holds these)."""
    for name, value in options.items():
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ConfigurationError(f"{where} has no option {str(name)[:64]!r}; it knows: {listed}")
        if wanted := known[name](value):
            raise ConfigurationError(f"option {name!r} of {where} must be {wanted}")


def check_secrets(secrets: tuple[str, ...], where: str) -> None:
    """Refuse secrets that are blank or have space around them, as a slip of the hand leaves it."""
    for secret in secrets:
        if not _SECRET.fullmatch(secret):
            raise ConfigurationError(f"a secret of {where} is blank or has space around it; copy it once more")


def tolerance(value: object) -> str:
    """Whole seconds from 1 to a day."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= TOLERANCE_S_MAX
    return "" if fits else f"whole seconds from 1 to {TOLERANCE_S_MAX}"


def header_name(value: object) -> str:
    """The name of an HTTP header."""
    return "" if isinstance(value, str) and _HEADER.fullmatch(value) else "the name of an HTTP header"


def pointer(value: object) -> str:
    """A JSON pointer that is not the whole document."""
    fits = isinstance(value, str) and len(value) <= 256 and _POINTER.fullmatch(value)  # noqa: PLR2004
    return "" if fits else "a JSON pointer such as '/data/id' (RFC 6901)"


def key_like(value: object) -> str:
    """Printable ASCII without spaces."""
    return "" if isinstance(value, str) and _KEY_LIKE.fullmatch(value) else "a text of printable ASCII without spaces"


def basic_user(value: object) -> str:
    """As :func:`key_like`, and without the colon that ends the user's name in HTTP Basic."""
    return key_like(value) or ("a text without a colon" if ":" in str(value) else "")


def prefix(value: object) -> str:
    """What stands before a signature; may be empty."""
    fits = isinstance(value, str) and len(value) <= 64 and value.isascii() and value.isprintable()  # noqa: PLR2004
    return "" if fits else "a text of at most 64 ASCII characters, such as 'sha256='"


def template(value: object) -> str:
    """What is signed: ``{body}`` once, perhaps ``{timestamp}``, and text around them."""
    if not isinstance(value, str) or len(value) > 256 or value.count("{body}") != 1:  # noqa: PLR2004
        return "a text with {body} once in it, such as '{timestamp}.{body}'"
    rest = value.replace("{body}", "").replace("{timestamp}", "")
    return "a text whose only placeholders are {body} and {timestamp}" if "{" in rest or "}" in rest else ""


def one_of(*words: str) -> Check:
    """One of these words."""
    return lambda value: "" if isinstance(value, str) and value in words else f"one of: {', '.join(words)}"


def flag(value: object) -> str:
    """Yes or no."""
    return "" if isinstance(value, bool) else "true or false"


def base_url(value: object) -> str:
    """An https URL without user, query or fragment; http only to this machine itself."""
    wanted = "an https URL such as 'https://api.example.com' (http only for this machine itself)"
    if not isinstance(value, str) or not _KEY_LIKE.fullmatch(value):
        return wanted
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return wanted
    plain = host and "@" not in parts.netloc and "?" not in value and "#" not in value
    secure = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host or ""))
    return "" if plain and secure else wanted


SCHEME_CHECKS: Final[Mapping[str, Check]] = {
    "header": header_name,
    "algorithm": one_of(*ALGORITHMS),
    "encoding": one_of(*ENCODINGS),
    "prefix": prefix,
    "timestampHeader": header_name,
    "signedTemplate": template,
    "toleranceSeconds": tolerance,
}


def check_scheme(options: Options, where: str) -> None:
    """What no option alone shows: a header is named, and the time in the template has its header."""
    if "header" not in options:
        raise ConfigurationError(f"option 'header' of {where} is required: the header that holds the signature")
    template_text = str(options.get("signedTemplate", ""))
    if "{timestamp}" in template_text and "timestampHeader" not in options:
        raise ConfigurationError(f"option 'timestampHeader' of {where} is required: 'signedTemplate' has {{timestamp}}")
    if "timestampHeader" in options and template_text and "{timestamp}" not in template_text:
        raise ConfigurationError(
            f"option 'signedTemplate' of {where} must have {{timestamp}}: unsigned, it proves nothing"
        )


def scheme(options: Options) -> Scheme:
    """The signing scheme that checked options describe."""
    timestamp_header = text_option(options, "timestampHeader").lower()
    return Scheme(
        header=text_option(options, "header").lower(),
        algorithm=text_option(options, "algorithm", "sha256"),
        encoding=text_option(options, "encoding", "hex"),
        prefix=text_option(options, "prefix"),
        timestamp_header=timestamp_header,
        template=text_option(options, "signedTemplate", "{timestamp}.{body}" if timestamp_header else "{body}"),
        tolerance_s=tolerance_s(options),
    )


def tolerance_s(options: Options) -> int:
    """How far a signed time may be from now, in seconds."""
    value = options.get("toleranceSeconds", TOLERANCE_S)
    return value if isinstance(value, int) else TOLERANCE_S


def text_option(options: Options, name: str, default: str = "") -> str:
    """An option that is a text."""
    value = options.get(name, default)
    return value if isinstance(value, str) else default


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
