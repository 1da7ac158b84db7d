"""Other people's payloads and signatures, where the shared folder stands beside the checkout (in CI it must)."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

from paybell.deliver.signing import sign
from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import GATEWAYS
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import Origin, Refused
from paybell.model.source import Source
from tests.acceptance import shared
from tests.acceptance.shared import plain
from tests.acceptance.shared.plain import Case, Vector
from tests.contract.judges import JUDGES
from tests.unit.gateways.sources import notification

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "gateways"
PRESENT = (SHARED / "vectors.json").is_file()
IN_CI = os.environ.get("CI") == "true"

pytestmark = pytest.mark.skipif(
    not PRESENT and not IN_CI, reason="../shared/gateways does not stand beside the checkout"
)

OF_GATEWAY: Mapping[str, ModuleType] = {
    module.name: import_module(f"{shared.__name__}.{module.name}")
    for module in iter_modules(shared.__path__)
    if module.name != "plain"
}
CASES: Mapping[str, Callable[[Vector], Case]] = {
    scheme: case for module in OF_GATEWAY.values() for scheme, case in getattr(module, "SCHEMES", {}).items()
}
PROMISES = {start: kind for module in OF_GATEWAY.values() for start, kind in getattr(module, "PROMISES", {}).items()}
VECTORS: list[Vector] = json.loads((SHARED / "vectors.json").read_text()) if PRESENT else []
SAMPLES = tuple(
    sorted(each.name for each in (SHARED / "samples").glob("*__*") if each.name.partition("__")[0] in GATEWAYS)
)


def source(case: Case) -> Source:
    return Source(
        id="src_1",
        organisation_id="org_1",
        uid="shared",
        gateway=case.gateway,
        livemode=False,
        secrets=case.secrets,
        token=case.token,
        options=case.options,
        enabled=True,
        created_at_ms=0,
    )


def test_the_shared_files_are_there() -> None:
    assert PRESENT, f"CI needs {SHARED}"
    assert len(SAMPLES) > 400
    assert len(VECTORS) == 178
    assert {vector["scheme"] for vector in VECTORS} == CASES.keys()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['scheme']}-{vector['name']}")
def test_a_vector_has_its_verdict(vector: Vector) -> None:
    case = CASES[vector["scheme"]](vector)
    verdict = GATEWAYS[case.gateway].verify(case.request, source(case), case.now_ms)
    assert isinstance(verdict, Refused) is not vector["valid"], verdict


def test_the_docs_say_who_vouches_for_each_gateway() -> None:
    text = (ROOT / "docs" / "gateways" / "README.md").read_text()
    table = text.partition("<!-- begin: known answers -->")[2].partition("<!-- end: known answers -->")[0]
    told = {
        row[1]: row[2:6] for line in table.splitlines() if len(row := re.split(r" *\| *", line)) > 5 and "(" in row[1]
    }
    counts = Counter((CASES[it["scheme"]](it).gateway, it["kind"], it["valid"]) for it in VECTORS)
    assert told == {
        f"[{each.about.title}]({name}.md)": [
            *(str(counts[name, "known-answer", valid] or "none") for valid in (True, False)),
            str(counts[name, "derived", True] + counts[name, "derived", False] or "none"),
            ", ".join(f"`{sdk}`" for sdk in JUDGES.get(name, {})) or "none",
        ]
        for name, each in GATEWAYS.items()
    }


@pytest.mark.parametrize("vector", [it for it in VECTORS if it["scheme"] == "standard-webhooks"])
def test_our_deliveries_sign_as_standard_webhooks_does(vector: Vector) -> None:
    headers = vector["headers"]
    body, time = vector["body"].encode(), int(headers["webhook-timestamp"])
    assert sign(headers["webhook-id"], time, body, [vector["secret"]]) == headers["webhook-signature"]


def parse(name: str, body: bytes, origin: Origin = Origin.WEBHOOK) -> Parsed:
    case = Case(gateway=name, request=None, secrets=(), now_ms=0)
    made = notification(body, origin=origin, headers=(("paybell-subject", "order_1"),))
    return GATEWAYS[name].parse(made, source(case))


def bodies(name: str) -> list[bytes]:
    module = OF_GATEWAY.get(name.partition("__")[0], plain)
    raw = (SHARED / "samples" / name).read_bytes()
    found: list[bytes] = getattr(module, "bodies", plain.bodies)(name, raw)
    return found


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("origin", list(Origin))
def test_a_published_sample_gives_facts_or_a_reason(name: str, origin: Origin) -> None:
    for body in bodies(name):
        try:
            parsed = parse(name.partition("__")[0], body, origin)
        except (MalformedPayload, AmountError):
            # Some published samples are no JSON; and what is posted is not what an API answers.
            assert origin is Origin.POLL or not _is_json(body), body[:200]
        else:
            assert parsed.facts or parsed.reason


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", SAMPLES)
def test_a_published_payment_event_gives_the_fact_its_name_promises(name: str) -> None:
    promised = next((kind for part, kind in PROMISES.items() if name.startswith(part)), None)
    if promised is None or name.endswith(".txt"):
        return
    for body in bodies(name):
        found: tuple[Fact, ...] = parse(name.partition("__")[0], body).facts
        assert promised in {fact.kind for fact in found}, name
