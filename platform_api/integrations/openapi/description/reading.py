"""Reads the text of a document, JSON or YAML, to plain data, as far as it can be read at all.

Nothing here knows OpenAPI: what is odd becomes a note, what cannot be read is refused with its line and column.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from platform_api.integrations.openapi.description.notes import Notes
from platform_api.integrations.openapi.description.numbers import read_fraction, read_integer
from platform_api.integrations.openapi.description.yaml_data import Tell, YamlReader

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SURROGATES = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\ud[89a-f][0-9a-f]{2}", re.IGNORECASE)


class UnusableDocument(Exception):
    """Signals a document that cannot be read or is no description of an API; the message says where and why."""


def pointer(place: "tuple[str, ...]") -> str:
    """Returns a place in a document as a JSON pointer."""
    return "#" + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in place)


def read_value(raw: bytes, *, name: str, notes: Notes, tell: Tell) -> Any:
    """Returns the value of a JSON or YAML text. `name` is that of the file, empty for the main one.

    Raises UnusableDocument.
    """
    called = f"the file {name!r}" if name else "the document"
    text = _decode(raw, called)

    def remark(place: tuple[str, ...], oddity: str) -> None:
        notes.add(f"{name}{pointer(place)}", oddity)

    try:
        if text.lstrip()[:1] in ("{", "["):
            return _read_json(text, called, remark, tell)
        return _read_yaml(text, called, remark, tell)
    except RecursionError as error:
        raise UnusableDocument(f"{called} is nested too deeply to be read") from error


def _decode(raw: bytes, called: str) -> str:
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnusableDocument(
            f"{called} is not UTF-8 text (byte {error.start}, line {line}); save it as UTF-8"
        ) from error


Remark = Callable[[tuple[str, ...], str], None]


def _read_json(text: str, called: str, remark: Remark, tell: Tell) -> Any:
    repeating: list[tuple[dict[str, Any], str]] = []

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            repeating.extend((made, key) for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # adds
        return made

    try:
        value = json.loads(
            text,
            strict=False,
            parse_int=read_integer,
            parse_float=read_fraction,
            parse_constant=str,
            object_pairs_hook=make,
        )
    except json.JSONDecodeError as error:
        try:
            # YAML has the same braces, and may leave out quotes or have a comma too many.
            return _read_yaml(text, called, lambda place, oddity: None, tell)
        except UnusableDocument:
            raise UnusableDocument(
                f"{called} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
            ) from error
    places = _places_of(value, {id(made) for made, _ in repeating}) if repeating else {}
    for made, key in repeating:
        remark((*places.get(id(made), ()), key), "this key stands there more than once; the last one is used")
    return value


def _places_of(top: Any, searched: set[int]) -> dict[int, tuple[str, ...]]:
    """Returns the keys from the top to values, by the identity of each."""
    places: dict[int, tuple[str, ...]] = {}
    waiting: list[tuple[Any, tuple[str, ...]]] = [(top, ())]
    while waiting:
        value, place = waiting.pop()
        if id(value) in searched:
            places[id(value)] = place
        children = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += [(child, (*place, str(key))) for key, child in children if isinstance(child, dict | list)]
    return places


def _read_yaml(text: str, called: str, remark: Remark, tell: Tell) -> Any:
    # YAML refuses what has no shape on paper, such as a NUL.
    text = _UNSEEN.sub(" ", text)
    try:
        return YamlReader(text, remark=remark, tell=tell).read()
    except yaml.YAMLError as error:
        joined = _SURROGATES.sub(_character, text)
        if joined != text:
            # JSON's way of writing a character beyond 16 bits, which YAML does not have.
            return _read_yaml(joined, called, remark, tell)
        raise UnusableDocument(f"{called} is not YAML: {_describe(error)}") from error


def _character(match: re.Match[str]) -> str:
    if match[1] is None:
        return "\ufffd"
    return chr(0x10000 + ((int(match[1], 16) - 0xD800) << 10) + int(match[2], 16) - 0xDC00)


def _describe(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())[:300]
    mark = error.problem_mark or error.context_mark
    problem = ", ".join(part for part in (error.context, error.problem) if part) or "it cannot be read"
    return f"{problem}" + (f" in line {mark.line + 1}, column {mark.column + 1}" if mark else "")
