"""Every route of the OpenAPI document, asked with right and wrong input by schemathesis against a real server."""

from collections.abc import Iterator
from itertools import product

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from tests.acceptance.world import KEY, Server
from tests.databases import DATABASES, Database
from tests.tier import LONG

EXAMPLES = 200 if LONG else 3
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


EXCLUDED = [
    ignored_auth,  # the key is added here; test_api.py asks without one, and with others
    positive_data_acceptance,  # which secrets a gateway takes and where a URL may lead is more than a schema can say
]


def is_wrong_beyond_extras(case: schemathesis.Case) -> bool:
    """Whether more is wrong than parameters nobody knows, which are passed over, and the key, which is added here."""
    assert case.meta is not None
    wrong = {where for where, part in case.meta.components.items() if part.mode is GenerationMode.NEGATIVE}
    declared = {it.name for it in case.operation.query}
    if ParameterLocation.QUERY in wrong and not set(case.query or {}) <= declared:
        return False
    return bool(wrong - {ParameterLocation.HEADER})


@pytest.fixture(scope="module")
def server(module_database: Database) -> Iterator[Server]:
    with Server(module_database) as running:
        yield running


@pytest.fixture(scope="module")
def schema(server: Server) -> BaseSchema:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def strategies(schema: BaseSchema, mode: GenerationMode) -> Iterator[tuple[str, object]]:
    for result in schema.get_all_operations():
        operation = result.ok()
        # Nearly all wrong requests without a body are wrong in ways that do not count here: a minute for a few.
        if mode is GenerationMode.POSITIVE or operation.body or LONG:
            yield operation.label, operation.as_strategy(generation_mode=mode)


ASKED = list(product(DATABASES, GenerationMode)) if LONG else list(zip(DATABASES, GenerationMode, strict=True))
"""Outside the long tier right requests are asked on SQLite, and wrong ones on PostgreSQL, which refuses more."""


@pytest.mark.parametrize(("module_database", "mode"), ASKED, ids=str, indirect=["module_database"])
def test_every_answer_is_documented_and_none_is_a_fault(schema: BaseSchema, mode: GenerationMode) -> None:
    failures: dict[str, str] = {}
    count = 0
    for label, strategy in strategies(schema, mode):

        @QUIET
        @given(case=strategy)
        def ask(case: schemathesis.Case) -> None:
            assume(mode is GenerationMode.POSITIVE or is_wrong_beyond_extras(case))
            case.call_and_validate(headers={"authorization": f"Bearer {KEY}"}, excluded_checks=EXCLUDED)

        count += 1
        try:
            ask()
        except Unsatisfiable:  # a route that takes nothing cannot be asked wrongly
            assert mode is GenerationMode.NEGATIVE, label
        except BaseExceptionGroup as group:
            failures[label] = "\n".join(str(it) for it in group.exceptions)
        except (AssertionError, OSError) as error:
            failures[label] = f"{type(error).__name__}: {error}"
    assert count > (20 if mode is GenerationMode.POSITIVE else 8)
    assert not failures, "\n\n".join(f"{label}\n{text}" for label, text in failures.items())
