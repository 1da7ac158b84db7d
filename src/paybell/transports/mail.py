"""Deliveries as e-mail: an operational webhook, written for people, to one address."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError
from msgspec import Struct

from paybell.errors import ConfigurationError, PaybellError
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.endpoint import MAIL_PREFIX
from paybell.ports import Sending

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
_ADDRESS_CHARS_MAX: Final = 254
_PORTS: Final = {"smtp": 587, "smtps": 465}
_REASON_CHARS_MAX: Final = 500


class MailConfig(Struct, frozen=True, kw_only=True):
    """By which server mail is sent, and from whom."""

    host: str
    port: int
    tls: bool
    """From the first byte; else from STARTTLS on, where the server has it, and always before a password."""
    user: str
    password: str
    sender: str

    def __repr__(self) -> str:
        """Name the server, never its password."""
        return f"MailConfig(host={self.host!r}, port={self.port})"


def read_mail_config(url: str, sender: str) -> MailConfig:
    """``smtp://USER:PASSWORD@HOST:PORT`` or ``smtps://…``; ``ConfigurationError`` says what to write instead."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise ConfigurationError("mail_url must be smtp://USER:PASSWORD@HOST:PORT, or smtps://…") from None
    if not parts.hostname or parts.path not in ("", "/"):
        raise ConfigurationError("mail_url must name the host of a mail server, and nothing behind it")
    if not _is_address(parseaddr(sender)[1]):
        raise ConfigurationError("mail_from must be an address, such as paybell@example.com, where mail_url is given")
    return MailConfig(
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender,
    )


def address_of(url: str) -> str:
    """The address in ``mailto:ADDRESS``; ``ConfigurationError`` for anything beside it."""
    address = url.removeprefix(MAIL_PREFIX)
    if not url.startswith(MAIL_PREFIX) or not _is_address(address):
        raise ConfigurationError("write one plain address after mailto:, such as mailto:ops@example.com")
    return address


def _is_address(text: str) -> bool:
    return len(text) <= _ADDRESS_CHARS_MAX and _ADDRESS.fullmatch(text) is not None


class _Told(Struct):
    type: str
    timestamp: str
    data: dict[str, Any]


class MailSender:
    """A :class:`~paybell.ports.Sender` for ``mailto:ADDRESS`` URLs. Mail is rare: each has a connection of its own."""

    def __init__(self, config: MailConfig | None, *, trusted: ssl.SSLContext | None = None) -> None:
        """``config`` is None where this process has no mail server; ``trusted`` says whose certificates count."""
        self._config = config
        self._trusted = trusted

    async def send(self, sending: Sending) -> Outcome:
        """What the mail server says, under its own code (250: it has the mail); ``Failed`` where it says nothing."""
        if self._config is None:
            return Failed(phase="call", reason="this process has no mail server: set PAYBELL_MAIL_URL")
        try:
            mail = _mail_of(sending, self._config.sender)
        except (PaybellError, TemplateError, ValueError, LookupError) as error:
            return Failed(phase="call", reason=f"it cannot be written as a mail: {error}"[:_REASON_CHARS_MAX])
        limit = asyncio.timeout(sending.timeout_s)
        try:
            async with limit:
                return await _send(self._config, mail, self._trusted)
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
            if limit.expired():
                return Failed(phase="deadline", reason=f"no answer within {sending.timeout_s:g} s")
            return _refusal(error)

    def serves(self, url: str) -> bool:
        """Whether this process has a mail server."""
        return self._config is not None and url.startswith(MAIL_PREFIX)

    async def close(self) -> None:
        """Nothing to let go of."""


async def _send(config: MailConfig, mail: EmailMessage, trusted: ssl.SSLContext | None) -> Outcome:
    _, text = await aiosmtplib.send(
        mail,
        hostname=config.host,
        port=config.port,
        username=config.user or None,
        password=config.password or None,
        use_tls=config.tls,
        start_tls=True if config.password and not config.tls else None,
        tls_context=trusted,
        timeout=None,
    )
    return Answered(status_code=250, body=text.encode())


def _refusal(error: Exception) -> Outcome:
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _refusal(first)
        case aiosmtplib.SMTPResponseException(code=code, message=text):
            return Answered(status_code=code, body=text.encode())
        case _:
            return Failed(phase="connect", reason=f"{type(error).__name__}: {error}"[:_REASON_CHARS_MAX])


def _mail_of(sending: Sending, sender: str) -> EmailMessage:
    """The mail: the same bytes and ``Message-ID`` for every try, so that mail servers know one that comes twice."""
    told = msgspec.json.decode(sending.body, type=_Told)
    subject, _, text = _template(told.type).render(data=told.data).partition("\n")
    message_id = dict(sending.headers)["webhook-id"]
    mail = EmailMessage(policy=SMTP)
    headers: Mapping[str, str] = {
        "From": sender,
        "To": address_of(sending.url),
        "Subject": " ".join(subject.split()),
        "Date": format_datetime(datetime.fromisoformat(told.timestamp)),
        "Message-ID": f"<{message_id}.{sending.pool}@{parseaddr(sender)[1].rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",
    }
    for name, value in headers.items():
        mail[name] = value
    mail.set_content(text.strip() + "\n")
    return mail


@cache
def _template(event_type: str) -> Any:
    """``TemplateError`` for an event type that no mail is written of."""
    return _environment().get_template(f"{event_type}.txt")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("paybell.transports", "mails"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text: nothing in it is markup
    )
