"""Provides `api.actions`: list an app's actions, run an action, follow or cancel its run."""

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from automio._decode import as_list
from automio._exchange import Call, Reply, Request
from automio._json import encode_json
from automio._models import Action, ActionRunResponse, ActionRunStatusResponse
from automio._operation import AsyncResource, Resource, SyncResource, operation, stream_operation
from automio._replies import read_json, read_nothing
from automio._streams import LogLines


class ActionsOperations(Resource):
    """Manages actions of the configured app and their runs."""

    @operation
    def list(self) -> Call[builtins.list[Action]]:
        """Returns the actions of the configured app."""
        parameters = {"app": str(self._settings.require_app_id())}
        return Call(
            Request(method="GET", path="/api/actions/", parameters=parameters, repeatable=True), _read_actions
        )

    @operation
    def actions_list(self) -> Call[builtins.list[Action]]:
        """Returns the actions of every app that the token may see."""
        return Call(Request(method="GET", path="/api/actions/", repeatable=True), _read_actions)

    @operation
    def run(
        self,
        action_id: int | str,
        selected_rows: Sequence[str] | None = None,
        selected_all: bool | None = None,
        filter_params: Mapping[str, Any] | None = None,
        user_input: Mapping[str, Any] | None = None,
        connection_id: str | None = None,
        language: Literal["python", "javascript"] | None = None,
    ) -> Call[ActionRunResponse]:
        """Starts an action, by id or slug, and returns its run: `run_id` for the status, `task_id` for the log.

        `selected_rows` are row ids; `selected_all` with `filter_params` selects all matching rows; `user_input` holds
        the values of the action's form.
        """
        body = {
            "selected_rows": builtins.list(selected_rows) if selected_rows is not None else None,
            "selected_all": selected_all,
            "filter_params": filter_params,
            "user_input": user_input,
            "connection_id": str(connection_id) if connection_id is not None else None,
            "language": language,
        }
        return Call(
            Request(
                method="POST",
                path=f"/api/actions/{quote(str(action_id), safe='')}/run/",
                parameters=self._app_of(action_id),
                content=encode_json({name: value for name, value in body.items() if value is not None}),
            ),
            lambda reply: ActionRunResponse.from_wire(read_json(reply)),
        )

    def _app_of(self, action_id: int | str) -> dict[str, str]:
        """Returns the `app` parameter that a slug needs: slugs are unique within an app, ids everywhere."""
        return {} if str(action_id).isdecimal() else {"app": str(self._settings.require_app_id())}

    @operation
    def run_status(self, run_id: int | str) -> Call[ActionRunStatusResponse]:
        """Returns status (`pending`, `running`, `completed`, `failed`, `stopped`), progress, result and error."""
        return _status(run_id)

    @operation
    def actions_runs_status_retrieve(self, id: int | str) -> Call[ActionRunStatusResponse]:
        """Does the same as `run_status`, with the argument name of the published client."""
        return _status(id)

    @operation
    def cancel(self, run_id: int | str) -> Call[None]:
        """Asks the platform to stop a run; a run that has ended stays as it is."""
        return Call(Request(method="POST", path=f"{_run_path(run_id)}/cancel/", repeatable=True), read_nothing)

    @stream_operation
    def stream_logs(self, task_id: str, skip_existing: bool = False, timeout: float = 300) -> LogLines:
        """Yields the log lines of a run as it writes them, until it ends.

        With `skip_existing` only lines that are written from now on. `timeout` is how many seconds may pass without
        any data. When the connection breaks, the stream is resumed where it stopped.
        """
        if not task_id:
            raise ValueError("stream_logs() needs the `task_id` of a run.")
        parameters = {"task_id": task_id, "app": str(self._settings.require_app_id())}
        if skip_existing:
            parameters["skip_existing"] = "1"
        request = Request(
            method="GET",
            path="/api/actions/run-code-stream/",
            parameters=parameters,
            headers={"Accept": "text/event-stream"},
            repeatable=True,
            timeout=timeout,
        )
        return LogLines(request, skips_existing=skip_existing)

    runStatus = run_status  # noqa: N815 (the published client's second name)
    streamLogs = stream_logs  # noqa: N815 (the published client's second name)


class Actions(ActionsOperations, SyncResource):
    """Manages actions of the configured app and their runs."""


class AsyncActions(ActionsOperations, AsyncResource):
    """Manages actions of the configured app and their runs."""


def _read_actions(reply: Reply) -> list[Action]:
    return [Action.from_wire(item) for item in as_list(read_json(reply))]


def _status(run_id: int | str) -> Call[ActionRunStatusResponse]:
    return Call(
        Request(method="GET", path=f"{_run_path(run_id)}/status/", repeatable=True),
        lambda reply: ActionRunStatusResponse.from_wire(read_json(reply)),
    )


def _run_path(run_id: int | str) -> str:
    return f"/api/actions/runs/{quote(str(run_id), safe='')}"
