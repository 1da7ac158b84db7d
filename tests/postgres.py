"""The PostgreSQL server of this test run."""

import atexit
from functools import lru_cache

from paybell.testing.postgres import PostgresServer


@lru_cache(maxsize=1)
def server() -> PostgresServer:
    running = PostgresServer()
    atexit.register(running.stop)
    return running
