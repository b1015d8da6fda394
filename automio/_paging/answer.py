"""Reads the parts of a service's answer that matter for paging: items, flags, totals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paths import ABSENT, all_at, at, has_wildcards

_FALSE = frozenset({"", "false", "0", "no", "n", "off", "null", "none"})
# Fields with which services report a failure in an answer with status 200.
_ERRORS = ("error", "errors", "error_message", "errorMessage", "error_code", "errorCode", "errcode", "fault")
_VERDICTS = ("ok", "success")
_FAILED = frozenset({"error", "fail", "failed", "failure"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Describes a successful answer of the service. `url` is its address without the query."""

    status: int
    headers: Mapping[str, str]
    data: Any
    is_empty: bool
    """True when there is no body."""
    url: str

    @classmethod
    def of(
        cls, *, status: int, headers: Mapping[str, str], data: Any, text: str, is_binary: bool, url: str
    ) -> "Answer":
        """Creates an answer from its parsed body (`data`) and its text; raises InvalidReply when it is not JSON."""
        is_empty = status == 204 or (data is None and not is_binary and text.strip() in ("", "null"))
        if data is None and not is_empty and 200 <= status < 300:
            raise InvalidReply(f"The service did not answer JSON: {text[:100]!r}.")
        return cls(status=status, headers=headers, data=data, is_empty=is_empty, url=url)

    def value(self, place: str | None) -> Any:
        """Returns the value at a path, or of `header:<name>`; ABSENT when there is none."""
        if place is None:
            return ABSENT
        kind, colon, name = place.partition(":")
        if not colon or kind.lower() != "header":
            return at(self.data, place)
        name = name.strip().lower()
        return next((text for header, text in self.headers.items() if header.lower() == name), ABSENT)


def items_of(pagination: Pagination, answer: Answer) -> tuple[Sequence[Any], bool]:
    """Returns the items of a page, and whether the answer had them as a list."""
    path = pagination.items
    try:
        value = all_at(answer.data, path)
    except ValueError as error:
        raise InvalidReply(f"The path of the items is ambiguous: {error}.") from error
    if isinstance(value, list):
        return value, True
    if value is None or (value is ABSENT and pagination.omits_empty):
        return (), False
    where = f"under {path!r}" if path else "as the whole answer"
    kind = "nothing" if value is ABSENT else "an object" if isinstance(value, Mapping) else type(value).__name__
    hint = None
    if isinstance(value, Mapping) and not has_wildcards(path):
        hint = f"Use items={f'{path}.*' if path else '*'!r} for its values, or the path of a list inside it."
    raise InvalidReply(f"The service's answer has no list {where}, but {kind}.", hint=hint)


def told_error(data: Any) -> str | None:
    """Returns the error in the body of an answer with a success status; None when there is none."""
    if not isinstance(data, Mapping):
        return None
    errors = {name: data[name] for name in _ERRORS if name in data and _is_true(data[name])}
    errors |= {name: data[name] for name in _VERDICTS if data.get(name) is False}
    if str(data.get("status", "")).lower() in _FAILED:
        errors["status"] = data["status"]
    return repr(errors)[:300] if errors else None


def has_more_by_flags(pagination: Pagination, answer: Answer) -> bool | None:
    """Tells whether the flags announce more pages; None without flags. If they disagree, the list ends."""
    more, last = answer.value(pagination.has_more), answer.value(pagination.is_last)
    if more is ABSENT and pagination.has_more and pagination.omits_empty:
        more = False
    verdicts = [_is_true(more)] if more is not ABSENT else []
    if last is not ABSENT:
        verdicts.append(not _is_true(last))
    return all(verdicts) if verdicts else None


def number_at(place: str | None, answer: Answer) -> int | None:
    """Returns a total: a number, a number as text, or the end of a `Content-Range` (`items 0-9/100`)."""
    value = answer.value(place)
    if isinstance(value, str):
        match = re.fullmatch(r"(?:.*/)?\s*(\d{1,18})", value.strip())
        return int(match[1]) if match else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and value >= 0 and value == int(value) else None


def _is_true(flag: Any) -> bool:
    return flag.strip().lower() not in _FALSE if isinstance(flag, str) else bool(flag)
