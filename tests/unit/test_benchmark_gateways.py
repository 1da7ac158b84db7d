"""The benchmark of gateways measures requests that are believed and read."""

import pytest

from benchmarks.gateways import AT_S, TWO_KB, first, measured, two_kb
from benchmarks.process import Failed
from paybell.gateways import GATEWAYS
from paybell.model.notification import Verified


def test_the_event_of_two_kilobytes_is_believed_and_read() -> None:
    case = two_kb()
    cost = measured(case, rounds=1, round_s=0.0)
    assert (case.name, cost.verdict) == (TWO_KB, "verified")
    assert 1_800 < cost.size < 2_200
    assert 0 < cost.verify < cost.both
    assert isinstance(case.gateway.verify(case.request, case.source, AT_S * 1000), Verified)


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_every_gateway_has_its_figures(name: str) -> None:
    cost = measured(first(name), rounds=1, round_s=0.0)
    assert cost.verdict in {"hint", "verified"} or cost.verdict.endswith(" items")
    assert cost.size > 0


def test_a_gateway_that_refuses_is_told_of() -> None:
    case = two_kb()
    case = type(case)(case.name, case.gateway, first("razorpay").source, case.request)
    with pytest.raises(Failed, match="signature_mismatch"):
        measured(case, rounds=1, round_s=0.0)
