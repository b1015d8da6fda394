"""Provides `api.syncs`: start and follow the syncs of the configured app."""

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from automio._decode import as_list, as_object, as_text
from automio._exceptions import RequestTimeout
from automio._exchange import Call, Pause, Reply, Request, Steps
from automio._json import encode_json
from automio._operation import AsyncResource, Resource, SyncResource, operation
from automio._replies import read_json
from automio._settings import app_in_path
from automio._sync_models import Sync, SyncRun

_FIRST_PAUSE, _MAX_PAUSE = 0.1, 2.0
_OPEN = frozenset({"pending", "running"})


class SyncsOperations(Resource):
    """Manages syncs of the configured app, which copy lists of third-party services into its tables."""

    @operation
    def status(self, name: str) -> Call[Sync]:
        """Returns a sync with its progress and its latest runs; raises NotFound for an unknown name."""
        return Call(
            Request(method="GET", path=self._path(name), repeatable=True),
            lambda reply: Sync.from_wire(read_json(reply)),
        )

    @operation
    def run(self, name: str, connection_id: int | None = None) -> Call[Sequence[SyncRun]]:
        """Starts a sync for one connection or for all, and returns the open runs; see `wait`.

        A connection with an open run keeps it. Raises Conflict when there is no connection.
        """
        return self._change(name, "run/", connection_id)

    @operation
    def cancel(self, name: str, connection_id: int | None = None) -> Call[Sequence[SyncRun]]:
        """Cancels the open runs after their current page; rows that were stored stay."""
        return self._change(name, "cancel/", connection_id)

    @operation
    def runs(self, name: str, count: int = 50, before: int | None = None) -> Call[Sequence[SyncRun]]:
        """Returns the latest `count` runs (at most 200), newest first; with `before` only runs before this run id."""
        parameters = {"count": str(count)} | ({} if before is None else {"before": str(before)})
        request = Request(method="GET", path=self._path(name, "runs/"), parameters=parameters, repeatable=True)
        return Call(request, _read_runs)

    @operation
    def wait(self, name: str, timeout: float | None = None) -> Steps[Sequence[SyncRun]]:
        """Waits until no run of the sync is open, and returns the latest run of each connection, whatever its state.

        Raises RequestTimeout after `timeout` seconds; the runs continue.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_PAUSE
        request = Request(method="GET", path=self._path(name), repeatable=True)
        while True:
            sync: Sync = yield Call(request, lambda reply: Sync.from_wire(read_json(reply)))
            if not any(run.state in _OPEN for run in sync.runs):
                return sync.runs
            if deadline is not None and time.monotonic() + pause > deadline:
                raise RequestTimeout(f"The sync {name} has not ended within {timeout:g} seconds.")
            yield Pause(pause)
            pause = min(pause * 1.5, _MAX_PAUSE)

    @operation
    def list(self) -> Steps[Sequence[Sync]]:
        """Returns the organization's syncs in the app, sorted by name."""
        syncs: list[Sync] = []
        parameters = {"limit": "100"}
        while True:
            request = Request(method="GET", path=self._path(), parameters=dict(parameters), repeatable=True)
            part = yield Call(request, lambda reply: as_object(read_json(reply)))
            syncs += [Sync.from_wire(item) for item in as_list(part.get("results"))]
            cursor = as_text(part.get("next_cursor"))
            if cursor is None:
                return syncs
            parameters["cursor"] = cursor

    def _change(self, name: str, word: str, connection_id: int | None) -> Call[Sequence[SyncRun]]:
        body: dict[str, Any] = {"connection_id": connection_id}
        request = Request(method="POST", path=self._path(name, word), content=encode_json(body), repeatable=True)
        return Call(request, _read_runs)

    def _path(self, name: str = "", word: str = "") -> str:
        path = f"/api/apps/{app_in_path(self._settings.require_app_id())}/syncs/"
        return path + (f"{quote(name, safe='')}/{word}" if name else "")


class Syncs(SyncsOperations, SyncResource):
    """Manages syncs of the configured app, which copy lists of third-party services into its tables."""


class AsyncSyncs(SyncsOperations, AsyncResource):
    """Manages syncs of the configured app, which copy lists of third-party services into its tables."""


def _read_runs(reply: Reply) -> Sequence[SyncRun]:
    return [SyncRun.from_wire(item) for item in as_list(read_json(reply))]
