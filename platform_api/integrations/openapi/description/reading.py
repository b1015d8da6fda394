"""Parses and validates an OpenAPI document. Runs in its own process: see `worker`.

Guards against hostile documents: YAML aliases that multiply (counted as if written out), endless nesting (bounded),
references to other documents (rejected; nothing is ever fetched).
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

_MAX_VALUES = 2_000_000
_MAX_DEPTH = 150
_MAX_INTEGER = 2**63 - 1
_MAX_PROBLEMS = 5
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

Document = dict[str, Any]


class UnusableDocument(Exception):
    """Signals a document that cannot be read or is not valid OpenAPI; the message says where and why."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader when libyaml is installed
    """Loads YAML with the types of JSON: dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_document(raw: bytes) -> Document:
    """Returns the valid document, aliases expanded. Raises UnusableDocument."""
    document = _parse(raw)
    _refuse_foreign_references(document)
    validator = _validator(document)
    problems = []
    try:
        for error in validator.iter_errors():
            problems.append(_describe(error))
            if len(problems) > _MAX_PROBLEMS:
                break
    except Unresolvable as error:
        target = "#" + error.ref.partition("#")[2] if "#" in error.ref else "#" + error.ref
        places = [
            pointer((*place, name)) for place, name, reference in _references(document, ()) if reference == target
        ]
        raise UnusableDocument(
            f"{places[0] if places else '#'}: the reference {target[:200]!r} leads to nothing"
        ) from error
    if problems:
        more = ["and more"] if len(problems) > _MAX_PROBLEMS else []
        raise UnusableDocument("the document is not valid: " + "; ".join([*problems[:_MAX_PROBLEMS], *more]))
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
            "the document is not an OpenAPI document: it must be an object with `openapi` or `swagger`"
        )
    written: Document = _Writer().write(value, 0)
    return written


class _Writer:
    """Converts a value to JSON types: keys are text, aliases are copied."""

    def __init__(self) -> None:
        self._values = 0

    def write(self, value: Any, depth: int) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise UnusableDocument(f"the document holds more than {_MAX_VALUES} values, counting expanded aliases")
        if depth > _MAX_DEPTH:
            raise UnusableDocument(f"the document is nested deeper than {_MAX_DEPTH} levels")
        if isinstance(value, dict):
            return {_clean(str(key)): self.write(child, depth + 1) for key, child in value.items()}
        if isinstance(value, list | tuple | set):
            return [self.write(child, depth + 1) for child in value]
        if isinstance(value, str):
            return _clean(value)
        if (isinstance(value, float) and not math.isfinite(value)) or (
            isinstance(value, int) and abs(value) > _MAX_INTEGER
        ):
            return str(value)
        if value is None or isinstance(value, int | float):
            return value
        raise UnusableDocument(
            f"the document holds a value of the type {type(value).__name__}, which JSON does not have"
        )


def _clean(text: str) -> str:
    """Returns text that can be sent and stored: without NUL and lone surrogates."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _refuse_foreign_references(document: Document) -> None:
    for place, name, target in _references(document, ()):
        if not target.startswith("#"):
            raise UnusableDocument(
                f"{pointer((*place, name))}: {target[:200]!r} is in another document, which is not fetched;"
                " bundle the document into one first"
            )
        if leads_in_circle(document, target):
            raise UnusableDocument(f"{pointer((*place, name))}: {target[:200]!r} leads in a circle")


def look_up(document: Document, target: str) -> Any:
    """Returns the target of a reference; None when there is none."""
    if not target.startswith("#/"):
        return None
    value: Any = document
    for part in target.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def leads_in_circle(document: Document, target: str) -> bool:
    """Returns whether a reference leads, through references only, back to itself."""
    seen = set()
    while target not in seen:
        seen.add(target)
        value = look_up(document, target)
        following = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(following, str):
            return False
        target = following
    return True


def _references(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            if key in _REFERENCES and isinstance(child, str):
                yield place, key, child
            else:
                yield from _references(child, (*place, key))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _references(child, (*place, str(number)))


def _validator(document: Document) -> Any:
    # Without handlers for any scheme, even an overlooked reference cannot be fetched.
    path = SchemaPath.from_dict(document, handlers={})
    version = str(document.get("openapi") or document.get("swagger") or "")
    if "swagger" in document and version.startswith("2."):
        return OpenAPIV2SpecValidator(path)
    if version.startswith("3.0"):
        return OpenAPIV30SpecValidator(path)
    if version.startswith("3.1"):
        return OpenAPIV31SpecValidator(path)
    stated = f"version {version[:20]!r}" if version else "no version"
    raise UnusableDocument(
        f"the document has {stated}: it must have `openapi: 3.0.x`, `openapi: 3.1.x` or `swagger: '2.0'`"
    )


def _describe(error: Any) -> str:
    # The context of "matches none of these" holds the more exact reasons.
    deepest = error
    while deepest.context:
        deepest = max(deepest.context, key=lambda cause: len(cause.absolute_path))
    message = " ".join(str(deepest.message).split())
    return f"{pointer(deepest.absolute_path)}: {message[:200]}"


def pointer(place: Iterable[Any]) -> str:
    """Returns a place in a document as a JSON pointer."""
    return "#" + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in place)
