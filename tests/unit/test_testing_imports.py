"""`paybell.testing` works wherever Paybell is installed: it imports nothing else, and does what its page says."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from paybell.errors import AmountError, ConfigurationError
from paybell.testing import gateway

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "src/paybell/testing").rglob("*.py"))


def imported(module: Path) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_it_imports_what_paybell_needs_and_nothing_else(module: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {normal(re.split(r"[>=<\[ ]", each)[0]) for each in project["dependencies"]}
    for name in imported(module) - set(sys.stdlib_module_names) - {"paybell"}:
        assert {normal(each) for each in packages_distributions()[name]} & needed, name


def test_a_request_is_made_without_what_only_tests_have() -> None:
    """Nor with what only the server needs, so that it is quickly there."""
    absent = ("pytest", "httpx", "hypothesis", "fastapi", "uvicorn", "apsw", "asyncpg")
    code = f"""
import sys
sys.modules.update(dict.fromkeys({absent!r}))
from paybell.testing import gateway
assert gateway("stripe").signed("payment_intent.succeeded", amount="12.50").body
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_amounts_are_in_major_units_and_exact() -> None:
    made = gateway("stripe").signed("payment_intent.succeeded", amount="12.50", currency="eur", at_s=1)
    assert b'"amount":1250,' in made.body
    assert b'"currency":"eur"' in made.body
    assert made == gateway("stripe").signed("payment_intent.succeeded", amount_minor=1250, currency="EUR", at_s=1)
    for amount, currency in (("12.505", "EUR"), ("1.5", "JPY"), ("x", "EUR"), ("1", "XXX")):
        with pytest.raises(AmountError):
            gateway("stripe").signed("payment_intent.succeeded", amount=amount, currency=currency)


def test_the_signature_may_be_of_another_time_than_the_event() -> None:
    made = gateway("stripe").signed("charge.succeeded", at_s=1_750_000_000, signed_at_s=1_750_000_100)
    assert dict(made.headers)["stripe-signature"].startswith("t=1750000100,")
    assert b'"created":1750000000,' in made.body


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(ConfigurationError, match=r"no pretend gateway 'nobody'; known: .*stripe"):
        gateway("nobody")
    with pytest.raises(ConfigurationError, match=r"has no event 'nothing'; it has: .*charge\.succeeded"):
        gateway("stripe").signed("nothing")
