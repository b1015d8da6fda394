"""Completes the description that FastAPI makes of the API, where its answers are not JSON of one model."""

import threading
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema

_ERROR = {"$ref": "#/components/schemas/ErrorBody"}
_REFERENCE = "#/components/schemas/{model}"


class DescribedApi(FastAPI):
    """Describes refusals as the JSON that they are, and the events of streams."""

    _describing = threading.Lock()

    def openapi(self) -> dict[str, Any]:
        """Returns the description, made once. Takes a second: call it in a thread."""
        with self._describing:
            return _completed(super().openapi())


class JsonText:
    """Marks text that is the JSON of `model`: `Annotated[str, JsonText(NotificationRead)]`."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        content = handler(self._model.__pydantic_core_schema__)
        return {**handler(core_schema), "contentMediaType": "application/json", "contentSchema": content}


def event_stream_schema(*events: Any) -> dict[str, Any]:
    """Returns the content of a response in OpenAPI that streams `events`, models of one event each.

    A client parses an event stream into a list of `{event, id, data}`: that is what the models describe.
    """
    union: Any = events[0]
    for event in events[1:]:
        union = union | event
    schema = TypeAdapter(list[union]).json_schema(ref_template=_REFERENCE, mode="serialization")
    return {"text/event-stream": {"schema": {**schema, "description": "Server-sent events, as they come"}}}


def _completed(described: dict[str, Any]) -> dict[str, Any]:
    components: dict[str, Any] = described.setdefault("components", {}).setdefault("schemas", {})
    for response in _responses(described):
        content: dict[str, Any] = response.get("content", {})
        if any(media.get("schema") == _ERROR for media in content.values()):
            # FastAPI describes refusals under the type of the operation's result, such as text/html.
            response["content"] = {"application/json": {"schema": _ERROR}}
        for media in content.values():
            # Schemas that were made apart from FastAPI bring the models that they refer to.
            for name, model in media.get("schema", {}).pop("$defs", {}).items():
                components.setdefault(name, model)
                _name_contents(model, components)
    return described


def _name_contents(event: dict[str, Any], components: dict[str, Any]) -> None:
    """Makes the models of an event's JSON texts components, as FastAPI does with all others."""
    for text in event.get("properties", {}).values():
        if "contentSchema" in text and "title" in text["contentSchema"]:
            name = text["contentSchema"]["title"]
            components.setdefault(name, text["contentSchema"])
            text["contentSchema"] = {"$ref": _REFERENCE.format(model=name)}


def _responses(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in described["paths"].values():
        for operation in path.values():
            yield from operation["responses"].values()
