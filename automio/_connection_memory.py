"""The connection that rows inserted next belong to.

A script calls a service through a connection and stores what it got: the published client writes the id of the
last used connection into the rows. Here it is remembered per thread and per asyncio task, never overwrites what a row
says itself, and can be seen and set as `api.connection_id`.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from automio._settings import ConnectionId

_INSERT_VARIABLE = r"\$%s\s*:\s*\[?\s*\w+_insert_input\b"


class ConnectionMemory:
    """One client's connection: fixed by CONNECTION_ID, otherwise that of the latest answer."""

    def __init__(self, fixed: ConnectionId | None) -> None:
        self._fixed = fixed

    @property
    def current(self) -> ConnectionId | None:
        """The connection id to write into rows, if any."""
        if self._fixed is not None:
            return self._fixed
        return _latest.get(_nothing).get(self)

    def remember(self, connection_id: ConnectionId | None) -> None:
        """Notes the connection an answer came from; None leaves the memory as it is."""
        if connection_id is not None:
            self.replace(connection_id)

    def replace(self, connection_id: ConnectionId | None) -> None:
        """Sets or, with None, forgets the connection of this thread or task."""
        # A new mapping each time: the old one may be shared with the context this one was copied from.
        mapping = WeakKeyDictionary(_latest.get(_nothing))
        mapping[self] = connection_id
        _latest.set(mapping)

    def fill(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """`variables` with the connection id in the rows of the first one, if it is declared as rows to insert.

        Rows that name a `connection_id`, None included, stay as they are; the caller's objects are not changed.
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
