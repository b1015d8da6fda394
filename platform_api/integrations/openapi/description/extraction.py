"""Extracts an `ApiDescription` from documents: looks at what an integration needs, and at nothing else.

Nothing is validated as a whole. What is odd in a part that is needed becomes a note with its place.
Runs in its own process: see `worker`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from platform_api.integrations.definitions.api_description import ApiDescription, Flow, Scheme, Server
from platform_api.integrations.openapi.description.documents import Document, Documents, Spot, is_absolute, join
from platform_api.integrations.openapi.description.notes import Notes
from platform_api.integrations.openapi.description.operations import OperationReader
from platform_api.integrations.openapi.description.reading import UnusableDocument, read_value
from platform_api.integrations.openapi.description.servers import read_servers, read_swagger_server
from platform_api.integrations.openapi.description.values import name_of, plain_text, text_of, texts_in, url_of
from platform_api.integrations.openapi.description.yaml_data import Tell

_GRANTS = {
    **{"authorizationCode": "authorization_code", "accessCode": "authorization_code"},
    **{"clientCredentials": "client_credentials", "application": "client_credentials"},
}
_MAX_SCHEMES = 50
_MAX_ALTERNATIVES = 50
_MAX_SCOPES = 1_000
_MAX_WORD = 500


def describe_texts(texts: Iterable[tuple[str, bytes]], tell: Tell) -> ApiDescription:
    """Returns what an integration needs of documents: where each is and its text, the main one first.

    Raises UnusableDocument.
    """
    notes = Notes()
    documents: list[Document] = []
    for location, text in texts:
        if documents and is_absolute(documents[0].location):
            location = join(documents[0].location, location)
        name = location if documents else ""
        try:
            value = read_value(text, name=name, notes=notes, tell=tell)
        except UnusableDocument as error:
            if not documents:
                raise
            notes.add(name, str(error))
            value = None
        documents.append(Document(location, value, name))
    is_main_named = bool(documents[0].location)
    return describe_api(Documents(documents[0], documents[1:], notes, is_main_named=is_main_named), tell)


def describe_api(documents: Documents, tell: Tell) -> ApiDescription:
    """Returns what an integration needs. Raises UnusableDocument for what is no description of an API."""
    return _Extraction(documents, tell).describe()


class _Extraction:
    def __init__(self, documents: Documents, tell: Tell) -> None:
        self._documents = documents
        self._notes = documents.notes
        self._top = Spot(documents.main.value, documents.main)
        self._is_swagger = _require_version(self._top.value, documents.main.name) == 2
        self._reader = OperationReader(documents, tell)

    def describe(self) -> ApiDescription:
        top, notes = self._top, self._notes
        info = top.at("info")
        if not isinstance(info.value, dict):
            notes.add(info.place, "the document must have `info` with a title and a version; give `id` and `name`")
        operations = self._reader.read(top)
        if not operations:
            self._refuse_incomplete()
            notes.add(top.at("paths").place, "the document has no operations")
        return ApiDescription(
            title=text_of(info, "title", 300, notes),
            version=text_of(info, "version", 50, notes),
            description=text_of(info, "description", 5_000, notes) or text_of(info, "summary", 5_000, notes),
            docs_url=url_of(top.at("externalDocs"), "url"),
            website_url=url_of(info.at("contact"), "url"),
            servers=self._servers(),
            other_servers=list(self._reader.servers.values()),
            schemes=self._schemes(),
            security=self._security(),
            operations=operations,
            notes=notes.texts,
        )

    def _refuse_incomplete(self) -> None:
        """Raises UnusableDocument where everything is in documents that were not sent."""
        if self._documents.missing:
            files = ", ".join(repr(name[:200]) for name in list(self._documents.missing)[:5])
            raise UnusableDocument(
                f"the document's operations are in other documents, which are not fetched: add {files} to `files`"
            )

    def _servers(self) -> list[Server]:
        if self._is_swagger:
            return [read_swagger_server(self._top, self._notes)]
        if servers := read_servers(self._top.at("servers"), self._notes):
            return servers
        # Some documents were renamed to OpenAPI 3 and kept what Swagger 2 calls a server.
        return [read_swagger_server(self._top, self._notes) if self._top.get("host") else Server(url="/")]

    def _declared_schemes(self) -> Spot:
        if self._is_swagger:
            return self._top.at("securityDefinitions")
        return self._top.at("components").at("securitySchemes")

    def _schemes(self) -> list[Scheme]:
        declared = list(self._declared_schemes().items())[:_MAX_SCHEMES]
        schemes = (self._scheme(name, scheme) for name, scheme in declared)
        return [scheme for scheme in schemes if scheme is not None]

    def _scheme(self, name: str, declared: Spot) -> Scheme | None:
        scheme = self._documents.follow(declared)
        if scheme is None:
            return None
        kind = scheme.get("type")
        if not isinstance(kind, str):
            self._notes.add(declared.place, "a security scheme must have a `type`; it is left out")
            return None
        name = name[:_MAX_WORD]
        match kind.lower():
            case "basic":
                return Scheme(name=name, type="http", http_scheme="basic")
            case "apikey":
                location, key = plain_text(scheme.get("in")).lower(), plain_text(scheme.get("name"))[:_MAX_WORD]
                if not key:
                    self._notes.add(declared.place, "an API key must have a `name`; the scheme is left out")
                    return None
                return Scheme(name=name, type="api_key", location=location[:_MAX_WORD], key_name=key)
            case "oauth2":
                return Scheme(name=name, type="oauth2", flows=list(self._flows(scheme)))
            case "openidconnect":
                return Scheme(name=name, type="openid", openid_url=url_of(scheme, "openIdConnectUrl"))
        http_scheme = plain_text(scheme.get("scheme")).lower()[:_MAX_WORD] or None
        return Scheme(name=name, type=kind[:_MAX_WORD], http_scheme=http_scheme)

    def _flows(self, scheme: Spot) -> Iterator[Flow]:
        if isinstance(scheme.get("flow"), str):
            yield _flow(scheme.get("flow"), scheme)
        for grant, flow in scheme.at("flows").items():
            if isinstance(flow.value, dict):
                yield _flow(grant, flow)

    def _security(self) -> list[dict[str, list[str]]]:
        """Returns the security requirements of the document, else those of its operations, most frequent first."""
        if own := list(self._requirements(self._top.at("security"))):
            return own[:_MAX_ALTERNATIVES]
        counted: dict[str, tuple[int, dict[str, list[str]]]] = {}
        for security in self._reader.securities:
            for requirement in self._requirements(security):
                name = ",".join(sorted(requirement))
                count, merged = counted.get(name, (0, {}))
                scopes = {key: sorted({*merged.get(key, []), *required}) for key, required in requirement.items()}
                counted[name] = (count + 1, scopes)
        ordered = sorted(counted.values(), key=lambda entry: -entry[0])
        return [scopes for _, scopes in ordered if scopes][:_MAX_ALTERNATIVES]

    def _requirements(self, declared: Spot) -> Iterator[dict[str, list[str]]]:
        if declared.value is not None and not isinstance(declared.value, list):
            self._notes.add(declared.place, f"security must be a list, not {name_of(declared.value)}; it is left out")
        for requirement in declared.elements():
            if not isinstance(requirement.value, dict):
                self._notes.add(requirement.place, "a security requirement must be an object; it is left out")
                continue
            yield {
                self._scheme_name(name): [scope[:_MAX_WORD] for scope in texts_in(scopes.value)[:_MAX_SCOPES]]
                for name, scopes in requirement.items()
            }

    def _scheme_name(self, name: str) -> str:
        """Returns the name of a scheme, which OpenAPI 3.2 lets a requirement also name by its address."""
        return name.rpartition("/")[2][:_MAX_WORD] if "#/" in name else name[:_MAX_WORD]


def _flow(name: str, flow: Spot) -> Flow:
    declared: Any = flow.get("scopes")
    scopes = declared if isinstance(declared, dict | list) else []
    return Flow(
        grant=_GRANTS.get(name, name[:_MAX_WORD]),
        authorize_url=_address(flow.get("authorizationUrl")),
        token_url=_address(flow.get("tokenUrl")),
        scopes=[text[:_MAX_WORD] for scope in list(scopes)[:_MAX_SCOPES] if (text := plain_text(scope))],
    )


def _address(value: Any) -> str | None:
    return value.strip()[:2_000] if isinstance(value, str) and value.strip() else None


def _require_version(value: Any, name: str) -> int:
    """Returns the major version of OpenAPI. Raises UnusableDocument for what is not OpenAPI 3 or Swagger 2."""
    if not isinstance(value, dict):
        raise UnusableDocument(
            "the document is not an OpenAPI document: it must be an object with `openapi` or `swagger`"
        )
    stated = plain_text(value.get("openapi")) or plain_text(value.get("swagger"))
    major = stated.partition(".")[0].strip()
    if major in ("2", "3"):
        return int(major)
    told = f"version {stated[:20]!r}" if stated else "no version"
    raise UnusableDocument(f"the document has {told}: it must have `openapi: 3.x` or `swagger: '2.0'`")
