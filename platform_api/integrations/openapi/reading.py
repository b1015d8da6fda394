"""From bytes to a checked OpenAPI document. Runs in a process of its own: see `worker`.

What a document can do to its reader: YAML aliases that multiply (counted as if they were written out), nesting
without end (bounded), references to other documents (refused, nothing is ever fetched).
"""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import yaml
from jsonschema_path import SchemaPath
from openapi_spec_validator import (
    OpenAPIV2SpecValidator,
    OpenAPIV30SpecValidator,
    OpenAPIV31SpecValidator,
)
from referencing.exceptions import Unresolvable

_MOST_VALUES = 2_000_000
_MOST_DEPTH = 150
_LARGEST = 2**63 - 1
_MOST_PROBLEMS = 5
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

Document = dict[str, Any]


class UnusableDocument(Exception):
    """The document cannot be read or does not keep to OpenAPI; the message says where and why."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C one where libyaml is there
    """YAML as JSON: a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_document(raw: bytes) -> Document:
    """The document, written out and valid. Raises UnusableDocument."""
    document = _parse(raw)
    _refuse_foreign_references(document)
    validator = _validator(document)
    problems = []
    try:
        for error in validator.iter_errors():
            problems.append(_describe(error))
            if len(problems) > _MOST_PROBLEMS:
                break
    except Unresolvable as error:
        target = "#" + error.ref.partition("#")[2] if "#" in error.ref else "#" + error.ref
        places = [pointer((*place, name)) for place, name, one in _references(document, ()) if one == target]
        raise UnusableDocument(f"{places[0] if places else '#'}: there is nothing at {target[:200]!r}") from error
    if problems:
        more = ["and more"] if len(problems) > _MOST_PROBLEMS else []
        raise UnusableDocument("the document is not valid: " + "; ".join([*problems[:_MOST_PROBLEMS], *more]))
    return document


def _parse(raw: bytes) -> Document:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableDocument(f"the document is not UTF-8 text (byte {error.start})") from error
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)
    except json.JSONDecodeError as error:
        raise UnusableDocument(f"the document is not JSON: {error}") from error
    except yaml.YAMLError as error:
        raise UnusableDocument(f"the document is not YAML: {' '.join(str(error).split())[:300]}") from error
    except (RecursionError, ValueError) as error:
        raise UnusableDocument("the document is nested too deeply or holds a value that cannot be read") from error
    if not isinstance(value, dict):
        raise UnusableDocument(
            "the document is no OpenAPI document: it must be an object with `openapi` or `swagger`"
        )
    written: Document = _Writer().write(value, 0)
    return written


class _Writer:
    """Writes a value out as JSON has it: keys are text, aliases are copies."""

    def __init__(self) -> None:
        self._values = 0

    def write(self, value: Any, depth: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise UnusableDocument(f"the document holds more than {_MOST_VALUES} values, aliases written out")
        if depth > _MOST_DEPTH:
            raise UnusableDocument(f"the document is nested deeper than {_MOST_DEPTH} levels")
        if isinstance(value, dict):
            return {_clean(str(key)): self.write(one, depth + 1) for key, one in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.write(one, depth + 1) for one in value]
        if isinstance(value, str):
            return _clean(value)
        if (isinstance(value, float) and not math.isfinite(value)) or (
            isinstance(value, int) and abs(value) > _LARGEST
        ):
            return str(value)
        if value is None or isinstance(value, int | float):
            return value
        raise UnusableDocument(f"the document holds a value of the kind {type(value).__name__}, which JSON has not")


def _clean(text: str) -> str:
    """Text that can be sent and stored: without NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _refuse_foreign_references(document: Document) -> None:
    for place, name, target in _references(document, ()):
        if not target.startswith("#"):
            raise UnusableDocument(
                f"{pointer((*place, name))}: {target[:200]!r} is in another document, and others are not fetched;"
                " bundle the document into one first"
            )
        if leads_in_circle(document, target):
            raise UnusableDocument(f"{pointer((*place, name))}: {target[:200]!r} leads in a circle")


def look_up(document: Document, target: str) -> Any:
    """What a pointer of a reference leads to; None when it is nothing."""
    if not target.startswith("#/"):
        return None
    found: Any = document
    for part in target.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return found


def leads_in_circle(document: Document, target: str) -> bool:
    """Whether a reference leads to one that leads to itself, with nothing on the way."""
    seen = set()
    while target not in seen:
        seen.add(target)
        found = look_up(document, target)
        following = found.get("$ref") if isinstance(found, dict) else None
        if not isinstance(following, str):
            return False
        target = following
    return True


def _references(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key in _REFERENCES and isinstance(one, str):
                yield place, key, one
            else:
                yield from _references(one, (*place, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _references(one, (*place, str(number)))


def _validator(document: Document) -> Any:
    # No handler for any scheme: even a reference that was overlooked above leads nowhere.
    path = SchemaPath.from_dict(document, handlers={})
    version = str(document.get("openapi") or document.get("swagger") or "")
    if "swagger" in document and version.startswith("2."):
        return OpenAPIV2SpecValidator(path)
    if version.startswith("3.0"):
        return OpenAPIV30SpecValidator(path)
    if version.startswith("3.1"):
        return OpenAPIV31SpecValidator(path)
    said = f"version {version[:20]!r}" if version else "no version"
    raise UnusableDocument(
        f"the document says {said}: it must say `openapi: 3.0.x`, `openapi: 3.1.x` or `swagger: '2.0'`"
    )


def _describe(error: Any) -> str:
    # Of "matches none of these", the nearest reason is in the context.
    deepest = error
    while deepest.context:
        deepest = max(deepest.context, key=lambda one: len(one.absolute_path))
    message = " ".join(str(deepest.message).split())
    return f"{pointer(deepest.absolute_path)}: {message[:200]}"


def pointer(place: Iterable[Any]) -> str:
    """A place in a document as a JSON pointer."""
    return "#" + "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in place)
