"""How a server of tests ends: with nothing half accepted."""

import asyncio
from typing import Final

_TURNS: Final = 3
"""Of the loop from an accepted socket to a connection that is made: its task begins, it is made, the task ends."""


async def close(server: asyncio.Server) -> None:
    """Accept nothing more, and close the server once all that it accepted are connections.

    A socket that asyncio has accepted when its server is closed, and not yet made a connection of, would stay open
    for ever: the server refuses it, and nobody closes it (CPython's ``_accept_connection2`` and ``Server._attach``).
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())  # uvloop has no reader here, and accepts in one step
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    server.close()
    await asyncio.sleep(0)
