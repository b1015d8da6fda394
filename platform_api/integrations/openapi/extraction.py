"""From a valid document to an `ApiDescription`. Runs in a process of its own: see `worker`.

References are followed; the outline of a schema is some levels deep, so that it ends where the schema does not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from platform_api.integrations.openapi.description import (
    MOST_OPERATIONS,
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
_MOST_PARAMETERS = 200
_MOST_PROPERTIES = 100
_SHAPE_DEPTH = 3
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def describe_api(document: Document) -> ApiDescription:
    """What an integration needs of a document. Raises UnusableDocument when that is too much."""
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
                url=str(one["url"]),
                variables={
                    name: ServerVariable(
                        default=str(variable["default"]), choices=[str(one) for one in variable.get("enum") or []]
                    )
                    for name, variable in (one.get("variables") or {}).items()
                },
            )
            for one in (self._document.get("servers") or [{"url": "/"}])[:50]
        ]

    def _schemes(self) -> list[Scheme]:
        if self._is_swagger:
            declared = self._document.get("securityDefinitions") or {}
        else:
            declared = (self._document.get("components") or {}).get("securitySchemes") or {}
        return [self._scheme(name, self._resolve(one)) for name, one in list(declared.items())[:50]]

    def _scheme(self, name: str, told: Mapping[str, Any]) -> Scheme:
        kind = str(told.get("type"))
        if kind == "basic":
            return Scheme(name=name, type="http", http_scheme="basic")
        if kind == "apiKey":
            return Scheme(name=name, type="api_key", location=told["in"], key_name=told["name"])
        if kind == "oauth2" and self._is_swagger:
            return Scheme(name=name, type="oauth2", flows=[_flow(str(told["flow"]), told)])
        if kind == "oauth2":
            flows = [_flow(one, flow) for one, flow in told["flows"].items() if isinstance(flow, dict)]
            return Scheme(name=name, type="oauth2", flows=flows)
        if kind == "openIdConnect":
            return Scheme(name=name, type="openid", openid_url=told["openIdConnectUrl"])
        return Scheme(name=name, type=kind, http_scheme=str(told.get("scheme", "")).lower() or None)

    def _security(self) -> list[dict[str, list[str]]]:
        """What the document asks for; where it asks for nothing as a whole, what most of its operations ask for."""
        if self._document.get("security"):
            return [dict(one) for one in self._document["security"]]
        counted: dict[str, tuple[int, dict[str, list[str]]]] = {}
        for _, item in self._paths():
            for method in _METHODS:
                for one in (item.get(method) or {}).get("security") or []:
                    name = ",".join(sorted(one))
                    count, merged = counted.get(name, (0, {}))
                    scopes = {key: sorted({*merged.get(key, []), *wanted}) for key, wanted in one.items()}
                    counted[name] = (count + 1, scopes)
        ordered = sorted(counted.values(), key=lambda one: -one[0])
        return [scopes for _, scopes in ordered if scopes]

    def _operations(self) -> list[OperationDescription]:
        found = []
        for path, item in self._paths():
            for method in _METHODS:
                if isinstance(item.get(method), dict):
                    found.append(self._operation(path, method, item))
                    if len(found) > MOST_OPERATIONS:
                        raise UnusableDocument(f"the document has more than {MOST_OPERATIONS} operations")
        return found

    def _paths(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path, item in (self._document.get("paths") or {}).items():
            if path.startswith("/"):  # others are extensions
                yield path, self._resolve(item)

    def _operation(self, path: str, method: str, item: Mapping[str, Any]) -> OperationDescription:
        operation = item[method]
        # A parameter of the operation takes the place of the path's of the same name.
        parameters = {
            (one["name"], one["in"]): one
            for declared in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]
            if "name" in (one := self._resolve(declared))
        }
        sent = [one for one in parameters.values() if one["in"] in ("body", "formData")]
        return OperationDescription(
            method=method.upper(),
            path=path[:1000],
            operation_id=_text(operation.get("operationId"), 300) or None,
            summary=_text(operation.get("summary") or operation.get("description"), 500),
            parameters=[self._parameter(one) for one in parameters.values() if one not in sent][:_MOST_PARAMETERS],
            request_body=self._swagger_body(operation, sent) if self._is_swagger else self._body(operation),
        )

    def _parameter(self, told: Mapping[str, Any]) -> Parameter:
        schema = told.get("schema")
        if schema is None:
            content = list((told.get("content") or {}).values())
            schema = content[0].get("schema", {}) if content else told
        return Parameter(
            name=_text(told["name"], 200),
            location=told["in"],
            type=_type(self._resolve(schema)),
            required=bool(told.get("required")),
            description=_text(told.get("description"), 500),
        )

    def _body(self, operation: Mapping[str, Any]) -> RequestBody | None:
        if "requestBody" not in operation:
            return None
        body = self._resolve(operation["requestBody"])
        contents = body.get("content") or {}
        if not contents:
            return None
        content = next((one for one in contents if "json" in one), next(iter(contents)))
        shape = self._shape((contents[content] or {}).get("schema") or {}, _SHAPE_DEPTH)
        return RequestBody(content=content[:200], required=bool(body.get("required")), shape=shape)

    def _swagger_body(self, operation: Mapping[str, Any], sent: list[Any]) -> RequestBody | None:
        if not sent:
            return None
        consumes = operation.get("consumes") or self._document.get("consumes") or []
        if sent[0]["in"] == "body":
            content = next((one for one in consumes if "json" in one), next(iter(consumes), "application/json"))
            shape = self._shape(sent[0].get("schema") or {}, _SHAPE_DEPTH)
            return RequestBody(content=content[:200], required=bool(sent[0].get("required")), shape=shape)
        has_file = any(one.get("type") == "file" for one in sent)
        properties = {str(one["name"]): self._shape(one, 1) for one in sent[:_MOST_PROPERTIES]}
        required = [str(one["name"]) for one in sent if one.get("required")]
        return RequestBody(
            content=_MULTIPART if has_file or _MULTIPART in consumes else _FORM,
            required=bool(required),
            shape={"type": "object", "properties": properties, **({"required": required} if required else {})},
        )

    def _shape(self, schema: Any, depth: int) -> dict[str, Any]:
        """An outline of a schema: types, properties and which are required, some levels deep."""
        told = self._resolve(schema)
        parts = [told, *(self._resolve(one) for one in told.get("allOf") or [])]
        properties: dict[str, Any] = {}
        required: list[str] = []
        for part in parts:
            properties.update(part.get("properties") or {})
            # In a form's parameter it is a boolean.
            required += part["required"] if isinstance(part.get("required"), list) else []
        shape: dict[str, Any] = {"type": "object" if properties else _type(told)}
        if told.get("enum"):
            shape["enum"] = told["enum"][:50]
        if properties and depth > 0:
            shape["properties"] = {
                name[:200]: self._shape(one, depth - 1) for name, one in list(properties.items())[:_MOST_PROPERTIES]
            }
            if kept := [name for name in dict.fromkeys(required) if name in shape["properties"]]:
                shape["required"] = kept
        if isinstance(told.get("items"), dict) and depth > 0:
            shape["items"] = self._shape(told["items"], depth - 1)
        return shape

    def _resolve(self, value: Any) -> dict[str, Any]:
        """What a reference leads to; something that is no reference, as it is."""
        # `read_document` refuses circles.
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            value = look_up(self._document, value["$ref"])
        return value if isinstance(value, dict) else {}


def _flow(name: str, told: Mapping[str, Any]) -> Flow:
    return Flow(
        grant=_GRANTS.get(name, name),
        authorize_url=told.get("authorizationUrl"),
        token_url=told.get("tokenUrl"),
        scopes=[str(one) for one in told.get("scopes") or {}],
    )


def _type(schema: Mapping[str, Any]) -> str:
    told = schema.get("type")
    if isinstance(told, list):
        told = next((one for one in told if one != "null"), None)
    if isinstance(told, str):
        return told
    for name in ("oneOf", "anyOf", "allOf"):
        if schema.get(name):
            return "object" if name == "allOf" else "any"
    return "object" if schema.get("properties") else "any"


def _text(value: Any, most: int) -> str:
    return "" if value is None else str(value).strip()[:most]


def _url(told: Any, name: str) -> str | None:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) and value.startswith(("http://", "https://")) else None
