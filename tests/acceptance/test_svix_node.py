"""Svix's own SDK for JavaScript, unmodified, against a running Paybell."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.world import KEY, Server, free_port
from tests.databases import Database

VERSION = "2.5.0"
CLIENT = Path(__file__).with_name("svix_client.cjs")


def test_what_it_asks_is_answered_in_its_words(database: Database, tmp_path: Path) -> None:
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        assert os.environ.get("CI") != "true", f"{' and '.join(missing)} must be there in CI"
        pytest.skip(f"{' and '.join(missing)} not found: Svix's SDK for JavaScript was not tried")
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), f"svix@{VERSION}"]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    shutil.copy(CLIENT, tmp_path)
    with Server(database) as server:
        command = ["node", str(tmp_path / CLIENT.name), server.url, KEY, str(free_port())]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "sameApplication": True,
        "taken": [409, "conflict"],
        "patched": {"plan": "gold"},
        "eventType": {"1": {"type": "object"}},
        "headers": ["x-key"],
        "again": True,
        "otherBody": 422,
        "body": {"total": 2.5},
        "forged": False,
        "attempt": [True, "success", 200],
        "pages": [[True, False], [False, True], [True, True]],
        "destinations": [True],
        "rotated": True,
        "active": False,
        "later": [True, 1],
        "imported": ["js.new"],
        "counted": [1],
        "missing": [404, "not_found"],
        "invalid": 422,
        "gone": 404,
    }
