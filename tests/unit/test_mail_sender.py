"""Operational webhooks as e-mail: what is written, to whom, and what a mail server's answer means."""

import asyncio
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.x509 import IPAddress

from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.operational import ENDPOINT_DISABLED, ENDPOINT_FAILING, MAILED_EVENT_TYPES
from paybell.ports import Sending
from paybell.transports import MailSender, address_of, read_mail_config
from tests.authority import Authority
from tests.smtp import Mail, MailServer

FROM = "Paybell <paybell@pay.example>"
DATA = {
    "appId": "app_1",
    "appUid": "shop",
    "endpointId": "ep_1",
    "endpointUid": None,
    "failSince": "2024-06-26T11:08:07.000Z",
}
DISABLED = {**DATA, "reason": "every attempt has failed for 5 days"}


def sending(event_type: str = ENDPOINT_DISABLED, **changes: Any) -> Sending:
    data = {"disabledFrom": "2024-07-01T11:08:07.000Z", **DISABLED}
    told = {"type": event_type, "timestamp": "2024-06-26T11:08:07.000Z", "data": data} | changes
    return Sending(
        pool="ep_ops",
        url="mailto:ops@shop.example",
        headers=(("webhook-id", "msg_1"),),
        body=msgspec.json.encode(told),
        timeout_s=10,
    )


def sent(*asked: Sending, replies: tuple[str, ...] = (), credentials: str = "") -> tuple[list[Outcome], MailServer]:
    async def scenario() -> tuple[list[Outcome], MailServer]:
        async with MailServer(*replies) as server:
            sender = MailSender(read_mail_config(server.url.replace("//", f"//{credentials}"), FROM))
            return [await sender.send(it) for it in asked], server

    return asyncio.run(scenario())


def test_a_mail_says_to_people_what_the_webhook_says_to_programs() -> None:
    (outcome,), server = sent(sending())
    assert outcome == Answered(status_code=250, body=b"as you wish")
    (came,) = server.mails
    mail = came.read()
    assert (came.recipient, mail["to"], mail["from"]) == ("ops@shop.example", "ops@shop.example", FROM)
    assert mail["subject"] == "Endpoint ep_1 of shop was disabled"
    text = mail.get_content()
    assert "Every attempt has failed for 5 days." in text
    assert "PATCH /api/v1/app/app_1/endpoint/ep_1" in text
    assert "Application  app_1 (shop)" in text.splitlines()


@pytest.mark.parametrize("event_type", sorted(MAILED_EVENT_TYPES))
def test_there_is_a_mail_for_each_of_these_event_types(event_type: str) -> None:
    (outcome,), server = sent(sending(event_type))
    assert isinstance(outcome, Answered)
    assert len(server.mails) == 1
    assert ("2024-07-01" in server.mails[0].read().get_content()) is (event_type == ENDPOINT_FAILING)


def test_every_try_sends_the_same_bytes_under_the_same_message_id() -> None:
    outcomes, server = sent(sending(), sending(), replies=("451 later",))
    assert outcomes[0] == Answered(status_code=451, body=b"later")
    (once,) = server.mails
    _, again = sent(sending())
    assert again.mails == [Mail(once.recipient, once.content)]
    assert once.read()["message-id"] == "<msg_1.ep_ops@pay.example>"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "payment.completed"},
        {"type": "../../secret"},
        {"data": {}},
        {"timestamp": "soon"},
    ],
)
def test_what_cannot_be_written_is_a_failure_and_sends_nothing(body: dict[str, Any]) -> None:
    (outcome,), server = sent(sending(**body))
    assert isinstance(outcome, Failed)
    assert outcome.phase == "call"
    assert server.commands == []


def test_a_line_break_in_what_is_told_adds_no_header() -> None:
    _, server = sent(sending(data={**DISABLED, "appUid": "a\r\nBcc: other@shop.example"}))
    (came,) = server.mails
    assert came.read()["bcc"] is None
    assert [it for it in server.commands if it.startswith("RCPT")] == ["RCPT TO:<ops@shop.example>"]


def test_a_password_is_never_sent_to_a_server_without_tls() -> None:
    (outcome,), server = sent(sending(), credentials="user:secret-password@")
    assert isinstance(outcome, Failed)
    assert "secret-password" not in outcome.reason
    assert not [it for it in server.commands if "AUTH" in it]
    assert server.mails == []


@pytest.mark.parametrize("tls", [True, False])
def test_under_tls_the_password_is_sent_and_the_servers_certificate_must_be_believed(tls: bool, tmp_path: Path) -> None:  # noqa: FBT001
    authority = Authority()
    context = authority.server(tmp_path, IPAddress(ip_address("127.0.0.1")))

    async def scenario() -> None:
        async with MailServer(context=context, tls=tls) as server:
            config = read_mail_config(server.url.replace("//", "//user:secret-password@"), FROM)
            refused = await MailSender(config).send(sending())
            assert isinstance(refused, Failed)
            assert "certificate verify failed" in refused.reason
            assert server.mails == []
            assert not [it for it in server.commands if it.startswith("AUTH")]
            believed = await MailSender(config, trusted=authority.client()).send(sending())
            assert believed == Answered(status_code=250, body=b"as you wish")
            assert [it.partition(" ")[0] for it in server.commands].count("AUTH") == 1

    asyncio.run(scenario())


def test_a_server_that_is_not_there_is_a_failure() -> None:
    sender = MailSender(read_mail_config("smtp://127.0.0.1:1", FROM))
    outcome = asyncio.run(sender.send(sending()))
    assert isinstance(outcome, Failed)
    assert outcome.phase == "connect"


def test_a_process_without_a_mail_server_serves_none() -> None:
    sender = MailSender(None)
    assert not sender.serves("mailto:ops@shop.example")
    assert isinstance(asyncio.run(sender.send(sending())), Failed)


@pytest.mark.parametrize(
    "url",
    [
        "mailto:",
        "mailto:ops",
        "mailto:ops@shop.example,other@shop.example",
        "mailto:ops@shop.example?bcc=other@shop.example",
        "mailto:ops@shop.example%0aBcc:x@y.example",
        "mailto:ops@shop.example\nBcc: x@y.example",
        "mailto:Ops <ops@shop.example>",
        "mailto:" + "a" * 64 + "@" + "b." * 100 + "example",
        "https://shop.example/",
    ],
)
def test_one_plain_address_is_taken_and_nothing_beside_it(url: str) -> None:
    with pytest.raises(ConfigurationError):
        address_of(url)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example", FROM),
        ("smtp://", FROM),
        ("smtp://mail.example:port", FROM),
        ("smtp://mail.example/path", FROM),
        ("smtp://mail.example", ""),
        ("smtp://mail.example", "nobody"),
    ],
)
def test_a_mail_server_that_cannot_be_meant_is_refused(url: str, sender: str) -> None:
    with pytest.raises(ConfigurationError):
        read_mail_config(url, sender)


def test_a_mail_servers_password_is_not_shown() -> None:
    config = read_mail_config("smtps://user:p%40ss@mail.example", FROM)
    assert (config.host, config.port, config.tls, config.password) == ("mail.example", 465, True, "p@ss")
    assert "ss" not in repr(config)
