"""Remembers the connection id that is written into the rows a script inserts.

A script calls a service through a connection and stores the answer: the published client writes the id of the last
used connection into the rows. Here the id is kept per thread and per asyncio task, never overwrites the
`connection_id` of a row, and can be read and set as `api.connection_id`.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from automio._settings import ConnectionId

_INSERT_VARIABLE = r"\$%s\s*:\s*\[?\s*\w+_insert_input\b"


class ConnectionMemory:
    """Holds the current connection of one client: fixed by CONNECTION_ID, otherwise that of the latest answer."""

    def __init__(self, fixed: ConnectionId | None) -> None:
        self._fixed = fixed

    @property
    def current(self) -> ConnectionId | None:
        """Returns the connection id to write into rows, if any."""
        if self._fixed is not None:
            return self._fixed
        return _latest.get(_nothing).get(self)

    def remember(self, connection_id: ConnectionId | None) -> None:
        """Stores the connection that an answer came from; None changes nothing."""
        if connection_id is not None:
            self.replace(connection_id)

    def replace(self, connection_id: ConnectionId | None) -> None:
        """Sets the connection of this thread or task; None clears it."""
        # A new mapping each time: the old one may be shared with the context that this one was copied from.
        mapping = WeakKeyDictionary(_latest.get(_nothing))
        mapping[self] = connection_id
        _latest.set(mapping)

    def fill(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Returns `variables` with the connection id added to the rows of the first variable, if those are inserted.

        Rows that have a `connection_id`, even None, keep it; the caller's objects are not changed.
        """
        filled = dict(variables)
        connection_id = self.current
        name = next(iter(variables), None)
        if connection_id is None or name is None or not _is_list_of_objects(filled[name]):
            return filled
        if re.search(_INSERT_VARIABLE % re.escape(name), document):
            filled[name] = [{"connection_id": connection_id, **row} for row in filled[name]]
        return filled


_nothing: WeakKeyDictionary[ConnectionMemory, ConnectionId | None] = WeakKeyDictionary()
_latest: ContextVar[WeakKeyDictionary[ConnectionMemory, ConnectionId | None]] = ContextVar("latest_connections")


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)
