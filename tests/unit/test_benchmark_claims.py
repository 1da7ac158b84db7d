"""The benchmark of claims on SQLite claims what waits, and counts the pages that are looked at for it."""

from benchmarks import claims, claims_sqlite


def test_every_claim_meets_rows_that_wait_and_looks_at_pages() -> None:
    claimed = claims_sqlite.measure(1_000, 100, claims._delivery_claim, rounds=2, calls=2)
    assert (len(claimed.wall_s), claimed.rows) == (4, 800)
    assert claimed.cost.buffers > 200
    assert claimed.cost.ms > 0


def test_few_deliveries_are_not_spread_over_many_endpoints() -> None:
    assert [claims._spreads(count) for count in (10, 1_000, 1_000_000, 10_000_000)] == [
        [1],
        [1, 100],
        [1, 100, 10_000],
        [1, 100],
    ]
