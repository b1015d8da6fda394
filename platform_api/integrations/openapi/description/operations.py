"""Reads the operations of a document: what a call needs to know, and nothing about its answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from platform_api.integrations.definitions.api_description import (
    MAX_OPERATIONS,
    OperationDescription,
    Parameter,
    RequestBody,
    Server,
)
from platform_api.integrations.openapi.description.documents import Documents, Spot
from platform_api.integrations.openapi.description.outlines import Outlines
from platform_api.integrations.openapi.description.servers import read_servers
from platform_api.integrations.openapi.description.values import is_true, name_of, text_of, texts_in
from platform_api.integrations.openapi.description.yaml_data import Tell

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "query", "trace")
_CALLABLE = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"})
_PATH_ITEM_KEYS = frozenset({"summary", "description", "servers", "parameters", "additionalOperations", "$ref"})
_LOCATIONS = frozenset({"query", "header", "path", "cookie", "querystring"})
_BODY_LOCATIONS = frozenset({"body", "formData", "form"})
_MAX_PATH = 2_000
_MAX_METHOD = 30
_MAX_PARAMETERS = 200
_MAX_FORM_FIELDS = 100
# Of the parameters of all operations, which references may repeat many times.
_MAX_CHARACTERS = 16 * 1024 * 1024
_PARAMETER_CHARACTERS = 80
_MAX_CONTENT_TYPE = 200
_SHAPE_DEPTH = 3
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_TOLD_EVERY = 100


class OperationReader:
    """Reads operations. What is broken is left out with a note: a parameter, a body, or the whole operation."""

    def __init__(self, documents: Documents, tell: Tell) -> None:
        self._documents = documents
        self._notes = documents.notes
        self._outlines = Outlines(documents)
        self._tell = tell
        self.servers: dict[str, Server] = {}
        """The servers that operations have of their own, by URL."""
        self.securities: list[Spot] = []
        """The `security` of each operation that was read."""
        self._known_parameters: dict[int, Parameter] = {}
        self._characters = 0

    def read(self, top: Spot) -> list[OperationDescription]:
        """Returns the operations below `paths`, in the document's order."""
        operations: list[OperationDescription] = []
        items = list(self._path_items(top.at("paths")))
        for number, (path, layers) in enumerate(items):
            if number % _TOLD_EVERY == 0:
                self._tell("operations", number, len(items))
            for method, operation in self._methods(layers):
                if len(operations) == MAX_OPERATIONS:
                    self._notes.add("#/paths", f"only the first {MAX_OPERATIONS} operations are imported")
                    return operations
                self.securities.append(operation.at("security"))
                operations.append(self._operation(path, method, layers, operation, top))
        return operations

    def _path_items(self, paths: Spot) -> Iterator[tuple[str, list[Spot]]]:
        """Yields each path with the objects that describe it: what stands there, and what it refers to."""
        if paths.value is not None and not isinstance(paths.value, dict):
            self._notes.add(paths.place, f"paths must be an object, not {name_of(paths.value)}; they are left out")
        for path, item in paths.items():
            if path.startswith("x-"):
                continue
            if not isinstance(item.value, dict):
                self._notes.add(item.place, f"a path must be an object, not {name_of(item.value)}; it is skipped")
                continue
            target = self._documents.follow(item)
            layers = [item] if target is None or target is item else [item, target]
            usable = self._usable_path(path, item, has_operations=any(_has_method(layer) for layer in layers))
            if usable is not None:
                yield usable, layers

    def _usable_path(self, path: str, item: Spot, *, has_operations: bool) -> str | None:
        if len(path) > _MAX_PATH:
            self._notes.add(item.place, f"the path has more than {_MAX_PATH} characters; it is skipped")
            return None
        if path.startswith("/"):
            return path
        if "://" in path or not has_operations:
            self._notes.add(item.place, "a path must begin with /; it is skipped")
            return None
        self._notes.add(item.place, "a path must begin with /; it is read as if it did")
        return f"/{path}"

    def _methods(self, layers: list[Spot]) -> Iterator[tuple[str, Spot]]:
        """Yields the methods of a path with their operations."""
        by_name: dict[str, Spot] = {}
        for layer in layers:
            for key, operation in layer.items():
                if key.lower() in _METHODS:
                    by_name.setdefault(key.lower(), operation)
                elif key not in _PATH_ITEM_KEYS and not key.startswith("x-"):
                    self._notes.add(operation.place, "this is no method that OpenAPI has; it is skipped")
        named = [(name.upper(), by_name[name]) for name in _METHODS if name in by_name]
        others = [entry for layer in layers for entry in layer.at("additionalOperations").items()]
        for method, declared in [*named, *others]:
            if (target := self._documents.follow(declared)) is None:
                continue
            if not isinstance(target.value, dict):
                self._notes.add(
                    declared.place, f"an operation must be an object, not {name_of(target.value)}; it is skipped"
                )
            elif len(method) > _MAX_METHOD or not method.isascii() or not method.replace("-", "").isalnum():
                self._notes.add(declared.place, "a method must be one word of letters; the operation is skipped")
            else:
                if method not in _CALLABLE:
                    self._notes.add(declared.place, f"calls cannot have the method {method}; it is only listed")
                yield method, target

    def _operation(
        self, path: str, method: str, layers: list[Spot], operation: Spot, top: Spot
    ) -> OperationDescription:
        has_room = self._characters <= _MAX_CHARACTERS
        if not has_room:
            self._notes.add(
                "#/paths", "the parameters of all operations are too long; those of later ones are left out"
            )
        parameters = self._parameters([layer.at("parameters") for layer in reversed(layers)], operation)
        in_body = [parameter for parameter in parameters if parameter.get("in") in _BODY_LOCATIONS]
        is_of_parameters = operation.get("requestBody") is None and bool(in_body)
        others = [parameter for parameter in parameters if parameter.get("in") in _LOCATIONS]
        if len(others) > _MAX_PARAMETERS:
            self._notes.add(operation.place, f"only the first {_MAX_PARAMETERS} of {len(others)} parameters are kept")
        return OperationDescription(
            method=method,
            path=path,
            operation_id=text_of(operation, "operationId", 300, self._notes) or None,
            summary=text_of(operation, "summary", 500, self._notes)
            or text_of(operation, "description", 500, self._notes),
            parameters=[self._parameter(parameter) for parameter in others[:_MAX_PARAMETERS] if has_room],
            request_body=self._swagger_body(operation, in_body, top)
            if is_of_parameters
            else self._body(operation.at("requestBody")),
            server=self._server(layers, operation),
        )

    def _server(self, layers: list[Spot], operation: Spot) -> str | None:
        """Returns the URL of the operation's own server, which may be that of its path."""
        for declared in (operation.at("servers"), *(layer.at("servers") for layer in layers)):
            for server in read_servers(declared, self._notes):
                self.servers.setdefault(server.url, server)
                return server.url
        return None

    def _parameters(self, lists: list[Spot], operation: Spot) -> list[Spot]:
        """Returns the parameters; one of the operation replaces the path's one of the same name and location."""
        named: dict[tuple[str, str], Spot] = {}
        for declared in (*lists, operation.at("parameters")):
            if isinstance(declared.value, dict):
                self._notes.add(declared.place, "parameters must be a list, not an object; its values are read")
                spots = [parameter for _, parameter in declared.items()]
            else:
                spots = list(declared.elements())
                if declared.value is not None and not isinstance(declared.value, list):
                    self._notes.add(declared.place, "parameters must be a list; they are left out")
            for spot in spots:
                parameter = self._documents.follow(spot)
                if parameter is None:
                    continue
                name, location = parameter.get("name"), parameter.get("in")
                is_named = isinstance(name, str) and bool(name)
                if not is_named or not isinstance(location, str) or location not in _LOCATIONS | _BODY_LOCATIONS:
                    self._notes.add(spot.place, f"{_parameter_fault(parameter)}; the parameter is left out")
                    continue
                named[name, location] = parameter
        return list(named.values())

    def _parameter(self, declared: Spot) -> Parameter:
        """Returns a parameter, which many operations may share."""
        known = self._known_parameters.get(id(declared.value))
        if known is None:
            known = self._known_parameters[id(declared.value)] = self._read_parameter(declared)
        self._characters += len(known.name) + len(known.description) + _PARAMETER_CHARACTERS
        return known

    def _read_parameter(self, declared: Spot) -> Parameter:
        schema = declared.at("schema")
        if schema.value is None:
            contents = [self._documents.follow(content) for _, content in declared.at("content").items()]
            schema = contents[0].at("schema") if contents and contents[0] is not None else declared
        return Parameter(
            name=text_of(declared, "name", 200, self._notes),
            location=declared.get("in"),
            type=self._outlines.type_of(schema),
            required=is_true(declared.get("required")) or declared.get("in") == "path",
            description=text_of(declared, "description", 500, self._notes),
        )

    def _body(self, declared: Spot) -> RequestBody | None:
        if declared.value is None:
            return None
        body = self._documents.follow(declared)
        if body is None:
            return None
        if not isinstance(body.value, dict):
            self._notes.add(declared.place, f"a body must be an object, not {name_of(body.value)}; it is left out")
            return None
        contents = dict(body.at("content").items())
        if not contents:
            return None
        name = _preferred(contents)
        content = self._documents.follow(contents[name])
        schema = body.at("schema") if content is None else content.at("schema")
        if content is not None and schema.value is None:
            schema = content.at("itemSchema")
        return RequestBody(
            content=name[:_MAX_CONTENT_TYPE],
            required=is_true(body.get("required")),
            shape=self._outlines.outline(schema, _SHAPE_DEPTH),
        )

    def _swagger_body(self, operation: Spot, in_body: list[Spot], top: Spot) -> RequestBody:
        consumes = texts_in(operation.get("consumes")) or texts_in(top.get("consumes"))
        whole = next((parameter for parameter in in_body if parameter.get("in") == "body"), None)
        if whole is not None:
            content = _preferred(dict.fromkeys(consumes)) if consumes else "application/json"
            return RequestBody(
                content=content[:_MAX_CONTENT_TYPE],
                required=is_true(whole.get("required")),
                shape=self._outlines.outline(whole.at("schema"), _SHAPE_DEPTH),
            )
        has_file = any(parameter.get("type") == "file" for parameter in in_body)
        required = [parameter.get("name") for parameter in in_body if is_true(parameter.get("required"))]
        properties = {
            parameter.get("name")[:200]: self._outlines.outline(parameter, 1)
            for parameter in in_body[:_MAX_FORM_FIELDS]
        }
        shape = {"type": "object", "properties": properties, **({"required": required} if required else {})}
        content = _MULTIPART if has_file or _MULTIPART in consumes else _FORM
        return RequestBody(content=content, required=bool(required), shape=shape)


def _preferred(contents: Mapping[str, Any]) -> str:
    """Returns the content type of a body: JSON where there is a choice."""
    return next((content for content in contents if "json" in content.lower()), next(iter(contents)))


def _has_method(layer: Spot) -> bool:
    return any(key.lower() in _METHODS for key, _ in layer.items()) or bool(layer.get("additionalOperations"))


def _parameter_fault(parameter: Spot) -> str:
    if not isinstance(parameter.value, dict):
        return f"a parameter must be an object, not {name_of(parameter.value)}"
    if not isinstance(name := parameter.get("name"), str) or not name:
        return "a parameter must have a `name`, a text"
    place = parameter.get("in")
    told = name_of(place) if isinstance(place, list | dict) else repr(str(place)[:50])
    return f"`in` must be one of {', '.join(sorted(_LOCATIONS))}, not {told}"
