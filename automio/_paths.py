r"""Paths into JSON: keys and list indexes joined by dots, as `data.orders.0.id`.

A key that has a dot in it is quoted or escaped: `["@odata.nextLink"]` or `@odata\.nextLink`. Where a list is looked
for, a path may have the steps `*` (every value of an object or list: `products.*`, `edges.*.node`) and `?` (the one
list of an object, under whatever key). `links[rel=next].href` is a part of the item of a list whose `rel` is `next`.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

ABSENT: Any = object()
"""What stands where nothing does; null is a value."""
MAX_STEPS = 20


class Step(NamedTuple):
    """One key or index; `is_plain` when it was neither quoted nor escaped, so that `*` and `?` mean what they do.

    With `value`: the first item of a list that has it under the key `name`.
    """

    name: str
    is_plain: bool
    value: str | None = None


_EVERY, _ONE_LIST = Step("*", True), Step("?", True)
# An item of a list by one of its fields, as links have `rel`.
_SELECTION = re.compile(r"\[([A-Za-z_][\w-]*)=([^\]\"'=]+)\]")


@lru_cache(maxsize=1024)
def steps_of(path: str) -> tuple[Step, ...]:
    """The steps of a path; the empty path has none. Raises ValueError for what is no path."""
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
    """What stands at `path`; ABSENT when nothing does. The empty path is `data` itself.

    Keys that hold dots themselves are found as well (`@odata.nextLink`) when nothing stands at the steps one by one;
    of several readings the one with the shortest first key counts.
    """
    steps = steps_of(path)
    found = data
    for step in steps:
        found = _below(found, step)
    if found is not ABSENT or len(steps) < 2 or any(step.value is not None for step in steps):
        return found
    return _at_joined(data, [step.name for step in steps])


def all_at(data: Any, path: str) -> Any:
    """As `at`, with the steps `*` and `?`. Raises ValueError when `?` finds several lists."""
    return _all_below(data, steps_of(path)) if has_wildcards(path) else at(data, path)


def has_wildcards(path: str) -> bool:
    """Whether a step of the path is `*` or `?`."""
    return any(step in (_EVERY, _ONE_LIST) for step in steps_of(path))


def put(data: MutableMapping[str, Any], path: str, value: Any) -> None:
    """Sets a value of an object in place; what is on the way to it is copied, or made where there is nothing.

    ValueError when a list on the way has no such item.
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
        raise ValueError(f"[{step.name}={step.value}] finds an item, nothing can be put there")
    if not isinstance(container, list):
        container[step.name] = value
    elif _below(container, step) is not ABSENT:
        container[int(step.name)] = value
    else:
        raise ValueError(f"a list of {len(container)} items has no item {step.name!r}")


def _at_joined(data: Any, names: Sequence[str]) -> Any:
    """As `at`, where several names may together be one key."""
    if not names:
        return data
    if not isinstance(data, Mapping):
        inner = _below(data, Step(names[0], True))
        return ABSENT if inner is ABSENT else _at_joined(inner, names[1:])
    for length in range(1, len(names) + 1):
        inner = data.get(".".join(names[:length]), ABSENT)
        if inner is not ABSENT and (found := _at_joined(inner, names[length:])) is not ABSENT:
            return found
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
    return next((one for one in items if isinstance(one, Mapping) and str(one.get(name)) == value), ABSENT)


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
    found = [found for value in data if (found := _all_below(value, rest)) is not ABSENT]
    if _EVERY not in rest and _ONE_LIST not in rest:
        return found
    # Lists within lists are one list; one that is null is empty.
    return [item for inner in found if isinstance(inner, list) for item in inner]


def _only_list(data: Any) -> Any:
    """The list that is not the envelope's: `_links`, `_meta` and `links` are about the answer."""
    if not isinstance(data, Mapping):
        return ABSENT
    lists = {
        name: value
        for name, value in data.items()
        if isinstance(value, list) and not name.startswith("_") and name != "links"
    }
    if len(lists) > 1:
        raise ValueError(f"there are several lists, {', '.join(sorted(lists))}: say which one with `items`")
    return next(iter(lists.values()), ABSENT)


def _bracket(path: str, start: int) -> tuple[Step, int] | None:
    """`["key"]`, `['key']` or `[0]` at `start`, and where it ends; a bracket of another kind is part of a name."""
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
        raise ValueError(f"{path!r} is not a path: a quoted key ends with {quote}]")
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
