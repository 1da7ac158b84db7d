"""The command line as a user sees it: what each command prints, for people and as JSON, and says to mistakes."""

import asyncio
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.cli_world import Shell, command_names
from tests.acceptance.world import Server, eventually, free_port
from tests.databases import Database, SqliteDatabase, environment

SECRET = "whsec_of_the_shell"
PAID = ("trigger", "stripe", "payment_intent.succeeded", "--source", "shop", "--payment-id")
HEADER = '{"header": "x-signature"}'
SERVERS = {"up", "demo"}  # no --json; test_demo.py and every Server of the acceptance tests start them


@pytest.fixture(scope="module")
def shell(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Beside a running server that knows a paid payment, a refused request and a delivery that waits."""
    folder = tmp_path_factory.mktemp("shell")
    with Server(module_database) as server:
        shell = Shell(folder, **environment(module_database), PAYBELL_PORT=str(server.port))
        shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET, "--test")
        shell.right("source", "add", "quiet", "--gateway", "razorpay")
        server.subscribe("http://127.0.0.1:1/")
        shell.right(*PAID, "pi_cli", "--order-id", "[red]o\x1b[31m:+1:\\[b]")
        assert httpx.post(f"{server.url}/in/shop", content=b"{}").status_code == 401
        asyncio.run(eventually(lambda: shell.json("deliveries", "list") and shell.json("payments", "list")))
        yield shell


def the_only(shell: Shell, *listing: str) -> dict[str, Any]:
    (found,) = shell.json(*listing)
    assert isinstance(found, dict)
    return found


# ------------------------------------------------------------------------------------------- what goes well


def test_a_key_opens_the_api(shell: Shell) -> None:
    made = shell.json("key", "create", "ops")
    assert (made["name"], made["scopes"], made["expiresAt"]) == ("ops", ["admin"], None)
    plain = shell.right("key", "create", "ops")
    url = f"http://127.0.0.1:{shell.environment['PAYBELL_PORT']}/api/v1/source"
    for key in (made["key"], plain.splitlines()[0]):
        assert httpx.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert httpx.get(url, headers={"Authorization": f"Bearer {key}x"}).status_code == 401
    assert "only now" in plain
    listed = shell.json("key", "list")
    assert {it["name"] for it in listed} >= {"ops"}
    assert made["key"] not in str(listed)


def test_a_key_for_little_is_refused_the_rest_and_ends_when_it_is_revoked(shell: Shell) -> None:
    made = shell.json("key", "create", "sender", "--scope", "messages:write", "--scope", "read", "--expires-days", "2")
    assert made["scopes"] == ["messages:write", "read"]
    assert made["expiresAt"] > made["createdAt"]
    url = f"http://127.0.0.1:{shell.environment['PAYBELL_PORT']}/api/v1/app"
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert httpx.get(url, headers=headers).status_code == 200
    assert httpx.post(url, headers=headers, json={"name": "A"}).json()["code"] == "forbidden"
    assert f"revoked {made['id']}" in shell.right("key", "revoke", made["id"])
    asyncio.run(eventually(lambda: httpx.get(url, headers=headers).status_code == 401))
    (shown,) = (it for it in shell.json("key", "list") if it["id"] == made["id"])
    assert shown["revokedAt"] is not None
    unknown = shell("key", "revoke", "key_nobody")
    assert (unknown.status, "paybell key list" in unknown.err) == (1, True)
    assert "no scope 'all'" in shell("key", "create", "x", "--scope", "all").err


def test_an_organisation_has_keys_and_sources_of_its_own(shell: Shell) -> None:
    made = shell.json("organisation", "create", "second")
    assert "exists already" in shell("organisation", "create", "second").err
    assert "cannot be a name" in shell("organisation", "create", "a b").err
    assert [it["name"] for it in shell.json("organisation", "list")] == ["default", "second"]
    key = shell.json("key", "create", "theirs", "--organisation", "second")["key"]
    url = f"http://127.0.0.1:{shell.environment['PAYBELL_PORT']}/api/v1/source"
    assert httpx.get(url, headers={"Authorization": f"Bearer {key}"}).json()["data"] == []
    assert [it["name"] for it in shell.json("key", "list", "--organisation", made["id"])] == ["theirs"]
    assert "organisation list" in shell("key", "list", "--organisation", "third").err


def test_each_command_that_changes_something_leaves_a_line(shell: Shell) -> None:
    made = shell.json("key", "create", "logged", "--scope", "read", "--expires-days", "1")
    wanted = {
        "api_key_create": made["id"],
        "api_key_revoke": made["id"],
        "organisation_create": shell.json("organisation", "create", "logged")["id"],
        "source_create": shell.json("source", "add", "logged", "--gateway", "stripe", "--secret", SECRET)["id"],
        "product_put": "logged",
        "product_delete": "logged",
        "expectation_create": "o_logged",
        "notification_replay": shell.json("notifications", "list")[0]["id"],
    }
    shell.right("key", "revoke", made["id"])
    shell.right("products", "set", "logged")
    shell.right("products", "remove", "logged")
    shell.right("payments", "expect", "o_logged", "1.00", "USD")
    shell.right("notifications", "replay", wanted["notification_replay"])
    for operation, name in wanted.items():
        (line,) = shell.json("audit", "--operation", operation, "--object", name)
        assert (line["actor"], line["operation"], line["objects"]) == ("cli", operation, [name])
        assert "@" in line["address"]
    assert SECRET not in shell.right("audit", "--limit", "250")
    assert shell("key", "revoke", "key_nobody").status == 1
    assert shell.json("audit", "--object", "key_nobody") == []
    (line,) = shell.json("audit", "--operation", "api_key_create", "--object", made["id"])
    assert line["fields"] == ["expiresAt", "name", "scopes"]


def test_a_source_is_added_with_its_url_and_listed_without_its_secrets(shell: Shell) -> None:
    options = ("--options", HEADER, "--secret", "a-secret", "--secret", "an-older-one")
    made = shell.json("source", "add", "other", "--gateway", "generic", *options)
    port = shell.environment["PAYBELL_PORT"]
    assert (made["url"], made["secretCount"], made["livemode"]) == (f"http://127.0.0.1:{port}/in/other", 2, True)
    assert shell.json("source", "list", "--limit", "1") == [made]
    shown = shell.right("source", "list")
    assert all(name in shown for name in ("shop", "quiet", "other", made["url"]))
    assert not any(secret in shown for secret in (SECRET, "a-secret", "an-older-one"))


def test_a_source_without_a_secret_is_pointed_out(shell: Shell) -> None:
    shown = shell("source", "add", "bare", "--gateway", "stripe")
    assert (shown.status, "/in/bare" in shown.out) == (0, True)
    assert "no secret yet" in shown.err
    assert "/api/v1/source/bare" in shown.err
    hint = shell("source", "add", "hints", "--gateway", "ippopay")
    assert (hint.status, hint.err) == (0, "")


def test_a_trigger_is_taken_and_becomes_a_payment(shell: Shell) -> None:
    sent = shell.json(*PAID, "pi_more", "--amount", "7.50", "--currency", "eur")
    assert (sent["answer"], sent["paymentId"]) == ("200", "pi_more")
    found = asyncio.run(eventually(lambda: shell.json("payments", "list", "--gateway-id", "pi_more")))
    assert (found[0]["amount"], found[0]["currency"], found[0]["amountMinor"]) == (7.5, "EUR", 750)
    again = shell.right(*PAID, "pi_more")
    assert again.startswith("payment_intent.succeeded for pi_more to http://127.0.0.1:")
    assert again.endswith(": 200\n")


def test_payments_are_listed_by_what_is_asked(shell: Shell) -> None:
    mine = the_only(shell, "payments", "list", "--gateway-id", "pi_cli")
    order = ("--order", mine["orderId"])
    assert the_only(shell, "payments", "list", *order, "--status", "completed") == mine
    assert shell.json("payments", "list", *order, "--status", "failed") == []
    assert shell.json("payments", "list", *order, "--after", mine["id"]) == []
    assert shell.right("payments", "list", *order, "--status", "failed") == "nothing yet\n"
    header, row = shell.right("payments", "list", *order).splitlines()
    assert header.split()[:4] == ["payment", "gateway's", "id", "order"]
    assert row.startswith(f"{mine['id']}  pi_cli")


OF_ACCOUNTS = {
    "payouts list": "payouts show nothing",
    "subscriptions list": "subscriptions show nothing",
    "invoices list": "invoices show nothing",
    "customers list": "customers show nothing",
}


@pytest.mark.parametrize("listing", OF_ACCOUNTS)
def test_of_what_no_gateway_told_nothing_is_there(shell: Shell, listing: str) -> None:
    assert shell.json(*listing.split(), "--status", "none") == []
    wrong = shell(*OF_ACCOUNTS[listing].split())
    assert (wrong.status, f"paybell {listing}" in wrong.err) == (1, True), wrong


def test_a_subscription_is_shown_with_what_its_customer_may_use(shell: Shell) -> None:
    for event in ("customer.subscription.created", "invoice.paid", "payout.paid"):
        shell.right("trigger", "stripe", event, "--source", "shop", "--payment-id", "pi_sub")
    asyncio.run(eventually(lambda: shell.json("payouts", "list") and shell.json("subscriptions", "list")))
    runs = the_only(shell, "subscriptions", "list")
    shown = shell.json("subscriptions", "show", runs["gatewayId"])
    assert {it["kind"] for it in shown.pop("timeline")} >= {"notification", "fact", "message"}
    assert shown == runs
    plain = shell.right("subscriptions", "show", runs["id"])
    assert runs["gatewayId"] in plain
    assert "notification" in plain
    made = shell.json("products", "set", "gold", "--plan", runs["plan"], "--plan", "other", "--grace-days", "3")
    assert (made["plans"], made["graceDays"], made["onRefund"]) == ([runs["plan"], "other"], 3, "revoke")
    assert shell.json("products", "list") == [made]
    asyncio.run(eventually(lambda: shell.json("entitlements", "list", "--product", "gold")))
    (held,) = shell.json("entitlements", "list", "--product", "gold")
    assert held["allowed"] is (held["state"] in {"granted", "grace"})
    asked = shell("entitlements", "show", held["customer"], "--json")
    assert asked.status == (0 if held["allowed"] else 1)
    assert held in json.loads(asked.out)
    assert shell("entitlements", "show", "nobody").status == 1
    assert shell.right("products", "remove", "gold") == "gold is forgotten\n"
    again = shell("products", "remove", "gold")
    assert (again.status, "paybell products list" in again.err) == (1, True)


def test_a_payment_is_shown_under_either_id_with_all_that_happened(shell: Shell) -> None:
    mine = the_only(shell, "payments", "list", "--gateway-id", "pi_cli")
    shown = shell.json("payments", "show", "pi_cli")
    timeline = shown.pop("timeline")
    assert shown == mine
    assert {"notification", "fact", "message", "delivery"} <= {entry["kind"] for entry in timeline}
    plain = shell.right("payments", "show", mine["id"])
    assert all(entry["at"] in plain for entry in timeline)
    assert "pi_cli" in plain


def test_payments_are_folded_again_and_differ_in_nothing(shell: Shell) -> None:
    again = shell.json("payments", "rebuild", "--dry-run")
    assert (again["differences"], again["count"] > 0) == ([], True)
    assert shell.right("payments", "rebuild").endswith(f"{again['count']} looked at, 0 put right\n")
    anew = shell.json("payments", "renormalise", "--dry-run")
    assert anew == {"count": again["count"], "differences": []}
    assert shell.right("payments", "renormalise", "--tell").endswith(f"{again['count']} looked at, 0 put right\n")


def test_the_ledger_is_shown_listed_and_exported(shell: Shell) -> None:
    mine = the_only(shell, "payments", "list", "--gateway-id", "pi_cli")
    sale = the_only(shell, "ledger", "postings", "--payment", mine["id"])
    assert (sale["kind"], sale["debit"], sale["credit"]) == ("captured", "clearing", "sales")
    assert sale["amountMinor"] == mine["capturedMinor"]
    assert sale in shell.json("ledger", "postings", "--account", "sales")
    assert shell.json("ledger", "postings", "--payment", mine["id"], "--account", "fees") == []
    balances = shell.json("ledger", "balances")
    assert sum(it["balanceMinor"] for it in balances if it["currency"] == sale["currency"]) == 0
    assert {it["account"] for it in balances} >= {"clearing", "sales"}
    assert sale["id"] in shell.right("ledger", "export")
    header, *rows = shell.right("ledger", "export", "--format", "csv").splitlines()
    assert header.startswith("id,postedAt,at,source,paymentId,")
    assert sale["id"] in "".join(rows)


def test_foreign_text_neither_drives_nor_colours_the_terminal(shell: Shell) -> None:
    for command in (("payments", "list", "--gateway-id", "pi_cli"), ("payments", "show", "pi_cli")):
        assert "[red]o [31m:+1:\\[b]" in shell.right(*command)
    url = shell.json("source", "add", "raw", "--gateway", "generic", "--secret", SECRET, "--options", HEADER)["url"]
    body = b"\x1b[31m[red]:+1:\\[b]\r"
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    headers = {"x-signature": signature}
    asyncio.run(eventually(lambda: httpx.post(url, content=body, headers=headers).status_code == 200))
    parked = asyncio.run(eventually(lambda: shell.json("notifications", "list", "--state", "parked")))
    shown = shell.right("notifications", "show", parked[0]["id"])
    assert "\\x1b[31m[red]:+1:\\[b]\\x0d" in shown
    assert "\x1b" not in shown


def test_notifications_are_listed_shown_and_replayed(shell: Shell) -> None:
    listed = shell.json("notifications", "list", "--state", "recorded")
    assert "payment_intent.succeeded" in {it["event"] for it in listed}
    name = listed[-1]["id"]
    assert name in shell.right("notifications", "list")
    full = shell.json("notifications", "show", name)
    assert {key: full[key] for key in listed[-1]} == listed[-1]
    assert json.loads(full["body"])["type"] == "payment_intent.succeeded"
    assert "payment_intent.succeeded" in shell.right("notifications", "show", name)
    count = len(shell.json("deliveries", "list"))
    assert shell.json("notifications", "replay", name)["state"] == "pending"
    asyncio.run(eventually(lambda: shell.json("notifications", "show", name)["state"] == "recorded"))
    assert "is pending" in shell.right("notifications", "replay", name)
    asyncio.run(eventually(lambda: shell.json("notifications", "show", name)["state"] == "recorded"))
    assert len(shell.json("deliveries", "list")) == count


def test_refused_requests_are_listed_with_their_reason(shell: Shell) -> None:
    (refused,) = shell.json("notifications", "list", "--refused")
    assert refused["reason"] == "header_missing"
    assert refused["reason"] in shell.right("notifications", "list", "--refused")


def test_deliveries_are_listed_with_what_went_wrong(shell: Shell) -> None:
    found = asyncio.run(eventually(lambda: [it for it in shell.json("deliveries", "list") if it["lastError"]]))
    assert found[0]["lastError"].startswith("connect: ")
    assert found[0]["lastError"] in shell.right("deliveries", "list", "--state", "due")
    assert shell.right("deliveries", "list", "--state", "dead") == "nothing yet\n"


def test_endpoints_that_are_not_well_are_listed_with_what_waits_for_them(shell: Shell) -> None:
    (sick, *_) = asyncio.run(eventually(lambda: shell.json("deliveries", "endpoints")))
    assert (sick["failureCount"] > 0, sick["waitingCount"] > 0) == (True, True)
    assert sick["breaker"] in {"closed", "open", "half_open"}  # by how often it was tried meanwhile
    assert sick["endpointId"] in shell.right("deliveries", "endpoints")


def test_the_status_of_the_database(shell: Shell) -> None:
    found = shell.json("db", "status")
    assert found["url"] == shell.environment["PAYBELL_DATABASE"]
    assert found["counts"]["sources"] >= 2
    plain = shell.right("db", "status")
    assert plain.startswith(f"{found['url']}  schema {found['schemaVersion']}  ")
    assert all(name in plain for name in found["counts"])


def test_the_nodes_and_how_far_behind_each_is(shell: Shell) -> None:
    async def leader() -> dict[str, Any]:
        """It says so with its first sign of life, a second after it began."""
        return await eventually(lambda: next((it for it in shell.json("nodes")["nodes"] if it["leads"]), None)) or {}

    node = asyncio.run(leader())
    assert node["roles"] == ["receive", "record", "deliver", "reconcile", "web"]
    assert node["silentSeconds"] < 5
    assert {it["step"] for it in shell.json("nodes")["backlog"]} == {"record", "reconcile", "deliver"}
    plain = shell.right("nodes")
    assert plain.splitlines()[0].split()[:3] == ["node", "name", "roles"]
    assert all(text in plain for text in (node["id"], node["name"], "leads", "due and nobody's yet"))


def test_what_an_order_should_pay_is_said_and_judged(shell: Shell) -> None:
    said = ("payments", "expect", "o_said")
    assert shell.right(*said, "1.50", "usd") == "order o_said should pay 1.50 USD\n"
    assert shell.right(*said, "1.50", "USD") == "order o_said should pay 1.50 USD, as it was\n"
    shell.right(*PAID, "pi_said", "--order-id", "o_said", "--amount", "2.00")
    found = asyncio.run(eventually(lambda: shell.json("payments", "list", "--gateway-id", "pi_said")))
    assert (found[0]["match"], found[0]["expectedMinor"], found[0]["flags"]) == ("overpaid", 150, ["overpaid"])
    assert "expected by the merchant, of order o_said 150 USD" in shell.right("payments", "show", "pi_said")
    assert shell.json(*said, "2", "USD")["isNew"]
    assert shell.json("payments", "show", "pi_said")["match"] == "exact"


@pytest.mark.parametrize("module_database", ["sqlite"], indirect=True)
def test_every_command_is_asked_in_these_tests_and_all_explain_themselves(shell: Shell) -> None:
    texts = [it.read_text() for it in Path(__file__).parent.glob("test_*.py")]
    asked = {part for text in texts for part in text.replace('", "', " ").split('"')}
    for name in command_names():
        assert name in SERVERS or name.startswith("trigger") or any(it.startswith(name) for it in asked), name
        assert "Usage: paybell " + name in shell.right(*name.split(), "--help")
    assert shell.right("--version").startswith("paybell ")


# ------------------------------------------------------------------------------------------- what does not


WRONG: dict[str, tuple[int, str]] = {
    "nope": (2, "No such command 'nope'"),
    "payments nope": (2, "No such command 'nope'"),
    "payments": (2, ""),
    "source add": (2, "Missing argument"),
    "source add x": (2, "Missing option '--gateway'"),
    "source add x --gateway nope": (1, "there is no gateway 'nope'; known: "),
    "source add shop --gateway stripe": (1, "uid 'shop' exists already: choose another"),
    "source add a/b --gateway stripe": (1, "'a/b' cannot be the last part of a URL: write letters"),
    "source add .. --gateway stripe": (1, "cannot be the last part of a URL"),
    "source add x --gateway stripe --secret=": (1, "a secret of gateway 'stripe' is blank"),
    "source add x --gateway stripe --options []": (1, "--options must be a JSON object"),
    "source add x --gateway stripe --options {": (1, "--options must be a JSON object"),
    "source add x --gateway generic": (1, "option 'header' of gateway 'generic' is required"),
    'source add x --gateway generic --options {"hedder":1}': (1, "has no option 'hedder'; it knows: "),
    "source list --limit 0": (2, "--limit"),
    "source list --nope": (2, "No such option: --nope"),
    "trigger": (2, "Missing argument"),
    "trigger nope x": (1, "no pretend gateway 'nope'; known: "),
    "trigger stripe nope --source shop": (1, "has no event 'nope'; it has: payment_intent.created"),
    "trigger ippopay order.success --source nope": (1, "no source nope: `paybell source list` lists what there is"),
    "trigger razorpay payment.captured --source shop": (1, "shop is a source of stripe, not of razorpay"),
    "trigger razorpay payment.captured --source quiet": (1, "quiet has no secret to sign with"),
    "trigger stripe payment_intent.succeeded --source shop --amount x": (1, "must be a decimal number, not 'x'"),
    "trigger stripe payment_intent.succeeded --source shop --amount 1.005": (1, "more digits than USD allows"),
    "trigger stripe payment_intent.succeeded --source shop --currency xx": (1, "unknown currency 'XX'"),
    "trigger stripe payment_intent.succeeded --source shop --url ftp://x": (1, "--url 'ftp://x': the URL must start"),
    "payments list --status nope": (2, "is not one of 'created', 'processing'"),
    "payments expect o 1.505 USD": (1, "has more digits than USD allows"),
    "payments expect o 0 USD": (1, "an expected amount must be above zero"),
    "payments expect o 1 XYZ": (1, "unknown currency 'XYZ'"),
    "payments show nope": (1, "no payment nope: `paybell payments list` lists what there is"),
    "notifications list --state nope": (2, "is not one of 'pending', 'recorded'"),
    "notifications list --state parked --refused": (1, "give either --state or --refused"),
    "notifications show nope": (1, "no notification nope: `paybell notifications list` lists"),
    "notifications replay nope": (1, "no notification nope: `paybell notifications list` lists"),
    "deliveries list --state nope": (2, "is not one of 'due', 'leased'"),
    "db status --database nope": (1, "(PAYBELL_DATABASE): must be sqlite:///PATH, such as sqlite:///data/paybell.db"),
    "db status --database sqlite:///nope.db": (1, "there is no database at nope.db: name another with --database"),
    "payments list --database sqlite:///:memory:": (1, "in memory is known to its own process alone"),
    "key create --database sqlite:///:memory:": (1, "in memory is known to its own process alone"),
    "up --port 99999": (1, "port (PAYBELL_PORT): Input should be less than or equal to 65535"),
    "up --port x": (2, "'--port': Input should be a valid integer"),
    "up --host 999.1.1.1 --port 0": (1, "choose another --host or --port"),
    "up --role nope": (1, "roles (PAYBELL_ROLES): Input should be 'receive', 'record'"),
    "up --log-level nope": (1, "log_level (PAYBELL_LOG_LEVEL): Input should be 'debug', 'info'"),
    "up --allow-private-networks nope": (1, "'nope' does not appear to be an IPv4 or IPv6 network: write it as CIDR"),
    "demo --port 99999": (1, "port (PAYBELL_PORT): Input should be less than or equal to 65535"),
}


@pytest.mark.parametrize("module_database", ["sqlite"], indirect=True)  # the words are no store's
@pytest.mark.parametrize("typed", WRONG)
def test_a_mistake_is_told_in_words_with_what_to_do(shell: Shell, typed: str) -> None:
    shown = shell(*typed.split())
    status, complaint = WRONG[typed]
    assert shown.status == status, shown
    assert complaint in shown.complaint
    assert "Traceback" not in shown.err
    assert "Value error" not in shown.err or status == 2  # the words of the option parser itself
    assert shown.out == "" or typed == "payments"
    if status == 1:
        assert shown.err.startswith("paybell: ")
        assert len(shown.err.splitlines()) == 1


def test_a_mistake_leaves_nothing_behind(shell: Shell, tmp_path: Path) -> None:
    here = Shell(tmp_path)
    assert here("payments", "list").status == 1
    assert here("source", "add", "a/b", "--gateway", "stripe").status == 1
    assert {it.name for it in tmp_path.iterdir()} == {"stdout", "stderr"}


@pytest.mark.parametrize("command", ["source add x --gateway stripe", "up --port 0", "demo --exit --port 0"])
def test_a_place_that_cannot_hold_a_database_is_named(tmp_path: Path, command: str) -> None:
    (tmp_path / "plain").write_text("a file, no folder")
    shown = Shell(tmp_path)(*command.split(), "--database", "sqlite:///plain/x.db")
    assert (shown.status, "Traceback" in shown.err) == (1, False)
    assert shown.err.startswith("paybell: cannot read or make the key file plain/x.db.key (")
    assert "choose another place for the database" in shown.err


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("neither this nor that, for as long as a page of a database would be" * 99)
    shown = Shell(tmp_path)("payments", "list", "--database", "sqlite:///x.db")
    assert (shown.status, shown.err) == (1, "paybell: cannot open the database x.db: file is not a database\n")


def test_keys_that_do_not_fit_are_told_apart(tmp_path: Path) -> None:
    shell = Shell(tmp_path, PAYBELL_DATABASE="sqlite:///x.db")
    shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET)
    assert "PAYBELL_SECRET_KEY must be 32 bytes" in shell("source", "list", PAYBELL_SECRET_KEY="short").err
    other = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
    assert "were sealed under another key" in shell("source", "list", PAYBELL_SECRET_KEY=other).err
    (tmp_path / "x.db.key").write_text("spoilt")
    spoilt = shell("source", "list")
    assert spoilt.err.startswith("paybell: the key file x.db.key does not hold 32 bytes in base64: put its copy back")
    assert {spoilt.status, shell("source", "list", PAYBELL_SECRET_KEY=other).status} == {1}


def test_a_folder_that_cannot_be_written_ends_the_demo_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder")
    shown = Shell(tmp_path)("demo", "--exit", "--port", "0")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err.startswith("paybell: cannot write data/demo.log (")


def test_a_trigger_that_is_not_taken_says_what_to_look_at(shell: Shell, tmp_path: Path) -> None:
    nobody = shell(*PAID, "pi_lost", "--url", f"http://127.0.0.1:{free_port()}")
    assert (nobody.status, ": connect: " in nobody.out) == (1, True)
    assert nobody.err.startswith("paybell: nothing answers there: start it with `paybell up`")
    elsewhere = f"sqlite:///{tmp_path}/elsewhere.db"
    for uid, secret, advice in (
        ("shop", "whsec_another", "`paybell notifications list --refused` says why"),
        ("unknown", SECRET, "does not know the source"),
    ):
        shell.right("source", "add", uid, "--gateway", "stripe", "--secret", secret, "--database", elsewhere)
        refused = shell(*PAID[:3], "--source", uid, "--database", elsewhere, "--json")
        assert (refused.status, json.loads(refused.out)["answer"]) == (1, "401" if uid == "shop" else "404")
        assert advice in refused.err


def test_a_port_that_is_taken_is_named(shell: Shell, tmp_path: Path) -> None:
    port = shell.environment["PAYBELL_PORT"]
    taken = shell("up", "--port", port, "--database", f"sqlite:///{tmp_path}/other.db")
    assert (taken.status, "choose another --host or --port" in taken.err) == (1, True)


def test_a_file_that_another_server_has_open_is_named(tmp_path: Path) -> None:
    with Server(SqliteDatabase(tmp_path)) as server:  # PostgreSQL serves any number
        twice = Shell(tmp_path, **environment(server.database))("up", "--port", "0")
    assert (twice.status, "Traceback" in twice.err) == (1, False)
    assert str(tmp_path / "paybell.db") in twice.err


def test_the_installed_program_ends_with_the_same_status(tmp_path: Path) -> None:
    for program in ([str(Path(sys.executable).with_name("paybell"))], [sys.executable, "-m", "paybell"]):
        command = [*program, "payments", "show", "nope"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=30)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"paybell: there is no database")


def test_a_customer_is_erased(shell: Shell) -> None:
    shell.right("trigger", "stripe", "charge.succeeded", "--source", "shop", "--payment-id", "pi_forget")
    asyncio.run(eventually(lambda: shell.json("payments", "list", "--gateway-id", "pi_forget")))
    named = the_only(shell, "payments", "list", "--gateway-id", "pi_forget")
    assert named["customer"]["email"] == "pat@example.com"
    weighed = shell.json("customers", "erase", "pat@example.com", "--dry-run")
    assert (weighed["id"], weighed["paymentCount"] > 0) == (None, True)
    assert the_only(shell, "payments", "list", "--gateway-id", "pi_forget") == named
    done = shell.right("customers", "erase", "PAT@example.com")
    assert done.startswith(f"erased: {weighed['paymentCount']} payments, ")
    left = the_only(shell, "payments", "list", "--gateway-id", "pi_forget")
    assert (left["amount"], left["status"]) == (named["amount"], named["status"])
    assert "email" not in left["customer"]
    again = shell("customers", "erase", "pat@example.com")
    assert (again.status, "nothing names a customer" in again.err) == (1, True)
    (recorded, *_) = shell.json("notifications", "list", "--state", "recorded")
    refused = shell("notifications", "replay", recorded["id"])
    assert (refused.status, "was erased" in refused.err) == (1, True)
