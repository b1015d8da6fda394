"""Extracts an `ApiDescription` from a valid document. Runs in its own process: see `worker`.

References are followed; the outline of a schema has a limited depth, so that recursive schemas end.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from platform_api.integrations.definitions.api_description import (
    MAX_OPERATIONS,
    ApiDescription,
    Flow,
    OperationDescription,
    Parameter,
    RequestBody,
    Scheme,
    Server,
    ServerVariable,
)
from platform_api.integrations.openapi.reading import Document, UnusableDocument, look_up

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_GRANTS = {
    **{"authorizationCode": "authorization_code", "accessCode": "authorization_code"},
    **{"clientCredentials": "client_credentials", "application": "client_credentials"},
}
_MAX_PARAMETERS = 200
_MAX_PROPERTIES = 100
_SHAPE_DEPTH = 3
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def describe_api(document: Document) -> ApiDescription:
    """Returns what an integration needs of a document. Raises UnusableDocument when there is too much."""
    return _Extraction(document).describe()


class _Extraction:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._is_swagger = "swagger" in document

    def describe(self) -> ApiDescription:
        info = self._document["info"]
        return ApiDescription(
            title=_text(info["title"], 300),
            version=_text(info["version"], 50),
            description=_text(info.get("description") or info.get("summary"), 5_000),
            docs_url=_url(self._document.get("externalDocs"), "url"),
            website_url=_url(info.get("contact"), "url"),
            servers=self._servers(),
            schemes=self._schemes(),
            security=self._security(),
            operations=self._operations(),
        )

    def _servers(self) -> list[Server]:
        if self._is_swagger:
            schemes = self._document.get("schemes") or []
            scheme = "https" if "https" in schemes or not schemes else schemes[0]
            host, path = self._document.get("host"), self._document.get("basePath") or "/"
            return [Server(url=path if host is None else f"{scheme}://{host}{path}")]
        return [
            Server(
                url=str(server["url"]),
                variables={
                    name: ServerVariable(
                        default=str(variable["default"]),
                        choices=[str(choice) for choice in variable.get("enum") or []],
                    )
                    for name, variable in (server.get("variables") or {}).items()
                },
            )
            for server in (self._document.get("servers") or [{"url": "/"}])[:50]
        ]

    def _schemes(self) -> list[Scheme]:
        if self._is_swagger:
            declared = self._document.get("securityDefinitions") or {}
        else:
            declared = (self._document.get("components") or {}).get("securitySchemes") or {}
        return [self._scheme(name, self._resolve(scheme)) for name, scheme in list(declared.items())[:50]]

    def _scheme(self, name: str, declared: Mapping[str, Any]) -> Scheme:
        kind = str(declared.get("type"))
        if kind == "basic":
            return Scheme(name=name, type="http", http_scheme="basic")
        if kind == "apiKey":
            return Scheme(name=name, type="api_key", location=declared["in"], key_name=declared["name"])
        if kind == "oauth2" and self._is_swagger:
            return Scheme(name=name, type="oauth2", flows=[_flow(str(declared["flow"]), declared)])
        if kind == "oauth2":
            flows = [_flow(grant, flow) for grant, flow in declared["flows"].items() if isinstance(flow, dict)]
            return Scheme(name=name, type="oauth2", flows=flows)
        if kind == "openIdConnect":
            return Scheme(name=name, type="openid", openid_url=declared["openIdConnectUrl"])
        return Scheme(name=name, type=kind, http_scheme=str(declared.get("scheme", "")).lower() or None)

    def _security(self) -> list[dict[str, list[str]]]:
        """Returns the security requirements of the document, else those of its operations, most frequent first."""
        if self._document.get("security"):
            return [dict(requirement) for requirement in self._document["security"]]
        counted: dict[str, tuple[int, dict[str, list[str]]]] = {}
        for _, item in self._paths():
            for method in _METHODS:
                for requirement in (item.get(method) or {}).get("security") or []:
                    name = ",".join(sorted(requirement))
                    count, merged = counted.get(name, (0, {}))
                    scopes = {key: sorted({*merged.get(key, []), *required}) for key, required in requirement.items()}
                    counted[name] = (count + 1, scopes)
        ordered = sorted(counted.values(), key=lambda entry: -entry[0])
        return [scopes for _, scopes in ordered if scopes]

    def _operations(self) -> list[OperationDescription]:
        operations = []
        for path, item in self._paths():
            for method in _METHODS:
                if isinstance(item.get(method), dict):
                    operations.append(self._operation(path, method, item))
                    if len(operations) > MAX_OPERATIONS:
                        raise UnusableDocument(f"the document has more than {MAX_OPERATIONS} operations")
        return operations

    def _paths(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path, item in (self._document.get("paths") or {}).items():
            if path.startswith("/"):  # others are extensions
                yield path, self._resolve(item)

    def _operation(self, path: str, method: str, item: Mapping[str, Any]) -> OperationDescription:
        operation = item[method]
        # A parameter of the operation replaces the path's parameter of the same name.
        parameters = {
            (parameter["name"], parameter["in"]): parameter
            for declared in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
            if "name" in (parameter := self._resolve(declared))
        }
        body_parameters = [parameter for parameter in parameters.values() if parameter["in"] in ("body", "formData")]
        return OperationDescription(
            method=method.upper(),
            path=path[:1000],
            operation_id=_text(operation.get("operationId"), 300) or None,
            summary=_text(operation.get("summary") or operation.get("description"), 500),
            parameters=[
                self._parameter(parameter) for parameter in parameters.values() if parameter not in body_parameters
            ][:_MAX_PARAMETERS],
            request_body=self._swagger_body(operation, body_parameters)
            if self._is_swagger
            else self._body(operation),
        )

    def _parameter(self, declared: Mapping[str, Any]) -> Parameter:
        schema = declared.get("schema")
        if schema is None:
            content = list((declared.get("content") or {}).values())
            schema = content[0].get("schema", {}) if content else declared
        return Parameter(
            name=_text(declared["name"], 200),
            location=declared["in"],
            type=_type(self._resolve(schema)),
            required=bool(declared.get("required")),
            description=_text(declared.get("description"), 500),
        )

    def _body(self, operation: Mapping[str, Any]) -> RequestBody | None:
        if "requestBody" not in operation:
            return None
        body = self._resolve(operation["requestBody"])
        contents = body.get("content") or {}
        if not contents:
            return None
        content = next((media_type for media_type in contents if "json" in media_type), next(iter(contents)))
        shape = self._shape((contents[content] or {}).get("schema") or {}, _SHAPE_DEPTH)
        return RequestBody(content=content[:200], required=bool(body.get("required")), shape=shape)

    def _swagger_body(self, operation: Mapping[str, Any], body_parameters: list[Any]) -> RequestBody | None:
        if not body_parameters:
            return None
        consumes = operation.get("consumes") or self._document.get("consumes") or []
        if body_parameters[0]["in"] == "body":
            content = next((kind for kind in consumes if "json" in kind), next(iter(consumes), "application/json"))
            shape = self._shape(body_parameters[0].get("schema") or {}, _SHAPE_DEPTH)
            return RequestBody(content=content[:200], required=bool(body_parameters[0].get("required")), shape=shape)
        has_file = any(parameter.get("type") == "file" for parameter in body_parameters)
        properties = {
            str(parameter["name"]): self._shape(parameter, 1) for parameter in body_parameters[:_MAX_PROPERTIES]
        }
        required = [str(parameter["name"]) for parameter in body_parameters if parameter.get("required")]
        return RequestBody(
            content=_MULTIPART if has_file or _MULTIPART in consumes else _FORM,
            required=bool(required),
            shape={"type": "object", "properties": properties, **({"required": required} if required else {})},
        )

    def _shape(self, schema: Any, depth: int) -> dict[str, Any]:
        """Returns an outline of a schema: types, properties and which are required, to a limited depth."""
        resolved = self._resolve(schema)
        parts = [resolved, *(self._resolve(part) for part in resolved.get("allOf") or [])]
        properties: dict[str, Any] = {}
        required: list[str] = []
        for part in parts:
            properties.update(part.get("properties") or {})
            # In the parameter of a form, `required` is a boolean.
            required += part["required"] if isinstance(part.get("required"), list) else []
        shape: dict[str, Any] = {"type": "object" if properties else _type(resolved)}
        if resolved.get("enum"):
            shape["enum"] = resolved["enum"][:50]
        if properties and depth > 0:
            shape["properties"] = {
                name[:200]: self._shape(value, depth - 1)
                for name, value in list(properties.items())[:_MAX_PROPERTIES]
            }
            if listed := [name for name in dict.fromkeys(required) if name in shape["properties"]]:
                shape["required"] = listed
        if isinstance(resolved.get("items"), dict) and depth > 0:
            shape["items"] = self._shape(resolved["items"], depth - 1)
        return shape

    def _resolve(self, value: Any) -> dict[str, Any]:
        """Returns the target of a reference, or the value itself when it is no reference."""
        # `read_document` rejects circular references.
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            value = look_up(self._document, value["$ref"])
        return value if isinstance(value, dict) else {}


def _flow(name: str, flow: Mapping[str, Any]) -> Flow:
    return Flow(
        grant=_GRANTS.get(name, name),
        authorize_url=flow.get("authorizationUrl"),
        token_url=flow.get("tokenUrl"),
        scopes=[str(scope) for scope in flow.get("scopes") or {}],
    )


def _type(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((name for name in declared if name != "null"), None)
    if isinstance(declared, str):
        return declared
    for name in ("oneOf", "anyOf", "allOf"):
        if schema.get(name):
            return "object" if name == "allOf" else "any"
    return "object" if schema.get("properties") else "any"


def _text(value: Any, max_length: int) -> str:
    return "" if value is None else str(value).strip()[:max_length]


def _url(parent: Any, name: str) -> str | None:
    value = parent.get(name) if isinstance(parent, dict) else None
    return value if isinstance(value, str) and value.startswith(("http://", "https://")) else None
