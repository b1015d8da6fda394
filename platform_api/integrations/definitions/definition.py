"""What an integration is, declared: where an API lives and how a connection proves itself to it.

The built-in catalogue is a folder of YAML files in this form; an organization's own definitions are stored in it.
"""

import re
from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, field_validator, model_validator

from platform_api.integrations.definitions.after_connect import AfterConnect
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.definitions.inputs import ConnectionInput, completed
from platform_api.integrations.definitions.keys_auth import KeysAuth
from platform_api.integrations.definitions.oauth2_auth import Identity as Identity
from platform_api.integrations.definitions.oauth2_auth import OAuth2Auth as OAuth2Auth
from platform_api.integrations.definitions.pagination import Pagination
from platform_api.integrations.definitions.refusal import Refusal
from platform_api.integrations.definitions.types import (
    HeaderName,
    HeaderValue,
    check_header_value,
)
from platform_api.integrations.definitions.types import Strict as _Strict

RESERVED_IDS = frozenset({"mailer", "catalogue", "connections", "oauth", "calls", "import"})
CLIENT_ID = "client_id"
"""In headers of an OAuth 2 definition: the id of the organization's OAuth client."""
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class StatusCheck(_Strict):
    """How a definition's `status_check_url` is asked."""

    method: Literal["GET", "POST"] = "GET"
    data: dict[str, Any] | None = None
    """The body, written as the definition's `body` says."""
    accepted: Annotated[tuple[Annotated[int, Field(ge=400, le=499)], ...], Field(max_length=10)] = ()
    """Statuses beside 2xx that only somebody with the right credentials is answered, e.g. 422 for missing fields."""


class NoAuth(_Strict):
    """The API is open; a connection only names who uses it."""

    type: Literal["none"] = "none"


class ApiKeyAuth(_Strict):
    """A key in a header, a query parameter, a field of the body, or a part of the base URL's path."""

    type: Literal["api_key"]
    location: Literal["header", "query", "body", "path"] = "header"
    name: Annotated[str, Field(min_length=1, max_length=50)]
    """Header, parameter or field that carries the key; in the path, the placeholder in its place."""
    prefix: HeaderValue = ""
    """Stands before the key, e.g. `Token `."""


class BasicAuth(_Strict):
    """User name and password."""

    type: Literal["basic"]


class BearerAuth(_Strict):
    """A token that does not change, e.g. a personal access token."""

    type: Literal["bearer"]


class OAuth1Auth(_Strict):
    """OAuth 1.0a (RFC 5849), three-legged."""

    type: Literal["oauth1"]
    request_token_url: Annotated[str, Field(max_length=250)]
    authorize_url: Annotated[str, Field(max_length=250)]
    token_url: Annotated[str, Field(max_length=250)]
    identity: Identity | None = None


class HmacAuth(_Strict):
    """A signature over parts of the request, in a header."""

    type: Literal["hmac"]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    fields: Annotated[tuple[Annotated[str, Field(max_length=50)], ...], Field(min_length=1)]
    """What is signed, in this order: `method`, `path`, `query`, `body`, `timestamp`, `key`."""
    separator: Annotated[str, Field(max_length=20)] = ""
    key_format: Literal["base64", "hex", "raw"] = "raw"
    """How the connection's secret is written."""
    encoding: Literal["hex", "base64"] = "hex"
    header: HeaderName = "X-Signature"
    prefix: HeaderValue = ""
    key_header: HeaderName | None = None
    """Carries the connection's key id, when the API wants it."""
    timestamp_header: HeaderName | None = None

    @field_validator("fields")
    @classmethod
    def _require_known_fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("method", "path", "query", "body", "timestamp", "key")
        if unknown := [name for name in value if name not in known]:
            raise ValueError(f"{', '.join(unknown)}: a signed field is one of {', '.join(known)}")
        return value


Auth = Annotated[
    NoAuth | ApiKeyAuth | KeysAuth | BasicAuth | BearerAuth | OAuth2Auth | OAuth1Auth | HmacAuth,
    Field(discriminator="type"),
]


class RetryPolicy(_Strict):
    """Which answers are worth another try, and how many there are in all."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    statuses: tuple[int, ...] = (429, 502, 503, 504)
    methods: tuple[str, ...] = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
    """Methods that may be repeated; any method is after 429, 403 and 503 that say when to come back."""
    remaining_header: HeaderName | None = None
    """Says how many requests are left, in place of the usual names (`X-RateLimit-Remaining`)."""
    reset_header: HeaderName | None = None
    """Says when the limit is lifted, in place of the usual names (`X-RateLimit-Reset`)."""
    reset: Literal["auto", "seconds", "ms", "epoch", "epoch_ms"] = "auto"
    """What it counts: seconds or milliseconds from now, or since 1970 (`epoch`); `auto` goes by the size."""


class RateLimit(_Strict):
    """How many calls a connection may make in a time."""

    requests: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0, le=31 * 86_400)] = 1.0


class Category(_Strict):
    """A heading in the catalogue."""

    name: Annotated[str, Field(max_length=100)]
    slug: Annotated[str, Field(max_length=100, pattern=r"^[-a-zA-Z0-9_]+$")]


class IntegrationDefinition(_Strict):
    """A third-party HTTP API."""

    id: Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    name: Annotated[str, Field(min_length=1, max_length=150)]
    version: Annotated[str, Field(max_length=10)] = "1"
    description: str = ""
    base_url: Annotated[str, Field(max_length=200)]
    """`https://{shop}.example.com/api`: a placeholder is filled from the connection."""
    inputs: Annotated[dict[str, ConnectionInput], Field(max_length=20)] = Field(default_factory=dict)
    """The values that placeholders may have, and the usual ones."""
    auth: Auth = NoAuth()
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Sent with every call."""
    body: BodyFormat = BodyFormat()
    after_connect: AfterConnect | None = None
    """What the service is asked once an account is connected; its answer fills further placeholders."""
    docs_url: Annotated[str, Field(max_length=200)] | None = None
    website_url: Annotated[str, Field(max_length=200)] | None = None
    status_check_url: Annotated[str, Field(max_length=250)] | None = None
    """Path below the base URL; a connection works when it answers 2xx."""
    status_check: StatusCheck = StatusCheck()
    """How that is asked, and what else means that a connection works."""
    icon: str | None = None
    categories: tuple[Category, ...] = ()
    is_sandbox: bool = False
    retry: RetryPolicy = RetryPolicy()
    refusal: Refusal = Refusal()
    rate_limit: RateLimit | None = None
    pagination: Pagination | None = None

    @field_validator("id")
    @classmethod
    def _refuse_reserved(cls, value: str) -> str:
        if value in RESERVED_IDS:
            raise ValueError(f"{value!r} is reserved; choose another id")
        return value

    @field_validator("base_url")
    @classmethod
    def _require_http_url(cls, value: str) -> str:
        if not re.match(r"^(https?://[^/?#@\s]+|\{[a-z][a-z0-9_]*\})(/[^?#\s]*)?$", value):
            raise ValueError("a base URL is http(s)://host[/path], without user, query or fragment")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _require_token_values_where_they_stand(self) -> "IntegrationDefinition":
        names = self.token_values
        if self.base_url.startswith("{") and _PLACEHOLDER.findall(self.base_url)[0] not in (
            *names,
            *self.asked_values,
        ):
            raise ValueError(
                "base_url: only a value that the token endpoint tells (`auth.token_values`), or the service"
                " (`after_connect`), is a whole URL"
            )
        if isinstance(self.auth, OAuth2Auth):
            request = [self.auth.token_url, self.auth.authorize_url or "", *self.auth.token_params.values()]
            for text in (*request, *self.auth.token_headers.values()):
                if early := [name for name in _PLACEHOLDER.findall(text) if name in names]:
                    raise ValueError(
                        f"auth: {early[0]!r} is told by the token endpoint, so the request cannot hold it"
                    )
        return self

    @model_validator(mode="after")
    def _require_asked_values_where_they_stand(self) -> "IntegrationDefinition":
        asked = self.after_connect
        if asked is None:
            return self
        for name in asked.values:
            if name in self.inputs or name in self.token_values or name in (CLIENT_ID, *self.credential_fields):
                raise ValueError(f"after_connect: {name!r} has a value already; choose another name")
        early = [*_auth_texts(self.auth), asked.url, *([self.base_url] if asked.url.startswith("/") else [])]
        if found := [name for text in early for name in _PLACEHOLDER.findall(text) if name in asked.values]:
            raise ValueError(f"after_connect: {found[0]!r} is needed before it is asked for")
        return self

    @property
    def asked_values(self) -> tuple[str, ...]:
        """Names of what a connection is told by the service once it is connected."""
        return () if self.after_connect is None else tuple(self.after_connect.values)

    @property
    def token_values(self) -> tuple[str, ...]:
        """Names of what a connection is told by the token endpoint."""
        return tuple(self.auth.token_values) if isinstance(self.auth, OAuth2Auth) else ()

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names that a connection must give a value for, beside its secrets."""
        urls = [self.base_url, *_auth_texts(self.auth), *([self.after_connect.url] if self.after_connect else [])]
        told = {*self.token_values, *self.asked_values}
        names = dict.fromkeys(name for url in urls for name in _PLACEHOLDER.findall(url) if name not in told)
        own = told | ({CLIENT_ID} if isinstance(self.auth, OAuth2Auth) else set())
        in_headers = (name for value in self.headers.values() for name in _PLACEHOLDER.findall(value))
        names.update(dict.fromkeys(name for name in in_headers if name not in own))
        if is_key_in_path(self):
            names.pop(self.auth.name, None)  # type: ignore[union-attr]  # an ApiKeyAuth then
        return tuple(names)

    @property
    def credential_fields(self) -> tuple[str, ...]:
        """Names of the secrets that a connection's form asks for."""
        match self.auth:
            case ApiKeyAuth():
                return ("api_key",)
            case BasicAuth():
                return ("username", "password")
            case BearerAuth():
                return ("token",)
            case HmacAuth():
                return ("key", "secret")
            case OAuth1Auth():
                return ("client_key", "client_secret", "token", "token_secret")
            case KeysAuth() as auth:
                return auth.fields
            case _:
                return ()


def _auth_texts(auth: Auth) -> tuple[str, ...]:
    """What is filled in before there are credentials."""
    match auth:
        case OAuth2Auth():
            fixed = (auth.authorize_url or "", auth.token_url)
            return (*fixed, *auth.token_params.values(), *auth.token_headers.values())
        case OAuth1Auth():
            return (auth.request_token_url, auth.authorize_url, auth.token_url)
        case _:
            return ()


def is_key_in_path(definition: IntegrationDefinition) -> bool:
    """Whether the connection's key is a part of its base URL, as Telegram's bots have it."""
    return isinstance(definition.auth, ApiKeyAuth) and definition.auth.location == "path"


def fill_base_url(
    definition: IntegrationDefinition, values: Mapping[str, str], credentials: Mapping[str, Any] | None = None
) -> str:
    """The base URL of one connection. Raises ValueError when a value could change more than its place.

    A key that stands in the path, and what the token endpoint tells, are taken from `credentials`; without them their
    placeholders stay.
    """
    values = completed(definition.inputs, values)
    key_in_path = definition.auth.name if is_key_in_path(definition) else None  # type: ignore[union-attr]  # an ApiKeyAuth then

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in definition.asked_values:
            asked = _asked(name, values, definition)
            return _whole_url(name, asked, definition) if match.start() == 0 else _value(name, {name: asked})
        if name != key_in_path and name not in definition.token_values:
            return _value(name, values)
        if credentials is None:
            return match.group(0)
        if name == key_in_path:
            return quote(credentials["api_key"], safe=":")
        told = _told(name, credentials)
        return _whole_url(name, told, definition) if match.start() == 0 else _value(name, {name: told})

    return _PLACEHOLDER.sub(fill, definition.base_url)


def fill_headers(
    definition: IntegrationDefinition,
    values: Mapping[str, str],
    credentials: Mapping[str, Any],
    *,
    without: Container[str] = (),
) -> dict[str, str]:
    """The definition's headers for one connection. Raises ValueError as `fill_base_url` does.

    Those named in `without`, in lower case, are left out, so that what they lack does not matter.
    """
    values = completed(definition.inputs, values)
    told = {*definition.token_values, CLIENT_ID} if isinstance(definition.auth, OAuth2Auth) else set()

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in definition.asked_values:
            return check_header_value(_asked(name, values, definition))
        if name not in told or (name == CLIENT_ID and CLIENT_ID in values):
            return _value(name, values)
        return check_header_value(_told(name, credentials))

    return {
        header: _PLACEHOLDER.sub(fill, value) if "{" in value else value
        for header, value in definition.headers.items()
        if header.lower() not in without
    }


def missing_values(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> list[str]:
    """What calls need and the token endpoint has not told yet."""
    if not isinstance(definition.auth, OAuth2Auth):
        return []
    texts = [text for text in (definition.base_url, *definition.headers.values()) if "{" in text]
    needed = {name for text in texts for name in _PLACEHOLDER.findall(text)}
    if not needed:
        return []
    told = {*definition.token_values, CLIENT_ID} - set(definition.placeholders)
    return sorted(needed & told - set(credentials.get("values", {})))


def missing_answers(definition: IntegrationDefinition, values: Mapping[str, str]) -> list[str]:
    """Returns what a connection should have been told by the service and was not."""
    return [name for name in definition.asked_values if not values.get(name)]


def check_placeholders(definition: IntegrationDefinition, values: Mapping[str, str]) -> None:
    """Raises ValueError for a value that could change more than its place."""
    for name in definition.placeholders:
        value, one = _value(name, values), definition.inputs.get(name)
        if one is not None and not one.allows(value):
            raise ValueError(f"{name!r} is one of {', '.join(one.choices)}, not {value!r}")


def fill_url(url: str, values: Mapping[str, str]) -> str:
    """A text of the definition's for one connection. Raises ValueError as `fill_base_url` does."""
    return _PLACEHOLDER.sub(lambda match: _value(match.group(1), values), url)


def _value(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name, "")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", value):
        raise ValueError(f"{name!r} is letters, digits, dots and dashes, not {value!r}")
    return value


def _asked(name: str, values: Mapping[str, str], definition: IntegrationDefinition) -> str:
    if not (asked := values.get(name)):
        raise ValueError(
            f"the connection has no {name!r} yet, which {definition.name} tells once it is connected: POST to"
            f" /api/integrations/{definition.id}/connections/.../choices/ to ask for it"
        )
    return asked


def _told(name: str, credentials: Mapping[str, Any]) -> str:
    told = credentials.get("values", {}).get(name)
    if told is None:
        raise ValueError(f"the provider has not told {name!r} with the token; connect the account again")
    return str(told)


def _whole_url(name: str, told: str, definition: IntegrationDefinition) -> str:
    # The credentials go there: never in the clear, unless the address came so.
    if definition.after_connect is not None and name in definition.asked_values:
        source = definition.after_connect.url
        source = definition.base_url if source.startswith("/") else source
    else:
        assert isinstance(definition.auth, OAuth2Auth)
        source = definition.auth.token_url
    is_secure = not source.startswith("http://")
    if not re.fullmatch(rf"{'https' if is_secure else 'https?'}://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~/-]*)?", told):
        raise ValueError(f"the provider told {name!r}, which is not the address of a service: {told[:100]!r}")
    return told.rstrip("/")
