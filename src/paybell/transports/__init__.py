"""How a delivery leaves: over HTTP, to a Python function of this process, or as e-mail."""

from paybell.transports.certificate import read_certificate
from paybell.transports.config import HttpSenderConfig
from paybell.transports.function import FunctionSender
from paybell.transports.guard import AddressGuard
from paybell.transports.http import HttpSender
from paybell.transports.mail import MailConfig, MailSender, address_of, read_mail_config
from paybell.transports.request import check_headers
from paybell.transports.url import check_url

__all__ = [
    "AddressGuard",
    "FunctionSender",
    "HttpSender",
    "HttpSenderConfig",
    "MailConfig",
    "MailSender",
    "address_of",
    "check_headers",
    "check_url",
    "read_certificate",
    "read_mail_config",
]
