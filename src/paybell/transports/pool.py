"""The unused keep-alive connections, kept apart by pool, origin and client certificate."""

from collections import OrderedDict

from paybell.transports.connection import Connection

Key = tuple[str, str, str]
"""The sending's pool, ``scheme://host:port``, and the client certificate ('' for none). A connection is never lent
under another key: one tenant's connection must not carry another's request, nor an old certificate a new one's."""


class IdlePool:
    """At most ``connections_max`` unused connections; the one used last is lent first, the oldest is dropped."""

    def __init__(self, *, connections_max: int, idle_s: float) -> None:
        """Limits as in :class:`~paybell.transports.config.HttpSenderConfig`."""
        self._connections_max = connections_max
        self._idle_s = idle_s
        self._stacks: dict[Key, list[Connection]] = {}
        self._keys: OrderedDict[Connection, Key] = OrderedDict()

    def __len__(self) -> int:
        """How many connections are unused."""
        return len(self._keys)

    def take(self, key: Key, now: float) -> Connection | None:
        """Lend a connection that was opened for ``key``; None when a new one is needed."""
        while stack := self._stacks.get(key):
            connection = stack[-1]
            self.forget(connection)
            if connection.is_fresh(now):
                return connection
            connection.drop()
        return None

    def put(self, key: Key, connection: Connection, now: float) -> None:
        """Keep a connection until it is wanted again, too old, or one too many."""
        if connection.closed:
            return
        self._stacks.setdefault(key, []).append(connection)
        self._keys[connection] = key
        connection.rest(now + self._idle_s)
        if len(self._keys) > self._connections_max:
            self.drop_oldest()

    def drop_oldest(self) -> None:
        """Drop the longest unused connection; there must be one."""
        connection = next(iter(self._keys))
        self.forget(connection)
        connection.drop()

    def forget(self, connection: Connection) -> None:
        """Take it off the lists, if it is on them."""
        key = self._keys.pop(connection, None)
        if key is None:
            return
        stack = self._stacks[key]
        if stack[-1] is connection:
            stack.pop()
        else:
            stack.remove(connection)
        if not stack:
            del self._stacks[key]
