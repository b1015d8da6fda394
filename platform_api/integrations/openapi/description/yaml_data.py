"""Reads YAML to plain data, from the parser's events: quick, without a limit of depth, and with the types of JSON.

Plain words mean what YAML 1.2 says: `no` and `on` are text, dates too. Keys are the text that stands there. An alias
is the value that it names, not a copy, so that aliases of aliases cost nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from platform_api.integrations.openapi.description.numbers import read_fraction, read_integer

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the parser in C where libyaml is installed
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
# With a leading zero it is a code, such as 007, whose digits count.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASED = {"0x": 16, "0o": 8}
_BASED_INTEGER = re.compile(r"0x[0-9a-fA-F]{1,32}|0o[0-7]{1,32}")
_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"
_TOLD_EVERY = 20_000
_NO_KEY = object()

Tell = Callable[[str, int, int], None]
"""Is told the stage of a work, how much of it is done, and how much there is."""


@dataclass(slots=True)
class _Open:
    """Holds a mapping or sequence that has not ended."""

    value: Any
    anchor: str | None
    key: Any = _NO_KEY
    merged: list[Any] = field(default_factory=list)


class YamlReader:
    """Reads one text. `remark` is told oddities: where they are, as keys from the top, and what they are."""

    def __init__(self, text: str, *, remark: Callable[[tuple[str, ...], str], None], tell: Tell) -> None:
        self._text = text
        self._remark = remark
        self._tell = tell
        self._anchors: dict[str, Any] = {}
        self._open: list[_Open] = []
        self._result: Any = None

    def read(self) -> Any:
        """Returns the first document of the text. Raises yaml.YAMLError."""
        has_ended = False
        events: Iterator[Any] = yaml.parse(self._text, Loader=_Loader)
        for number, event in enumerate(events):
            if number % _TOLD_EVERY == 0:
                self._tell("reading", event.start_mark.index, len(self._text))
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._take(self._anchored(event.anchor, self._scalar(event)), event)
            elif kind is yaml.MappingStartEvent:
                self._open.append(_Open({}, event.anchor))
            elif kind is yaml.SequenceStartEvent:
                self._open.append(_Open([], event.anchor))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            elif kind is yaml.AliasEvent:
                self._take(self._alias(event.anchor), event)
            elif kind is yaml.DocumentEndEvent:
                has_ended = True
            elif kind is yaml.DocumentStartEvent and has_ended:
                self._remark((), "there are several YAML documents in the text; the first one is read")
                break
        return self._result

    def _anchored(self, anchor: str | None, value: Any) -> Any:
        if anchor is not None:
            self._anchors[anchor] = value
        return value

    def _alias(self, anchor: str) -> Any:
        if anchor in self._anchors:
            return self._anchors[anchor]
        is_open = any(frame.anchor == anchor for frame in self._open)
        self._remark(
            self._place(), f"the alias *{anchor} {'stands within what it names' if is_open else 'names nothing'}"
        )
        return None

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if self._open and (frame := self._open[-1]).key is _NO_KEY and isinstance(frame.value, dict):
            return text
        is_plain, is_quoted = event.implicit
        if not is_plain and (is_quoted or event.tag == _TEXT_TAG or event.tag is None):
            return text
        return plain_value(text)

    def _take(self, value: Any, event: Any) -> None:
        """Puts a value where it stands: at the top, in a sequence, or as a key or the value of one."""
        if not self._open:
            self._result = value
            return
        frame = self._open[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.key is _NO_KEY:
            is_merge = value == _MERGE and getattr(event, "implicit", (False,))[0]
            frame.key = _MERGE_KEY if is_merge else self._key(value)
        elif frame.key is _MERGE_KEY:
            frame.merged += value if isinstance(value, list) else [value]
            frame.key = _NO_KEY
        else:
            if frame.key in frame.value:
                self._remark(self._place(), "this key stands there more than once; the last one is used")
            frame.value[frame.key] = value
            frame.key = _NO_KEY

    def _key(self, value: Any) -> str:
        """Returns the text of a key. Of a list it is always the same one: aliases within would grow without bound."""
        if not isinstance(value, list | dict):
            return value if isinstance(value, str) else str(value)
        kind = "list" if isinstance(value, list) else "mapping"
        self._remark(self._place(), f"a {kind} stands there as a key, which JSON does not have")
        return f"({kind})"

    def _end(self, event: Any) -> None:
        frame = self._open.pop()
        for merged in frame.merged:
            for key, value in merged.items() if isinstance(merged, dict) else ():
                frame.value.setdefault(key, value)
        self._take(self._anchored(frame.anchor, frame.value), event)

    def _place(self) -> tuple[str, ...]:
        """Returns the keys from the top to the value that is read now."""
        keys = (len(frame.value) if isinstance(frame.value, list) else frame.key for frame in self._open)
        return tuple(str(key) for key in keys if key is not _NO_KEY and key is not _MERGE_KEY)


_MERGE_KEY = object()


def plain_value(text: str) -> Any:
    """Returns what a word without quotes means in YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return read_integer(text)
    if _FRACTION.fullmatch(text):
        return read_fraction(text)
    if _BASED_INTEGER.fullmatch(text):
        return int(text[2:], _BASED[text[:2]])
    return text
