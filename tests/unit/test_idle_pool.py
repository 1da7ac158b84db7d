"""The pool of unused connections, with ten thousand endpoints and connections that only say what was done to them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from paybell.transports.pool import IdlePool, Key


class Line:
    """Stands for a connection opened for ``key``."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.closed = False
        self.until = 0.0

    def rest(self, until: float) -> None:
        self.until = until

    def is_fresh(self, now: float) -> bool:
        return not self.closed and now < self.until

    def drop(self) -> None:
        self.closed = True


def key_of(number: int, port: int = 443, certificate: str = "") -> Key:
    return (f"ep_{number}", f"https://hooks.example:{port}", certificate)


def test_ten_thousand_endpoints_leave_no_more_connections_than_allowed() -> None:
    pool, chance = IdlePool(connections_max=1_000, idle_s=30), Random(1)
    lines: list[Line] = []
    reused = 0
    for now in range(100_000):
        key = key_of(chance.randrange(10_000))
        line = pool.take(key, now / 1_000)
        if line is None:
            line = Line(key)
            lines.append(line)
        else:
            reused += 1
        assert line.key == key
        pool.put(key, line, now / 1_000)
        assert len(pool) <= 1_000
    assert reused > 5_000
    assert sum(not line.closed for line in lines) == len(pool) == 1_000
    assert len(pool._stacks) <= 1_000
    for key in map(key_of, range(10_000)):
        assert pool.take(key, 1_000.0) is None  # all too old by now
    assert (len(pool), pool._stacks) == (0, {})
    assert all(line.closed for line in lines)


keys = st.builds(key_of, st.integers(0, 3), st.sampled_from([443, 8443]), st.sampled_from(["", "pem"]))
steps = st.tuples(st.sampled_from(["take", "put", "lose", "drop"]), keys, st.integers(0, 20))


@given(st.lists(steps, max_size=60), st.integers(0, 4))
def test_a_connection_is_lent_under_its_own_key_only_and_to_one_at_a_time(
    done: list[tuple[str, Key, int]], connections_max: int
) -> None:
    pool = IdlePool(connections_max=connections_max, idle_s=10)
    now, idle = 0, list[Line]()
    for what, key, later in done:
        now += later
        if what == "put":
            line = Line(key)
            pool.put(key, line, now)
            idle.append(line)
        elif what == "take":
            taken = pool.take(key, now)
            if taken is not None:
                assert (taken.key, taken.closed) == (key, False)
                assert taken is [it for it in idle if it.key == key and not it.closed][-1]
                idle.remove(taken)
        elif what == "lose" and idle:  # the peer closes one
            lost = idle.pop(later % len(idle))
            lost.closed = True
            pool.forget(lost)
        elif what == "drop" and len(pool):
            pool.drop_oldest()
        idle = [it for it in idle if not it.closed]
        assert len(pool) == len(idle) <= connections_max
        assert sum(map(len, pool._stacks.values())) == len(pool)
