"""All connections of a process: what each does since when, and how many there are of an address."""

from collections import Counter
from collections.abc import Iterator

from serving.gateway.connections.connection import Connection, State
from serving.gateway.connections.limits import ConnectionLimits

_CLOSING_SECONDS = 2.0
"""How long to read on before closing: a connection that is closed with unread bytes is reset, and loses the answer."""
_EVICTABLE = (State.CLOSING, State.IDLE)


class ConnectionTable:
    """Used by the main thread only. In each state, connections are in the order in which they came to it."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._deadlines: dict[State, dict[Connection, float]] = {state: {} for state in State}
        self._places: dict[Connection, State] = {}
        self._of_address: Counter[str] = Counter()
        self._held: dict[Connection, int] = {}
        self._held_bytes = 0
        self._seconds = {
            State.IDLE: limits.idle_seconds,
            State.HEAD: limits.header_seconds,
            State.BODY: limits.body_seconds,
            State.CLOSING: _CLOSING_SECONDS,
        }

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._places

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._places))

    def __len__(self) -> int:
        return len(self._places)

    @property
    def held_bytes(self) -> int:
        """How many bytes of requests there are."""
        return self._held_bytes

    def counts(self) -> dict[str, int]:
        """Return the number of connections by state."""
        return {state: len(found) for state, found in self._deadlines.items() if state != State.ENDED}

    def of_address(self, address: str) -> int:
        """Return the number of connections of an address."""
        return self._of_address[address]

    def put(self, connection: Connection, state: State, now: float) -> None:
        """Record a connection's state, which keeps its deadline if it is in it already; and what it holds."""
        before = self._places.get(connection)
        if before is None:
            self._of_address[connection.address] += 1
        held = len(connection.received)
        self._held_bytes += held - self._held.get(connection, 0)
        self._held[connection] = held
        if before != state:
            if before is not None:
                del self._deadlines[before][connection]
            self._deadlines[state][connection] = now + self._seconds.get(state, float("inf"))
            self._places[connection] = state

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        del self._deadlines[self._places.pop(connection)][connection]
        self._held_bytes -= self._held.pop(connection)
        self._of_address[connection.address] -= 1
        if not self._of_address[connection.address]:
            del self._of_address[connection.address]

    def expired(self, now: float) -> Iterator[tuple[Connection, State]]:
        """Yield the connections whose time is over, with their state. They may be moved or removed meanwhile."""
        for state in self._seconds:
            deadlines = self._deadlines[state]
            while deadlines and (first := next(iter(deadlines))) and deadlines[first] <= now:
                yield first, state
                if self._places.get(first) == state:
                    self.remove(first)

    def cap_idle(self, seconds: float, now: float) -> None:
        """Let connections be idle for at most *seconds* more."""
        idle = self._deadlines[State.IDLE]
        for connection in idle:
            idle[connection] = min(idle[connection], now + seconds)
        self._seconds[State.IDLE] = seconds

    def evictable(self) -> Connection | None:
        """Return the connection that can be closed at the least harm: that which has been idle for longest."""
        return next((next(iter(self._deadlines[state])) for state in _EVICTABLE if self._deadlines[state]), None)
