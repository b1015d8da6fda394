"""Sends the requests of the commands that build an app: apps, tables, actions, schedules, runs."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from automio._decode import as_list, as_object
from automio._development.following import RunEvents
from automio._development.platform import Development
from automio._exchange import Batch, Call, Reply, Request
from automio._json import encode_json
from automio._operation import operation, pages_operation, stream_operation
from automio._replies import raise_for_status, read_json, read_nothing
from automio._settings import AppId, app_in_path

Item = dict[str, Any]
"""An object of the platform as it was sent: what `--json` prints."""

_PART = "100"


class Management(Development):
    """Offers the platform's API as the commands that build an app use it."""

    @pages_operation
    def apps(self) -> Call[Batch[Item]]:
        """Yields the apps of the caller's organization and those that it installed."""
        return _parts("/api/apps/")

    @operation
    def create_app(self, name: str, slug: str | None, description: str) -> Call[Item]:
        """Creates an app; raises Conflict when its slug or, without a slug, its name is taken."""
        body = {"name": name, "description": description, **({} if slug is None else {"slug": slug})}
        return _send("POST", "/api/apps/", body)

    @operation
    def app_contents(self, app: AppId) -> Call[Item]:
        """Returns what an app holds, which is deleted with it."""
        return _get(f"/api/apps/{app_in_path(app)}/contents/")

    @operation
    def delete_app(self, app: AppId) -> Call[None]:
        """Deletes an app with everything in it."""
        path = f"/api/apps/{app_in_path(app)}/"
        return Call(Request(method="DELETE", path=path, timeout=120), raise_for_status)

    @operation
    def create_table(self, app: AppId, definition: Mapping[str, Any]) -> Call[Item]:
        """Creates a table."""
        return _send("POST", f"/api/apps/{app_in_path(app)}/new_table/", definition)

    @operation
    def delete_table(self, app: AppId, name: str) -> Call[None]:
        """Deletes a table with its rows."""
        path = f"/api/apps/{app_in_path(app)}/table/{quote(name, safe='')}/"
        return Call(Request(method="DELETE", path=path, timeout=60), raise_for_status)

    @operation
    def list_actions(self, app: AppId) -> Call[list[Item]]:
        """Returns all actions of an app."""
        return _get("/api/actions/", {"app": str(app)}, _objects)

    @operation
    def action(self, app: AppId, action: str) -> Call[Item]:
        """Returns an action by its id or slug."""
        return _get(_action(action), _app_of(action, app))

    @operation
    def create_action(self, definition: Mapping[str, Any]) -> Call[Item]:
        """Creates an action."""
        return _send("POST", "/api/actions/", definition)

    @operation
    def change_action(self, action_id: int, changes: Mapping[str, Any]) -> Call[Item]:
        """Changes fields of an action."""
        return _send("PATCH", _action(str(action_id)), changes)

    @operation
    def delete_action(self, app: AppId, action: str) -> Call[None]:
        """Deletes an action; its runs stay."""
        request = Request(method="DELETE", path=_action(action), parameters=_app_of(action, app))
        return Call(request, raise_for_status)

    @pages_operation
    def schedules(self, app: AppId, action: str) -> Call[Batch[Item]]:
        """Yields the schedules of an action."""
        return _parts(_schedules(app, action))

    @operation
    def create_schedule(self, app: AppId, action: str, definition: Mapping[str, Any]) -> Call[Item]:
        """Creates a schedule of an action."""
        return _send("POST", _schedules(app, action), definition)

    @operation
    def change_schedule(self, app: AppId, action: str, schedule_id: int, changes: Mapping[str, Any]) -> Call[Item]:
        """Changes fields of a schedule; raises Conflict when `base_revision` is not its latest."""
        return _send("PATCH", f"{_schedules(app, action)}{schedule_id}/", changes)

    @operation
    def start_run(self, app: AppId, action: str, event: Mapping[str, Any]) -> Call[Item]:
        """Starts an action and returns its run: `run_id`, `task_id`, `run_number`."""
        request = Request(
            method="POST",
            path=f"{_action(action)}run/",
            parameters=_app_of(action, app),
            content=encode_json(dict(event)),
        )
        return Call(request, lambda reply: as_object(read_json(reply)))

    @pages_operation
    def runs(self, filters: Mapping[str, str], states: Sequence[str] = ()) -> Call[Batch[Item]]:
        """Yields the runs of the caller's organization, newest first; in the given states only, if there are any."""
        return _parts("/api/actions/runs/", [*filters.items(), *(("state", state) for state in states)])

    @operation
    def run(self, run: str) -> Call[Item]:
        """Returns a run, by its id or task id, with its event and result."""
        return _get(f"{_run(run)}/")

    @operation
    def cancel_run(self, run: str) -> Call[None]:
        """Asks the platform to stop a run; a run that has ended stays as it is."""
        return Call(Request(method="POST", path=f"{_run(run)}/cancel/", repeatable=True), read_nothing)

    @pages_operation
    def log(self, run: str) -> Call[Batch[Item]]:
        """Yields the lines of a run's log that there are now."""
        return _log_part(run, "")

    @stream_operation
    def follow(self, task_id: str) -> RunEvents:
        """Yields the log lines and progress of a run as they come, and its end; resumes a broken stream."""
        return RunEvents(
            Request(
                method="GET",
                path="/api/actions/run-code-stream/",
                parameters={"task_id": task_id, "events": "true"},
                headers={"Accept": "text/event-stream"},
                repeatable=True,
                timeout=300,
            )
        )


def _get(path: str, parameters: Mapping[str, str] | None = None, read: Any = as_object) -> Call[Any]:
    request = Request(method="GET", path=path, parameters=parameters or {}, repeatable=True)
    return Call(request, lambda reply: read(read_json(reply)))


def _send(method: str, path: str, body: Mapping[str, Any]) -> Call[Item]:
    request = Request(method=method, path=path, content=encode_json(dict(body)), timeout=60)
    return Call(request, lambda reply: as_object(read_json(reply)))


def _objects(payload: Any) -> list[Item]:
    return [as_object(item) for item in as_list(payload)]


def _parts(path: str, filters: Sequence[tuple[str, str]] = (), cursor: str = "") -> Call[Batch[Item]]:
    """Returns the call for the part of a list at a cursor; a filter may be repeated."""
    query = urlencode([*filters, ("cursor", cursor), ("limit", _PART)])

    def read(reply: Reply) -> Batch[Item]:
        payload = as_object(read_json(reply))
        following = parse_qs(urlsplit(str(payload.get("next") or "")).query).get("cursor")
        items = _objects(payload.get("results"))
        return Batch(items, _parts(path, filters, following[0]) if following else None)

    return Call(Request(method="GET", path=f"{path}?{query}", repeatable=True), read)


def _log_part(run: str, after: str) -> Call[Batch[Item]]:
    def read(reply: Reply) -> Batch[Item]:
        lines = _objects(as_object(read_json(reply)).get("lines"))
        return Batch(lines, _log_part(run, str(lines[-1]["position"])) if lines else None)

    request = Request(method="GET", path=f"{_run(run)}/logs/", parameters={"after": after}, repeatable=True)
    return Call(request, read)


def _action(action: str) -> str:
    return f"/api/actions/{quote(action, safe='')}/"


def _app_of(action: str, app: AppId) -> dict[str, str]:
    """Returns the `app` parameter that a slug needs: slugs are unique within an app, ids everywhere."""
    return {} if action.isdecimal() else {"app": str(app)}


def _schedules(app: AppId, action: str) -> str:
    return f"/api/apps/{app_in_path(app)}/actions/{quote(action, safe='')}/schedules/"


def _run(run: str) -> str:
    return f"/api/actions/runs/{quote(run, safe='')}"
