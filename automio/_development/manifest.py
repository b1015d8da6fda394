"""Reads and writes `automio.toml`, the file of an app's source that declares its actions and their schedules.

[actions.restock]
entry = "actions/restock.py:restock"
name = "Restock"

[[actions.restock.schedules]]
name = "Every morning"
cron = "0 6 * * *"
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from automio._development.code import defined_names
from automio._exceptions import AutomioError

MANIFEST = "automio.toml"
_MAX_DEPTH = 50
_SLUG = re.compile(r"[A-Za-z_][-A-Za-z0-9_]*")
_TEXT, _OBJECT, _FLAG = (str, "text"), (dict, "a table"), (bool, "true or false")
_ACTION_KEYS: Mapping[str, tuple[type, str]] = {
    "entry": _TEXT,
    "name": _TEXT,
    "action_type": _TEXT,
    "description": _TEXT,
    "table": _TEXT,
    "input_schema": _OBJECT,
    "limits": _OBJECT,
    "allows_retries": _FLAG,
    "is_public": _FLAG,
    "required_confirmation": _FLAG,
    "schedules": (list, "tables ([[actions.<slug>.schedules]])"),
}
_TIMES: Mapping[str, tuple[type, str]] = {
    "cron": _TEXT,
    "every_minutes": (int, "a whole number"),
    "timezone": _TEXT,
    "overlap": _TEXT,
}
_SCHEDULE_KEYS: Mapping[str, tuple[type, str]] = {**_TIMES, "name": _TEXT, "input": _OBJECT, "is_enabled": _FLAG}


class ManifestError(AutomioError):
    """Reports that `automio.toml` cannot be read; the message names the key."""


@dataclass(frozen=True)
class DeclaredAction:
    """Describes an action as the file declares it, with the fields that the HTTP API has."""

    slug: str
    fields: dict[str, Any]
    schedules: list[dict[str, Any]] = field(default_factory=list)
    """Each with `name` and `schedule`, perhaps `input` and `is_enabled`."""

    @property
    def entry(self) -> str:
        return str(self.fields["entry"])


def read_manifest(text: str) -> list[DeclaredAction]:
    """Returns the actions that a manifest declares; raises ManifestError."""
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise ManifestError(f"{MANIFEST} cannot be read: its tables are nested too deeply.") from error
    except ValueError as error:
        # TOMLDecodeError, and the plain one of a number with thousands of digits.
        raise ManifestError(f"{MANIFEST} is not TOML: {str(error).rstrip('.')}.") from error
    _check_keys(content, {"actions": _OBJECT}, "")
    actions = content.get("actions", {})
    return [_action(slug, actions[slug]) for slug in actions]


def read_manifest_file(file: Path) -> list[DeclaredAction]:
    """Returns the actions that a file declares, none if there is no file; raises ManifestError."""
    try:
        return read_manifest(file.read_bytes().decode()) if file.is_file() else []
    except UnicodeDecodeError as error:
        raise ManifestError(f"{MANIFEST} is not UTF-8 text (byte {error.start}).") from error
    except OSError as error:
        raise ManifestError(f"{MANIFEST} cannot be read: {error.strerror}.") from error


def check_entries(actions: Iterable[DeclaredAction], files: Mapping[str, str]) -> None:
    """Raises ManifestError for an action whose file or function is not among the files of the folder."""
    for action in actions:
        path, _, function = action.entry.partition(":")
        if path not in files:
            raise ManifestError(f"{MANIFEST}: actions.{action.slug}.entry: there is no file {path}.")
        functions, others = defined_names(files[path], path)
        if function and function not in others and "*" not in others:
            present = f"its functions are: {', '.join(functions)}" if functions else "it has no functions"
            raise ManifestError(
                f"{MANIFEST}: actions.{action.slug}.entry: {path} has no function {function}; {present}."
            )


def write_manifest(actions: Iterable[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]) -> str:
    """Returns the manifest of actions of the platform, each with its schedules."""
    parts = []
    for action, schedules in actions:
        values = {name: action.get("table_name" if name == "table" else name) for name in _ACTION_KEYS}
        parts.append(f"[actions.{action['slug']}]\n{_lines(values)}")
        for schedule in schedules:
            times = {name: schedule["schedule"].get(name) for name in _TIMES}
            values = {"name": schedule["name"], **times, "input": schedule.get("input")}
            if not schedule.get("is_enabled", True):
                values["is_enabled"] = False
            parts.append(f"[[actions.{action['slug']}.schedules]]\n{_lines(values)}")
    return "\n".join(parts)


def _action(slug: str, values: Any) -> DeclaredAction:
    where = f"actions.{slug}"
    if not _SLUG.fullmatch(slug):
        raise ManifestError(f"{MANIFEST}: {where}: a slug has letters, digits, `_` and `-`, and no digit first.")
    if not isinstance(values, dict):
        raise ManifestError(f"{MANIFEST}: {where} must be a table: [{where}].")
    _check_keys(values, _ACTION_KEYS, f"{where}.")
    if "entry" not in values:
        raise ManifestError(f'{MANIFEST}: {where} needs an entry, such as entry = "actions/{slug}.py:main".')
    fields = {name: value for name, value in values.items() if name != "schedules"}
    schedules = [_schedule(item, where) for item in values.get("schedules", [])]
    names = [schedule["name"] for schedule in schedules]
    for name in names:
        if names.count(name) > 1:
            raise ManifestError(f"{MANIFEST}: {where}.schedules: two have the name {name!r}; give each its own.")
    return DeclaredAction(slug, fields, schedules)


def _schedule(values: Any, action: str) -> dict[str, Any]:
    where = f"{action}.schedules"
    if not isinstance(values, dict):
        raise ManifestError(f"{MANIFEST}: {where} must be tables: [[{where}]].")
    _check_keys(values, _SCHEDULE_KEYS, f"{where}.")
    if "name" not in values or not ("cron" in values) ^ ("every_minutes" in values):
        raise ManifestError(f"{MANIFEST}: {where}: a schedule needs a name, and either cron or every_minutes.")
    others = {name: value for name, value in values.items() if name not in _TIMES}
    return {**others, "schedule": {name: value for name, value in values.items() if name in _TIMES}}


def _check_keys(values: Mapping[str, Any], known: Mapping[str, tuple[type, str]], prefix: str) -> None:
    for name, value in values.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            proposal = f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}."
            raise ManifestError(f"{MANIFEST}: there is no key {prefix}{name}; {proposal}")
        kind, words = known[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ManifestError(f"{MANIFEST}: {prefix}{name} must be {words}.")
        if prefix and kind is dict and (fault := _fault(value)):
            place, reason = fault
            raise ManifestError(f"{MANIFEST}: {'.'.join((f'{prefix}{name}', *place))[:300]} {reason}.")


def _fault(value: Any) -> tuple[tuple[str, ...], str] | None:
    """Returns where and why a value cannot be both TOML and JSON; None if it can."""
    remaining: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    while remaining:
        item, place = remaining.pop()
        if len(place) > _MAX_DEPTH:
            return place[:3], f"is nested too deeply, more than {_MAX_DEPTH} levels"
        if isinstance(item, dict):
            remaining += ((member, (*place, name)) for name, member in item.items())
        elif isinstance(item, list):
            remaining += ((member, (*place, str(index))) for index, member in enumerate(item))
        elif item is None:
            return place, "is null, which TOML does not have"
        elif isinstance(item, float) and not math.isfinite(item):
            return place, f"is {item}, which JSON does not have"
        elif isinstance(item, Decimal):
            return place, f"is {item}, which has more digits than TOML keeps"
    return None


def _lines(values: Mapping[str, Any]) -> str:
    # What is left out keeps its value: empty texts, `false` and empty tables need no line.
    kept = {name: value for name, value in values.items() if value or (name == "is_enabled" and value is not None)}
    return "".join(_line(name, value) for name, value in kept.items())


def _line(name: str, value: Any) -> str:
    if (fault := _fault(value)) is None:
        return f"{name} = {_toml(value)}\n"
    place, reason = fault
    told = json.dumps(f"{'.'.join((name, *place))[:300]} {reason}", ensure_ascii=True)[1:-1]
    return f"# {name} is left out and stays as it is on the platform: {told}\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        items = (f"{_toml(name)} = {_toml(item)}" for name, item in value.items())
        return "{ " + ", ".join(items) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
