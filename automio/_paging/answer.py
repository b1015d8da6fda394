"""What an answer of the service says, as far as paging goes: items, flags, totals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paths import ABSENT, all_at, at, has_wildcards

_FALSE = frozenset({"", "false", "0", "no", "n", "off", "null", "none"})
# How services say in an answer of 200 that they gave none: by an error, or by a verdict.
_ERRORS = ("error", "errors", "error_message", "errorMessage", "error_code", "errorCode", "errcode", "fault")
_VERDICTS = ("ok", "success")
_FAILED = frozenset({"error", "fail", "failed", "failure"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A successful answer of the service, as far as paging goes. `url` is where it came from, without its query."""

    status: int
    headers: Mapping[str, str]
    data: Any
    is_empty: bool
    """There is no body."""
    url: str

    @classmethod
    def of(
        cls, *, status: int, headers: Mapping[str, str], data: Any, text: str, is_binary: bool, url: str
    ) -> "Answer":
        """An answer by its parsed body (`data`) and its text. Raises InvalidReply for a body that is not JSON."""
        is_empty = status == 204 or (data is None and not is_binary and text.strip() in ("", "null"))
        if data is None and not is_empty and 200 <= status < 300:
            raise InvalidReply(f"The service did not answer JSON: {text[:100]!r}.")
        return cls(status=status, headers=headers, data=data, is_empty=is_empty, url=url)

    def value(self, place: str | None) -> Any:
        """What stands at a path, or in `header:<name>`; ABSENT when nothing does."""
        if place is None:
            return ABSENT
        kind, colon, name = place.partition(":")
        if not colon or kind.lower() != "header":
            return at(self.data, place)
        name = name.strip().lower()
        return next((text for header, text in self.headers.items() if header.lower() == name), ABSENT)


def items_of(pagination: Pagination, answer: Answer) -> tuple[Sequence[Any], bool]:
    """The items of a page, and whether they were there as a list."""
    path = pagination.items
    try:
        found = all_at(answer.data, path)
    except ValueError as error:
        raise InvalidReply(f"Where the items stand is not clear: {error}.") from error
    if isinstance(found, list):
        return found, True
    if found is None or (found is ABSENT and pagination.omits_empty):
        return (), False
    where = f"under {path!r}" if path else "as the whole answer"
    kind = "nothing" if found is ABSENT else "an object" if isinstance(found, Mapping) else type(found).__name__
    hint = None
    if isinstance(found, Mapping) and not has_wildcards(path):
        hint = f"For its values write {f'{path}.*' if path else '*'!r}, for a list in it the path to it."
    raise InvalidReply(f"The service's answer has no list {where}, but {kind}.", hint=hint)


def told_error(data: Any) -> str | None:
    """What the body of a successful answer says went wrong, when it is an error all the same."""
    if not isinstance(data, Mapping):
        return None
    told = {name: data[name] for name in _ERRORS if name in data and _is_true(data[name])}
    told |= {name: data[name] for name in _VERDICTS if data.get(name) is False}
    if str(data.get("status", "")).lower() in _FAILED:
        told["status"] = data["status"]
    return repr(told)[:300] if told else None


def told_more(pagination: Pagination, answer: Answer) -> bool | None:
    """What the flags say; None when there are none. Of two that contradict each other, the one that ends the list."""
    more, last = answer.value(pagination.has_more), answer.value(pagination.is_last)
    if more is ABSENT and pagination.has_more and pagination.omits_empty:
        more = False
    told = [_is_true(more)] if more is not ABSENT else []
    if last is not ABSENT:
        told.append(not _is_true(last))
    return all(told) if told else None


def number_at(place: str | None, answer: Answer) -> int | None:
    """A total: a number, a number as text, or the end of a `Content-Range` (`items 0-9/100`). None when unknown."""
    found = answer.value(place)
    if isinstance(found, str):
        match = re.fullmatch(r"(?:.*/)?\s*(\d{1,18})", found.strip())
        return int(match[1]) if match else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return int(found) if is_number and found >= 0 and found == int(found) else None


def _is_true(flag: Any) -> bool:
    return flag.strip().lower() not in _FALSE if isinstance(flag, str) else bool(flag)
