"""Brings the actions and schedules of the platform to what a folder's `automio.toml` declares."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automio._development.management import Management
from automio._development.manifest import DeclaredAction
from automio._settings import AppId

_DEFAULT_TIMES = {"timezone": "UTC", "overlap": "skip"}


def apply_actions(platform: Management, app: AppId, actions: Sequence[DeclaredAction]) -> Iterator[str]:
    """Creates and changes what differs and yields what was done, once it is; what is not declared stays as it is."""
    if not actions:
        return
    present = {action["slug"]: action for action in platform.list_actions(app)}
    for action in actions:
        if (existing := present.get(action.slug)) is None:
            name = action.slug.replace("-", " ").replace("_", " ").capitalize()
            platform.create_action({"name": name, **action.fields, "slug": action.slug, "app": app})
            yield f"created action {action.slug}"
        elif changes := _changes(action.fields, existing):
            platform.change_action(existing["id"], changes)
            yield f"changed action {action.slug}: {', '.join(changes)}"
        if action.schedules:
            yield from _apply_schedules(platform, app, action)


def undeclared(platform: Management, app: AppId, actions: Sequence[DeclaredAction]) -> list[str]:
    """Returns the slugs of the platform's actions that are not declared."""
    declared = {action.slug for action in actions}
    return [action["slug"] for action in platform.list_actions(app) if action["slug"] not in declared]


def _apply_schedules(platform: Management, app: AppId, action: DeclaredAction) -> Iterator[str]:
    present = {schedule["name"]: schedule for schedule in platform.schedules(app, action.slug)}
    for schedule in action.schedules:
        name = schedule["name"]
        if (existing := present.get(name)) is None:
            platform.create_schedule(app, action.slug, schedule)
            yield f"created schedule {name!r} of {action.slug}"
        elif changes := _schedule_changes(schedule, existing):
            body = {**changes, "base_revision": existing["revision"]}
            platform.change_schedule(app, action.slug, existing["id"], body)
            yield f"changed schedule {name!r} of {action.slug}: {', '.join(changes)}"


def _changes(declared: Mapping[str, Any], existing: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in declared.items() if not _is_same(name, value, existing)}


def _is_same(name: str, value: Any, existing: Mapping[str, Any]) -> bool:
    if name == "table":
        return bool(value == existing.get("table_name"))
    present = existing.get(name)
    if name == "limits" and isinstance(present, Mapping):
        # The platform also shows the limits that are its defaults.
        return all(present.get(limit) == bound for limit, bound in value.items())
    return bool(value == present)


def _schedule_changes(declared: Mapping[str, Any], existing: Mapping[str, Any]) -> dict[str, Any]:
    changes = {}
    for name, value in declared.items():
        is_same = value == existing.get(name)
        if name == "schedule":
            is_same = _times(value) == _times(existing.get(name) or {})
        if not is_same:
            changes[name] = value
    return changes


def _times(schedule: Mapping[str, Any]) -> dict[str, Any]:
    return {**_DEFAULT_TIMES, **{name: value for name, value in schedule.items() if value is not None}}
