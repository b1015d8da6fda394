"""Renders what a sender signs, written as text with placeholders: `{timestamp}.{body}`, `{url}{form}`.

`{body}` is the body's bytes as they came, `{body_sha256}` their SHA-256 in hexadecimal, `{form}` the form's fields by
name, each name followed by its values. `{url}` is the webhook's address with the query as it was sent; `{path}` and
`{query}` are parts of it. `{header:NAME}` and `{query:NAME}` are one header and one parameter, `{json:PATH}` is one
value of a JSON body, as it is written there; of a body that is signed by its values, the others are not proven.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from automio._paths import at
from platform_api.webhooks.bodies import parse_exactly
from platform_api.webhooks.forms import parse_form, parse_query
from platform_api.webhooks.json_paths import check_path

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
NAMES = ("body", "body_sha256", "form", "timestamp", "id", "url", "method", "path", "query")
_WITH_NAME = ("header", "query", "json")
COVERS_BODY = ("body", "body_sha256", "form")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Holds a request to a webhook. Header names are in lower case; the first of `urls` is the usual address."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    urls: Sequence[str] = ("",)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


def placeholders(template: str) -> list[str]:
    """Returns the names of a template's placeholders."""
    return _PLACEHOLDER.findall(template)


def check_template(template: str) -> None:
    """Raises ValueError with what is wrong: an unknown placeholder, a lone brace, a body that is not signed."""
    names = placeholders(template)
    for name in names:
        kind, colon, argument = name.partition(":")
        if colon and kind in _WITH_NAME and (_HEADER.fullmatch(argument) if kind == "header" else argument):
            if kind == "json":
                check_path(argument)
            continue
        if name not in NAMES:
            raise ValueError(
                f"payload: the placeholder {{{name}}} is not known; use "
                f"{', '.join(f'{{{known}}}' for known in NAMES)}, {{header:NAME}}, {{query:NAME}} or {{json:PATH}}"
            )
    if set("{}") & set(_PLACEHOLDER.sub("", template)):
        raise ValueError("payload: a brace is not part of a placeholder; write placeholders as {body}")
    bodies = sum(names.count(name) for name in COVERS_BODY)
    if bodies > 1 or not (bodies or any(name.startswith("json:") for name in names)):
        raise ValueError(
            "payload must contain {body} once (or {body_sha256}, or {form}), or values of it as {json:PATH}:"
            " otherwise the body is not signed"
        )


def render(template: str, delivery: Delivery, *, url: str, timestamp: str, identifier: str) -> bytes:
    """Returns the bytes that the sender signed, if `url`, `timestamp` and `identifier` are what they used."""
    values: dict[str, Callable[[], bytes]] = {
        "body": lambda: delivery.body,
        "body_sha256": lambda: hashlib.sha256(delivery.body).hexdigest().encode(),
        "form": lambda: _form_text(delivery),
        "timestamp": timestamp.encode,
        "id": identifier.encode,
        "url": lambda: _bytes(url),
        "method": delivery.method.encode,
        "path": delivery.path.encode,
        "query": lambda: _bytes(delivery.query_string),
    }
    content = cache(lambda: parse_exactly(delivery.content_type, delivery.body))
    # Every second part is the name of a placeholder.
    parts = _PLACEHOLDER.split(template)
    return b"".join(
        (values[part]() if part in values else _resolve(part, delivery, content)) if index % 2 else part.encode()
        for index, part in enumerate(parts)
    )


def is_form(delivery: Delivery) -> bool:
    """Returns true if the body is a URL-encoded form."""
    return delivery.content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def json_text(value: Any) -> str:
    """Returns a value of a JSON body as it is written there; empty when there is none, or more than one."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return ""


def _resolve(placeholder: str, delivery: Delivery, content: Callable[[], Any]) -> bytes:
    kind, _, name = placeholder.partition(":")
    match kind:
        case "header":
            return delivery.headers.get(name.lower(), "").encode()
        case "query":
            return parse_query(delivery.query_string).get(name, [""])[0].encode(errors="replace")
        case "json":
            return json_text(at(content(), name)).encode(errors="replace")
        case _:
            # Saved before unknown names were refused: the text itself, which no sender signs.
            return f"{{{placeholder}}}".encode()


def _form_text(delivery: Delivery) -> bytes:
    if not is_form(delivery):
        return b""
    fields = parse_form(delivery.body.decode(errors="replace"))
    return "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name]))).encode()
