r"""Reads and writes by paths into JSON: keys and list indexes joined by dots, such as `data.orders.0.id`.

A key that contains a dot is quoted or escaped: `["@odata.nextLink"]` or `@odata\.nextLink`. A path of a list may have
the steps `*` (every value of an object or list: `products.*`, `edges.*.node`) and `?` (the only list of an object,
under any key). `links[rel=next].href` selects the item of a list whose `rel` is `next`.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

ABSENT: Any = object()
"""The result for a missing value; null is a value."""
MAX_STEPS = 20


class Step(NamedTuple):
    """Describes a key or index. `is_plain` is true when it was neither quoted nor escaped: `*` and `?` are wildcards.

    With `value` it selects the first item of a list whose field `name` has that value.
    """

    name: str
    is_plain: bool
    value: str | None = None


_EVERY, _ONE_LIST = Step("*", True), Step("?", True)
# Selects an item of a list by one of its fields, for example links by `rel`.
_SELECTION = re.compile(r"\[([A-Za-z_][\w-]*)=([^\]\"'=]+)\]")


@lru_cache(maxsize=1024)
def steps_of(path: str) -> tuple[Step, ...]:
    """Returns the steps of a path; the empty path has none. Raises ValueError for invalid paths."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        if steps and path[position] == ".":
            position += 1
        elif steps and path[position] != "[":
            raise _no_path(path)
        step, position = _bracket(path, position) or _name(path, position)
        steps.append(step)
    if path.endswith(".") and not path.endswith("\\."):
        raise _no_path(path)
    if len(steps) > MAX_STEPS:
        raise ValueError(f"a path has at most {MAX_STEPS} steps, {path[:100]!r} has {len(steps)}")
    return tuple(steps)


def at(data: Any, path: str) -> Any:
    """Returns the value at `path`, or ABSENT; the empty path is `data` itself.

    When there is no value at the single steps, keys that contain dots are tried as well (`@odata.nextLink`), the
    shortest first key first.
    """
    steps = steps_of(path)
    value = data
    for step in steps:
        value = _below(value, step)
    if value is not ABSENT or len(steps) < 2 or any(step.value is not None for step in steps):
        return value
    return _at_joined(data, [step.name for step in steps])


def all_at(data: Any, path: str) -> Any:
    """Returns the value as `at` does, but follows the wildcards `*` and `?`.

    Raises ValueError when there are several lists for `?`.
    """
    return _all_below(data, steps_of(path)) if has_wildcards(path) else at(data, path)


def has_wildcards(path: str) -> bool:
    """Tells whether a path has the wildcard `*` or `?`."""
    return any(step in (_EVERY, _ONE_LIST) for step in steps_of(path))


def put(data: MutableMapping[str, Any], path: str, value: Any) -> None:
    """Sets a value of an object in place; copies the objects on the path, and creates those that are missing.

    Raises ValueError when a list on the path does not have the item.
    """
    *parents, last = steps_of(path)
    here: Any = data
    for step in parents:
        inner = _below(here, step)
        copied: Any = list(inner) if isinstance(inner, list) else dict(inner) if isinstance(inner, Mapping) else {}
        _set(here, step, copied)
        here = copied
    _set(here, last, value)


def _set(container: Any, step: Step, value: Any) -> None:
    if step.value is not None:
        raise ValueError(f"[{step.name}={step.value}] selects an item and cannot be used to set a value")
    if not isinstance(container, list):
        container[step.name] = value
    elif _below(container, step) is not ABSENT:
        container[int(step.name)] = value
    else:
        raise ValueError(f"a list of {len(container)} items has no item {step.name!r}")


def _at_joined(data: Any, names: Sequence[str]) -> Any:
    """Returns the value as `at` does, where several names may form one key with dots."""
    if not names:
        return data
    if not isinstance(data, Mapping):
        inner = _below(data, Step(names[0], True))
        return ABSENT if inner is ABSENT else _at_joined(inner, names[1:])
    for length in range(1, len(names) + 1):
        inner = data.get(".".join(names[:length]), ABSENT)
        if inner is not ABSENT and (value := _at_joined(inner, names[length:])) is not ABSENT:
            return value
    return ABSENT


def _below(data: Any, step: Step) -> Any:
    name = step.name
    if step.value is not None:
        return _first_with(data, name, step.value)
    if isinstance(data, Mapping):
        return data.get(name, ABSENT)
    if isinstance(data, list) and name.isascii() and name.isdecimal() and int(name) < len(data):
        return data[int(name)]
    return ABSENT


def _first_with(data: Any, name: str, value: str) -> Any:
    items = data if isinstance(data, list) else ()
    return next((item for item in items if isinstance(item, Mapping) and str(item.get(name)) == value), ABSENT)


def _all_below(data: Any, steps: tuple[Step, ...]) -> Any:
    for number, step in enumerate(steps):
        if step == _EVERY:
            return _each(data, steps[number + 1 :])
        data = _only_list(data) if step == _ONE_LIST else _below(data, step)
    return data


def _each(data: Any, rest: tuple[Step, ...]) -> Any:
    if isinstance(data, Mapping):
        data = list(data.values())
    if not isinstance(data, list):
        return data if data is None else ABSENT
    values = [inner for value in data if (inner := _all_below(value, rest)) is not ABSENT]
    if _EVERY not in rest and _ONE_LIST not in rest:
        return values
    # Nested lists are flattened; null counts as an empty list.
    return [item for inner in values if isinstance(inner, list) for item in inner]


def _only_list(data: Any) -> Any:
    """Returns the only list of an object; skips `_links`, `_meta` and `links`, which describe the answer."""
    if not isinstance(data, Mapping):
        return ABSENT
    lists = {
        name: value
        for name, value in data.items()
        if isinstance(value, list) and not name.startswith("_") and name != "links"
    }
    if len(lists) > 1:
        raise ValueError(f"there are several lists ({', '.join(sorted(lists))}): choose one with `items`")
    return next(iter(lists.values()), ABSENT)


def _bracket(path: str, start: int) -> tuple[Step, int] | None:
    """Reads `["key"]`, `['key']` or `[0]` at `start`; returns the step and its end, None for other brackets."""
    if path[start : start + 1] != "[":
        return None
    if (selection := _SELECTION.match(path, start)) is not None:
        return Step(selection[1], False, selection[2]), selection.end()
    quote = path[start + 1 : start + 2]
    if quote not in ("'", '"'):
        end = path.find("]", start)
        index = path[start + 1 : end] if end > 0 else ""
        return (Step(index, False), end + 1) if index.isascii() and index.isdecimal() else None
    name, position = "", start + 2
    while position < len(path) and path[position] != quote:
        position += path[position] == "\\"
        name += path[position : position + 1]
        position += 1
    if path[position + 1 : position + 2] != "]":
        raise ValueError(f"{path!r} is not a path: a quoted key must end with {quote}]")
    return Step(name, False), position + 2


def _name(path: str, start: int) -> tuple[Step, int]:
    name, position, is_plain = "", start, True
    while position < len(path) and path[position] != ".":
        if path[position] == "[" and position > start and _bracket(path, position) is not None:
            break
        if path[position] == "\\":
            position, is_plain = position + 1, False
        name += path[position : position + 1]
        position += 1
    if not name or (is_plain and name != name.strip()):
        raise _no_path(path)
    return Step(name, is_plain), position


def _no_path(path: str) -> ValueError:
    return ValueError(f"{path!r} is not a path; write keys and list indexes joined by dots, as buyer.login")
