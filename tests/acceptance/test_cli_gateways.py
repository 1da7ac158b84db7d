"""`paybell gateways`, `trigger` with all it can spoil, and `verify`, as a user meets them."""

import asyncio
import gzip
import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from paybell.cli.captures import url_of, write_capture
from paybell.cli.gateway_table import markdown
from paybell.cli.main import app
from paybell.cli.wishes import Wish, make
from paybell.gateways import GATEWAYS
from paybell.testing import gateway
from paybell.testing.gateways import GATEWAYS as PRETENDERS
from tests.acceptance.cli_world import Shell
from tests.acceptance.world import Server, eventually
from tests.databases import SqliteDatabase, environment
from tests.unit.gateways.sources import NOW_MS, NOW_S, TOKEN, source

SECRET = "whsec_of_the_gateways_0001"
PAID = ("trigger", "stripe", "payment_intent.succeeded")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Beside a running server with a Stripe source for each kind of refusal: one sample a second is kept of each."""
    folder = tmp_path_factory.mktemp("gateways")
    with Server(SqliteDatabase(folder)) as server:
        shell = Shell(folder, **environment(server.database), PAYBELL_PORT=str(server.port))
        for uid in ("shop", "forged", "stale"):
            server.source(uid, "stripe", SECRET)
        server.source("bank", "wise", *make_keys(folder))
        yield shell


def make_keys(folder: Path) -> list[str]:
    """A pair as the command's own advice says to make it: ``key.pem``, and the public one for the source."""
    for command in ("openssl genrsa -out key.pem 2048", "openssl rsa -in key.pem -pubout -out public.pem"):
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return [(folder / "public.pem").read_text().strip()]


# ------------------------------------------------------------------------------------------- trigger


def test_the_same_bytes_twice_are_recorded_once(shell: Shell) -> None:
    sent = shell.json(*PAID, "--source", "shop", "--payment-id", "pi_twice", "--duplicate")
    assert (sent["answer"], sent["answerAgain"], sent["paymentId"]) == ("200", "200", "pi_twice")
    plain = shell.right(*PAID, "--source", "shop", "--payment-id", "pi_plain", "--duplicate")
    assert plain.endswith(": 200, then 200\n")
    for payment in ("pi_twice", "pi_plain"):
        asyncio.run(eventually(partial(shell.json, "payments", "list", "--gateway-id", payment)))
        timeline = shell.json("payments", "show", payment)["timeline"]
        assert [entry["kind"] for entry in timeline].count("notification") == 1


def test_what_is_spoilt_is_refused_with_its_reason(shell: Shell) -> None:
    for uid, spoilt in (("forged", ("--wrong-signature",)), ("stale", ("--skew", "-3600"))):
        shown = shell(*PAID, "--source", uid, *spoilt)
        assert (shown.status, shown.out.endswith(": 401\n")) == (1, True)
        assert "`paybell notifications list --refused` says why" in shown.err
    refused = {it["reason"] for it in shell.json("notifications", "list", "--refused")}
    assert refused == {"signature_mismatch", "timestamp_too_old"}


def test_a_late_event_and_a_part_refunded_are_taken(shell: Shell) -> None:
    mine = ("--source", "shop", "--payment-id", "pi_part", "--amount", "12.50")
    shell.right(*PAID, *mine, "--late", "3600")
    shell.right("trigger", "stripe", "refund.updated", *mine, "--refund-amount", "5.00")

    def refunded() -> dict[str, Any] | None:
        return next(
            (it for it in shell.json("payments", "list", "--gateway-id", "pi_part") if it["refundedMinor"]), None
        )

    found = asyncio.run(eventually(refunded))
    assert found
    assert (found["capturedMinor"], found["refundedMinor"], found["status"]) == (1250, 500, "partially_refunded")


def test_a_private_key_of_ones_own_is_believed(shell: Shell) -> None:
    event = gateway("wise").events[0]
    assert shell.right("trigger", "wise", event, "--signing-key", "key.pem").endswith(": 200\n")
    without = shell("trigger", "wise", event)
    assert (without.status, "openssl genrsa -out key.pem 2048" in without.err) == (1, True)
    for wrong in ("nope.pem", "public.pem"):
        shown = shell("trigger", "wise", event, "--signing-key", wrong)
        assert (shown.status, wrong in shown.err or "private key in PEM" in shown.err) == (1, True)


def test_a_printed_request_is_sent_by_nobody_and_verified_by_its_source(shell: Shell) -> None:
    shell.right(*PAID, "--source", "shop", "--payment-id", "pi_printed", "--print")
    raw = (shell.folder / "stdout").read_bytes()
    assert raw.startswith(b"POST /in/shop HTTP/1.1\r\nHost: 127.0.0.1:")
    (shell.folder / "right.http").write_bytes(raw)
    (shell.folder / "longer.http").write_bytes(raw + b"\n")
    assert shell.json("payments", "list", "--gateway-id", "pi_printed") == []
    found = shell.json("verify", "--source", "shop", "right.http")
    assert (found["verdict"], found["claims"][0]["secrets"]) == (
        "verified",
        [{"position": 1, "endsIn": "0001", "fits": True}],
    )
    assert found["events"][0]["state"] == "recorded"
    longer = shell("verify", "--source", "shop", "longer.http")
    assert longer.status == 1
    assert "a line break was added at its end" in longer.out
    assert SECRET not in longer.out + json.dumps(found)
    for arguments, complaint in (
        (("--source", "nope"), "no source nope: `paybell source list`"),
        (("--source", "shop", "--gateway", "wise"), "shop is a source of stripe, not of wise"),
        (("--source", "shop", "--secret", "x"), "give either --source, or --secret"),
    ):
        shown = shell("verify", *arguments, "right.http")
        assert (shown.status, shown.out) == (2, "")
        assert complaint in shown.err


# ------------------------------------------------------------------------------------------- without a server


def typed(*arguments: str, stdin: bytes = b"") -> Result:
    """In this process: what asks neither a server nor a database."""
    return CliRunner().invoke(app, arguments, input=stdin)


def test_every_gateway_is_listed_and_shown(tmp_path: Path) -> None:
    listed = typed("gateways")
    assert (listed.exit_code, listed.stdout.splitlines()[0].split()[:2]) == (0, ["name", "gateway"])
    assert len(listed.stdout.splitlines()) == len(GATEWAYS) + 1
    rows = json.loads(typed("gateways", "--json").stdout)
    assert [row["name"] for row in rows] == list(GATEWAYS)
    shown = typed("gateways", "ippopay")
    assert all(text in shown.stdout for text in ("secretKey: ", "(a credential)", "order.success", "refund_status"))
    full = json.loads(typed("gateways", "ippopay", "--json").stdout)
    assert full["events"] == list(PRETENDERS["ippopay"].events)
    assert {**full, **next(row for row in rows if row["name"] == "ippopay")} == full
    assert typed("gateways", "--markdown").stdout == markdown(tuple(GATEWAYS.values()))


def test_the_events_of_a_gateway_are_listed() -> None:
    assert typed("trigger", "stripe").stdout.splitlines() == list(PRETENDERS["stripe"].events)
    assert json.loads(typed("trigger", "stripe", "--json").stdout) == list(PRETENDERS["stripe"].events)


WRONG = {
    "gateways nobody": (1, "there is no gateway 'nobody'; known: "),
    "gateways stripe --markdown": (1, "give it alone"),
    "trigger nobody": (1, "no pretend gateway 'nobody'; known: "),
    "trigger stripe x --print --json": (1, "give it without --duplicate and --json"),
    "trigger stripe x --late -1": (2, "--late"),
    "trigger stripe x --signing-key nope.pem": (1, "cannot read --signing-key nope.pem"),
    "verify": (2, "Missing argument"),
    "verify nope.http --gateway razorpay --secret s": (2, "cannot read nope.http: No such file"),
    "verify -": (2, "say whose request it is: --gateway NAME, or --source UID"),
    "verify - --gateway nobody": (2, "there is no gateway 'nobody'; known: "),
    "verify - --gateway stripe": (2, "give --secret: the endpoint's signing secret"),
    "verify - --gateway stripe --secret sk_live_1": (2, "that is an API key of Stripe"),
    "verify - --gateway ippopay": (2, "give --token: IppoPay sends to a URL that ends in one"),
    "verify - --gateway stripe --secret s --options []": (2, "--options must be a JSON object"),
    'verify - --gateway stripe --secret s --options {"a":1}': (2, "has no option 'a'; it knows: toleranceSeconds"),
    "verify - --gateway stripe --secret s --now then": (2, "--now must be a time like 2024-06-26T11:08:07Z"),
    "verify - --gateway stripe --secret s": (2, "its first line is '{}', not a request line"),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_mistake_is_told_in_words_and_nothing_is_judged(line: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    shown = typed(*line.split(), stdin=b"{}")
    status, complaint = WRONG[line]
    assert (shown.exit_code, shown.stdout) == (status, ""), shown.output
    assert complaint in " ".join(shown.stderr.replace("│", " ").split())


def sent(name: str) -> bytes:
    """The first event of a gateway, as `trigger --print` writes it."""
    signed = PRETENDERS[name].signed(PRETENDERS[name].events[0], token=TOKEN, at_s=NOW_S)
    return write_capture(url_of("http://127.0.0.1:8800", "shop", signed), signed.headers, signed.body)


def asked(name: str) -> tuple[str, ...]:
    """How `verify` is told of a source that believes it."""
    made = source(name)
    secrets = [part for secret in made.secrets for part in ("--secret", secret)]
    token = ("--token", made.token) if made.token else ()
    options = ("--options", json.dumps(dict(made.options))) if made.options else ()
    return ("verify", "--gateway", name, "--now", str(NOW_S), *secrets, *token, *options, "-")


@pytest.mark.parametrize("name", PRETENDERS)
def test_what_any_gateway_sends_is_explained(name: str) -> None:
    shown = typed(*asked(name), stdin=sent(name))
    assert shown.exit_code == 0, shown.output
    plain = shown.stdout
    assert "verdict    verified" in plain or "verdict    hint" in plain or "verdict    batch" in plain
    found = json.loads(typed(*asked(name), "--json", "--show-expected", stdin=sent(name)).stdout)
    assert found["verdict"] in plain
    for claim in found["claims"]:
        assert [it["fits"] for it in claim["secrets"]] == [True]
    assert all(event["state"] in {"recorded", "unmapped", "needs_fetch"} for event in found["events"])
    hidden = {*source(name).secrets, source(name).token, *map(str, secret_options(name))} - {""}
    for secret in hidden:
        if "PUBLIC KEY" not in secret:
            assert secret not in plain
            assert secret not in json.dumps(found)


def secret_options(name: str) -> list[object]:
    return [value for option, value in source(name).options.items() if option in GATEWAYS[name].about.secret_options]


@pytest.mark.parametrize("name", [name for name, each in PRETENDERS.items() if not each.has_private_key])
def test_what_is_signed_with_another_secret_is_told_as_a_mismatch(name: str) -> None:
    wish = Wish(event=PRETENDERS[name].events[0], wrong_signature=True)
    made = make(wish, PRETENDERS[name], GATEWAYS[name], source(name), now_ms=NOW_MS, chance=b"abc")
    raw = write_capture(url_of("http://h", "shop", made.request), made.request.headers, made.request.body)
    shown = typed(*asked(name), stdin=raw)
    reason = "signature_mismatch" if GATEWAYS[name].about.credential else "token_mismatch"
    assert (shown.exit_code, f"refused: {reason}" in shown.stdout) == (1, True), shown.output
    assert not any(secret in shown.stdout for secret in source(name).secrets)


def test_a_refusal_shows_the_expected_signature_only_when_asked() -> None:
    signed = gateway("stripe").signed("charge.succeeded", secret=SECRET, at_s=NOW_S)
    signature = dict(signed.headers)["stripe-signature"].rpartition("=")[2]
    headers = (("stripe-signature", f"t={NOW_S},v1={'0' * 64}"),)
    raw = write_capture("http://127.0.0.1/in/shop", headers, signed.body)
    arguments = ("verify", "--gateway", "stripe", "--secret", SECRET, "--now", str(NOW_S), "-")
    without, shown = typed(*arguments, stdin=raw), typed(*arguments, "--show-expected", stdin=raw)
    assert (without.exit_code, shown.exit_code) == (1, 1)
    assert signature not in without.stdout
    assert f"expected   {signature} (secret 1)" in shown.stdout
    assert "secret     1 of 1 (it ends in 0001): does not fit" in without.stdout


def test_a_changed_body_is_named_on_the_command_line() -> None:
    signed = gateway("razorpay").signed("order.paid", secret="a-secret", at_s=NOW_S)
    arguments = ("verify", "--gateway", "razorpay", "--secret", "a-secret", "-")
    pretty = json.dumps(json.loads(signed.body), indent=4).encode()
    for body, extra, cause in (
        (pretty, (), "it was compact"),
        (signed.body + b"\n", (), "a line break was added at its end"),
        (gzip.compress(signed.body), (("content-encoding", "gzip"),), "its body is still packed"),
    ):
        shown = typed(*arguments, stdin=write_capture("http://h/in/s", (*signed.headers, *extra), body))
        assert (shown.exit_code, cause in shown.stdout) == (1, True), shown.output
