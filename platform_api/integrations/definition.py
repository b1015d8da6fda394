"""What an integration is, declared: where an API lives and how a connection proves itself to it.

The built-in catalogue is a folder of YAML files in this form; an organization's own definitions are stored in it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from platform_api.integrations.body_format import BodyFormat
from platform_api.integrations.pagination import Pagination

RESERVED_IDS = frozenset({"mailer", "catalogue", "connections", "oauth", "calls", "import"})
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _check_header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    return name


def _check_header_value(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a header value holds no line breaks or other control characters")
    return value


HeaderName = Annotated[str, AfterValidator(_check_header_name)]
HeaderValue = Annotated[str, AfterValidator(_check_header_value)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Identity(_Strict):
    """How the account behind a connection is found out, shown as the connection's name."""

    url: Annotated[str, Field(max_length=250)]
    """Absolute, or a path below the base URL."""
    name: Annotated[str, Field(max_length=200)]
    """Where the name stands in the answer: keys and list indexes joined by dots, e.g. `data.0.email`."""
    method: Literal["GET", "POST"] = "GET"


class OAuth2Auth(_Strict):
    """OAuth 2 (RFC 6749): authorization code, with or without PKCE, or client credentials."""

    type: Literal["oauth2"]
    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    authorize_url: Annotated[str, Field(max_length=250)] | None = None
    token_url: Annotated[str, Field(max_length=250)]
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    pkce: bool = False
    client_authentication: Literal["basic", "post"] = "post"
    """How the client proves itself at the token endpoint."""
    authorize_params: dict[str, str] = {}
    """Added to the authorize URL, e.g. what asks for a refresh token."""
    header_prefix: HeaderValue = "Bearer "
    """Stands before the access token in `Authorization`."""
    identity: Identity | None = None

    @model_validator(mode="after")
    def _require_authorize_url(self) -> "OAuth2Auth":
        if self.grant == "authorization_code" and self.authorize_url is None:
            raise ValueError("the grant authorization_code needs `authorize_url`")
        return self


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
    NoAuth | ApiKeyAuth | BasicAuth | BearerAuth | OAuth2Auth | OAuth1Auth | HmacAuth, Field(discriminator="type")
]


class RetryPolicy(_Strict):
    """Which answers are worth another try, and how many there are in all."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    statuses: tuple[int, ...] = (429, 502, 503, 504)
    methods: tuple[str, ...] = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
    """Methods that may be repeated; after 429 and 503 with `Retry-After` any method is."""


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
    auth: Auth = NoAuth()
    headers: dict[HeaderName, HeaderValue] = {}
    """Sent with every call."""
    body: BodyFormat = BodyFormat()
    docs_url: Annotated[str, Field(max_length=200)] | None = None
    website_url: Annotated[str, Field(max_length=200)] | None = None
    status_check_url: Annotated[str, Field(max_length=250)] | None = None
    """Path below the base URL; a connection works when it answers 2xx."""
    icon: str | None = None
    categories: tuple[Category, ...] = ()
    is_sandbox: bool = False
    retry: RetryPolicy = RetryPolicy()
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
        if not re.match(r"^https?://[^/?#@\s]+(/[^?#\s]*)?$", value):
            raise ValueError("a base URL is http(s)://host[/path], without user, query or fragment")
        return value.rstrip("/")

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names that a connection must give a value for, beside its secrets."""
        urls = [self.base_url]
        if isinstance(self.auth, OAuth2Auth):
            urls += [self.auth.authorize_url or "", self.auth.token_url]
        if isinstance(self.auth, OAuth1Auth):
            urls += [self.auth.request_token_url, self.auth.authorize_url, self.auth.token_url]
        names = dict.fromkeys(name for url in urls for name in _PLACEHOLDER.findall(url))
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
            case _:
                return ()


def is_key_in_path(definition: IntegrationDefinition) -> bool:
    """Whether the connection's key is a part of its base URL, as Telegram's bots have it."""
    return isinstance(definition.auth, ApiKeyAuth) and definition.auth.location == "path"


def fill_base_url(
    definition: IntegrationDefinition, values: Mapping[str, str], credentials: Mapping[str, str] | None = None
) -> str:
    """The base URL of one connection. Raises ValueError when a value could change more than its place.

    A key that stands in the path is taken from `credentials`; without them its placeholder stays.
    """
    key_in_path = definition.auth.name if is_key_in_path(definition) else None  # type: ignore[union-attr]  # an ApiKeyAuth then

    def fill(match: re.Match[str]) -> str:
        if match.group(1) != key_in_path:
            return _value(match.group(1), values)
        return match.group(0) if credentials is None else quote(credentials["api_key"], safe=":")

    return _PLACEHOLDER.sub(fill, definition.base_url)


def fill_url(url: str, values: Mapping[str, str]) -> str:
    """A URL of the definition's for one connection. Raises ValueError as `fill_base_url` does."""
    return _PLACEHOLDER.sub(lambda match: _value(match.group(1), values), url)


def _value(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name, "")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", value):
        raise ValueError(f"{name!r} is letters, digits, dots and dashes, not {value!r}")
    return value
