"""The address guard where every address of the world is a canary: whatever a connection is opened to is seen."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest

from tests.acceptance.guard_lab import ATTEMPTS, PUBLIC_V6, VARIANTS, Report
from tests.acceptance.namespaces import ALONE, MISSING
from tests.hostile_urls import BAD, DECOY

pytestmark = pytest.mark.skipif(bool(MISSING) and os.environ.get("CI") != "true", reason=MISSING)
Lab = Callable[[str], Report]
ROOT = Path(__file__).parents[2]
SILENT = {"224.0.0.1", "239.1.1.1", "255.255.255.255", "fe80::1", "ff02::1", "ff0e::1"}
"""What no TCP connection can be opened to: multicast, broadcast, and link-local without a link."""


@pytest.fixture
def report(tmp_path: Path) -> Lab:
    def run(scenario: str) -> Report:
        command = [*ALONE, sys.executable, "-m", "tests.acceptance.guard_lab", scenario, str(tmp_path / "report")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
        assert (done.returncode, done.stderr.decode()) == (0, "")
        return msgspec.json.decode((tmp_path / "report").read_bytes(), type=Report)

    return run


def phases(it: Report) -> Counter[str]:
    return Counter(outcome.partition(":")[0] for outcome in it.outcomes)


def test_hostile_addresses_are_never_connected_to_by_number_or_by_name(report: Lab) -> None:
    found = report("addresses")
    assert phases(found) == {"guard": 5 * len(BAD)}
    assert (found.seen, found.opened) == ({}, 0)
    assert set(found.asked.values()) == {1}


def test_without_the_guard_the_canary_sees_them_all(report: Lab) -> None:
    found = report("unguarded")
    reached = {
        address
        for address, outcome in zip([*BAD, DECOY, PUBLIC_V6], found.outcomes, strict=True)
        if outcome == "answered"
    }
    assert reached == {*BAD, DECOY, PUBLIC_V6} - SILENT
    assert found.opened == sum(found.seen.values()) == len(reached)


def test_ten_thousand_variants_of_their_urls_lead_nowhere_but_to_the_public_host_that_some_name(report: Lab) -> None:
    found = report("variants")
    assert len(found.outcomes) == VARIANTS
    assert set(found.seen) == {DECOY}
    assert found.opened == found.seen[DECOY]
    assert phases(found).keys() == {"send", "guard", "answered", "tls"}
    assert phases(found)["guard"] > 1_000


def test_what_the_system_reads_into_odd_spellings_is_judged_too(report: Lab) -> None:
    """Were any variant taken for a good URL, the guard alone would still hold: 127.1 and 0x7f.1 are loopback to it."""
    found = report("careless")
    assert len(found.outcomes) == VARIANTS
    assert all(ip_address(address).is_global for address in found.seen)
    assert found.opened == sum(found.seen.values()) == phases(found)["answered"]
    assert phases(found)["guard"] > VARIANTS / 2


def test_a_name_that_flips_is_looked_up_once_for_each_attempt_and_judged_each_time(report: Lab) -> None:
    found = report("flips")
    assert phases(found) == {"answered": ATTEMPTS // 2, "guard": ATTEMPTS // 2}
    assert found.seen == {DECOY: ATTEMPTS // 4, PUBLIC_V6: ATTEMPTS // 4}
    assert found.opened == ATTEMPTS // 2
    assert found.asked == {"flip.example": ATTEMPTS}


def test_a_kept_connection_stays_with_its_judged_address_when_the_name_flips(report: Lab) -> None:
    found = report("kept")
    assert (phases(found), found.seen, found.opened) == ({"answered": ATTEMPTS}, {DECOY: 1}, 1)
    assert found.asked == {"flip.example": 1}


def test_no_proxy_of_the_environment_is_asked_and_no_redirect_followed(report: Lab) -> None:
    found = report("proxied")
    assert list(phases(found).elements()) == ["answered", "answered", "tls"]
    assert (found.seen, found.opened) == ({PUBLIC_V6: 3}, 3)
