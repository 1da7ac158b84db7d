"""Every code block of the README and the docs is run, or parsed and compared with what the program really gives."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from paybell.gateways import GATEWAYS
from paybell.model.fact import Kind
from paybell.model.notification import Notification, Origin
from paybell.model.payment import Payment, PaymentState, PaymentStatus
from paybell.model.source import Source
from paybell.record.messages import envelope, payment_data
from tests.acceptance.world import KEY, Server
from tests.databases import SqliteDatabase

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = [
    pytest.param(page, language, text, id=f"{page.name}-{number}-{language or 'plain'}")
    for page in PAGES
    for number, (language, text) in enumerate(FENCED.findall(page.read_text()))
]
BASH = shutil.which("bash") or "bash"


def of(language: str) -> list[ParameterSet]:
    return [it for it in BLOCKS if it.values[1] == language]


def ended(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_languages_are_those_that_are_tested() -> None:
    assert {it.values[1] for it in BLOCKS} <= {"", "sh", "python", "json", "mermaid"}  # test_states.py draws these


@pytest.mark.parametrize(("page", "language", "text"), of("json"))
def test_json_parses(page: Path, language: str, text: str) -> None:
    assert json.loads(text.replace("…", "x"))


@pytest.mark.parametrize(("page", "language", "text"), of("python"))
def test_python_runs(page: Path, language: str, text: str, tmp_path: Path) -> None:
    done = ended([sys.executable, "-c", text], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("page", "language", "text"), of("sh"))
def test_shell_commands_run(page: Path, language: str, text: str, tmp_path: Path) -> None:
    """``curl`` goes to a real server; what would run for ever, and the tests themselves, are left out."""
    stand_in = f'#!/bin/sh\n[ "$#" -eq 0 ] && set -- demo --help\nexec "{sys.executable}" -m paybell "$@"\n'
    (tmp_path / "run").write_text(stand_in)
    (tmp_path / "run").chmod(0o755)
    with Server(SqliteDatabase(tmp_path)) as server:
        application = server.post("/app", {"name": "Docs"})["id"]
        script = re.sub(r"^\./test.*$", "true", text, flags=re.MULTILINE)
        script = re.sub(r"^\./run up.*$", "./run up --help", script, flags=re.MULTILINE)
        script = script.replace("http://127.0.0.1:8800", server.url).replace("whsec_…", "whsec_of_the_docs")
        script = script.replace("curl ", "curl --fail-with-body -sS ")
        environment = {
            **os.environ,
            "KEY": KEY,
            "APP": application,
            "PAYBELL_DATABASE": server.database.url,
        }
        done = ended([BASH, "-euc", script], tmp_path, environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_payload_in_the_readme_is_what_subscribers_get() -> None:
    (text,) = [it.values[2] for it in of("json") if it.values[0].name == "README.md"]
    shown = json.loads(text)
    state = PaymentState(
        status=PaymentStatus.COMPLETED, amount_minor=10000, currency="USD", order_id="ord_0987654321", version=3
    )
    payment = Payment(
        id="pay_…",
        organisation_id="org_1",
        source_id="src_1",
        gateway="stripe",
        gateway_payment_id="pi_…",
        livemode=True,
        state=state,
        created_at_ms=0,
        updated_at_ms=0,
    )
    told = json.loads(envelope("msg_…", "payment.completed", payment_data(payment), 1_782_472_087_120))
    assert {name: told[name] for name in shown if name != "data"} == {
        name: value for name, value in shown.items() if name != "data"
    }
    assert {name: told["data"][name] for name in shown["data"]} == shown["data"]


def test_the_envelope_on_its_page_is_taken_by_generic_with_its_defaults() -> None:
    (text,) = re.findall(r'^`({"event": .*})`\.$', (ROOT / "docs/gateways/generic.md").read_text(), re.MULTILINE)
    source = Source(
        id="src_1",
        organisation_id="org_1",
        uid="docs",
        gateway="generic",
        livemode=False,
        secrets=("secret",),
        token="",
        options={"header": "x-signature"},
        enabled=True,
        created_at_ms=0,
    )
    notification = Notification(
        id="ntf_1",
        source_id="src_1",
        organisation_id="org_1",
        dedupe_key="k",
        origin=Origin.WEBHOOK,
        hint=False,
        received_at_ms=0,
        headers=(),
        body=text.encode(),
    )
    told = GATEWAYS["generic"].parse(notification, source)
    assert told.event == "payment.updated"
    assert {fact.aggregate for fact in told.facts} == {"pay_1234567890"}
    captured = {(it.amount_minor, it.currency) for it in told.facts if it.kind in {Kind.CAPTURED, Kind.CAPTURED_TOTAL}}
    assert captured == {(10000, "USD")}
