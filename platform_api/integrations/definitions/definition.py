"""Declares an integration: where its API is and how a connection authenticates to it.

The built-in catalogue is a folder of YAML files in this form; an organization's own definitions are stored rows.
"""

import re
from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, ValidationInfo, field_validator, model_validator

from platform_api.integrations.definitions.addresses import Endpoint, Icon, WebAddress
from platform_api.integrations.definitions.after_connect import AfterConnect
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.definitions.inputs import ConnectionInput, completed
from platform_api.integrations.definitions.keys_auth import KeysAuth
from platform_api.integrations.definitions.oauth2_auth import Identity as Identity
from platform_api.integrations.definitions.oauth2_auth import OAuth2Auth as OAuth2Auth
from platform_api.integrations.definitions.pagination import STORED, Pagination
from platform_api.integrations.definitions.refusal import Refusal
from platform_api.integrations.definitions.types import (
    HeaderName,
    HeaderValue,
    check_header_value,
)
from platform_api.integrations.definitions.types import Strict as _Strict

RESERVED_IDS = frozenset({"mailer", "catalogue", "connections", "oauth", "calls", "import"})
CLIENT_ID = "client_id"
"""In the headers of an OAuth 2 definition, `{client_id}` is the id of the organization's OAuth client."""
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_OTHER_BASE_URL = re.compile(r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")


class NoAuth(_Strict):
    """Declares an open API; a connection only names who uses it."""

    type: Literal["none"] = "none"


class ApiKeyAuth(_Strict):
    """Declares a key in a header, a query parameter, a field of the body, or a part of the base URL's path."""

    type: Literal["api_key"]
    location: Literal["header", "query", "body", "path"] = "header"
    name: Annotated[str, Field(min_length=1, max_length=50)]
    """Header, parameter or field that carries the key; for `path`, the placeholder that stands for it."""
    prefix: HeaderValue = ""
    """Precedes the key, e.g. `Token `."""


class BasicAuth(_Strict):
    """Declares authentication by user name and password."""

    type: Literal["basic"]


class BearerAuth(_Strict):
    """Declares a token that does not change, e.g. a personal access token."""

    type: Literal["bearer"]


class OAuth1Auth(_Strict):
    """Declares OAuth 1.0a (RFC 5849), three-legged."""

    type: Literal["oauth1"]
    request_token_url: WebAddress
    authorize_url: WebAddress
    token_url: WebAddress
    identity: Identity | None = None


class HmacAuth(_Strict):
    """Declares a signature over parts of the request, in a header."""

    type: Literal["hmac"]
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    fields: Annotated[tuple[Annotated[str, Field(max_length=50)], ...], Field(min_length=1)]
    """The parts that are signed, in this order: `method`, `path`, `query`, `body`, `timestamp`, `key`."""
    separator: Annotated[str, Field(max_length=20)] = ""
    key_format: Literal["base64", "hex", "raw"] = "raw"
    """How the connection's secret is encoded."""
    encoding: Literal["hex", "base64"] = "hex"
    header: HeaderName = "X-Signature"
    prefix: HeaderValue = ""
    key_header: HeaderName | None = None
    """Carries the connection's key id, where the API needs it."""
    timestamp_header: HeaderName | None = None

    @field_validator("fields")
    @classmethod
    def _require_known_fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("method", "path", "query", "body", "timestamp", "key")
        if unknown := [name for name in value if name not in known]:
            raise ValueError(f"{', '.join(unknown)}: a signed field must be one of {', '.join(known)}")
        return value


Auth = Annotated[
    NoAuth | ApiKeyAuth | KeysAuth | BasicAuth | BearerAuth | OAuth2Auth | OAuth1Auth | HmacAuth,
    Field(discriminator="type"),
]


class RetryPolicy(_Strict):
    """Declares which answers are retried, and how many attempts there are in all."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    statuses: tuple[int, ...] = (429, 502, 503, 504)
    methods: tuple[str, ...] = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
    """Methods that may be retried; after a 429, 403 or 503 that says when to retry, any method is."""
    remaining_header: HeaderName | None = None
    """The header with the number of requests left, where it has another name than `X-RateLimit-Remaining`."""
    reset_header: HeaderName | None = None
    """The header with the time when the limit is reset, where it has another name than `X-RateLimit-Reset`."""
    reset: Literal["auto", "seconds", "ms", "epoch", "epoch_ms"] = "auto"
    """The unit of that time: seconds or milliseconds from now, or since 1970 (`epoch`); `auto` goes by its size."""


class StatusCheck(_Strict):
    """Declares how a definition's `status_check_url` is called; some services have none that answers a plain GET."""

    method: Literal["GET", "POST"] = "GET"
    data: dict[str, Any] | None = None
    """The body, written as the definition's `body` says."""
    accepted: Annotated[tuple[Annotated[int, Field(ge=400, le=499)], ...], Field(max_length=10)] = ()
    """Statuses beside 2xx that only valid credentials are answered with, e.g. 422 for missing fields."""


class RateLimit(_Strict):
    """Declares how many calls a connection may make per period."""

    requests: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0, le=31 * 86_400)] = 1.0


class Category(_Strict):
    """Names a heading in the catalogue."""

    name: Annotated[str, Field(max_length=100)]
    slug: Annotated[str, Field(max_length=100, pattern=r"^[-a-zA-Z0-9_]+$")]


class IntegrationDefinition(_Strict):
    """Declares a third-party HTTP API."""

    id: Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    name: Annotated[str, Field(min_length=1, max_length=150)]
    version: Annotated[str, Field(max_length=10)] = "1"
    description: str = ""
    base_url: Annotated[str, Field(max_length=200)]
    """May have placeholders, as `https://{shop}.example.com/api`, which each connection fills."""
    other_base_urls: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=50)] = ()
    """Further addresses that calls may go to, with the same credentials: a host for uploads, say."""
    inputs: Annotated[dict[str, ConnectionInput], Field(max_length=20)] = Field(default_factory=dict)
    """The allowed and the default values of placeholders."""
    auth: Auth = NoAuth()
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Sent with every call."""
    body: BodyFormat = BodyFormat()
    after_connect: AfterConnect | None = None
    """A request to the service once an account is connected; its answer fills further placeholders."""
    docs_url: Annotated[WebAddress, Field(max_length=200)] | None = None
    website_url: Annotated[WebAddress, Field(max_length=200)] | None = None
    status_check_url: Endpoint | None = None
    """Path below the base URL that tests a connection: it works when the answer is 2xx."""
    status_check: StatusCheck = StatusCheck()
    """How that path is called, and which other answers mean that a connection works."""
    icon: Icon | None = None
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
    def _require_http_url(cls, value: str, info: ValidationInfo) -> str:
        is_url = re.match(r"^(https?://[^/?#@\s]+|\{[a-z][a-z0-9_]*\})(/[^?#\s]*)?$", value)
        # Definitions that were stored before this was checked are still read.
        is_clean = info.context == STORED or (value.isprintable() and "\\" not in value)
        if not is_url or not is_clean:
            raise ValueError("a base URL must be http(s)://host[/path], without a user, query or fragment")
        return value.rstrip("/")

    @field_validator("other_base_urls")
    @classmethod
    def _require_http_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if faulty := [url for url in value if not _OTHER_BASE_URL.match(url)]:
            raise ValueError(
                f"each must be http(s)://host[/path], without a user, query or fragment, not {faulty[0]!r}"
            )
        return tuple(dict.fromkeys(url.rstrip("/") for url in value))

    @model_validator(mode="after")
    def _require_placeholders_of_the_base_url(self) -> "IntegrationDefinition":
        names = set(_PLACEHOLDER.findall(self.base_url))
        for url in self.other_base_urls:
            if unknown := [name for name in _PLACEHOLDER.findall(url) if name not in names]:
                raise ValueError(
                    f"other_base_urls: {unknown[0]!r} must also stand in base_url, which gives it a value"
                )
        return self

    @model_validator(mode="after")
    def _require_token_values_where_they_stand(self) -> "IntegrationDefinition":
        names = self.token_values
        if self.base_url.startswith("{") and _PLACEHOLDER.findall(self.base_url)[0] not in (
            *names,
            *self.asked_values,
        ):
            raise ValueError(
                "base_url: only a value from the token endpoint (`auth.token_values`) or from the service"
                " (`after_connect`) can be a whole URL"
            )
        if isinstance(self.auth, OAuth2Auth):
            request = [self.auth.token_url, self.auth.authorize_url or "", *self.auth.token_params.values()]
            for text in (*request, *self.auth.token_headers.values()):
                if early := [name for name in _PLACEHOLDER.findall(text) if name in names]:
                    raise ValueError(
                        f"auth: {early[0]!r} comes from the token endpoint, so the request to it cannot use it"
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
        if unavailable := [name for text in early for name in _PLACEHOLDER.findall(text) if name in asked.values]:
            raise ValueError(f"after_connect: {unavailable[0]!r} is needed before the service has given it")
        return self

    @property
    def asked_values(self) -> tuple[str, ...]:
        """Returns the names of the values that the service gives once an account is connected."""
        return () if self.after_connect is None else tuple(self.after_connect.values)

    @property
    def token_values(self) -> tuple[str, ...]:
        """Returns the names of the values that the token endpoint gives."""
        return tuple(self.auth.token_values) if isinstance(self.auth, OAuth2Auth) else ()

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Returns the names that each connection must give a value for, beside its secrets."""
        urls = [self.base_url, *_auth_texts(self.auth), *([self.after_connect.url] if self.after_connect else [])]
        from_service = {*self.token_values, *self.asked_values}
        names = dict.fromkeys(name for url in urls for name in _PLACEHOLDER.findall(url) if name not in from_service)
        own = from_service | ({CLIENT_ID} if isinstance(self.auth, OAuth2Auth) else set())
        in_headers = (name for value in self.headers.values() for name in _PLACEHOLDER.findall(value))
        names.update(dict.fromkeys(name for name in in_headers if name not in own))
        if is_key_in_path(self):
            names.pop(self.auth.name, None)  # type: ignore[union-attr]  # an ApiKeyAuth then
        return tuple(names)

    @property
    def credential_fields(self) -> tuple[str, ...]:
        """Returns the names of the secrets that the form of a new connection asks for."""
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
    """Returns the texts that are filled before there are credentials."""
    match auth:
        case OAuth2Auth():
            fixed = (auth.authorize_url or "", auth.token_url)
            return (*fixed, *auth.token_params.values(), *auth.token_headers.values())
        case OAuth1Auth():
            return (auth.request_token_url, auth.authorize_url, auth.token_url)
        case _:
            return ()


def is_key_in_path(definition: IntegrationDefinition) -> bool:
    """Returns whether the connection's key is a part of its base URL, as with Telegram bots."""
    return isinstance(definition.auth, ApiKeyAuth) and definition.auth.location == "path"


def fill_base_url(
    definition: IntegrationDefinition, values: Mapping[str, str], credentials: Mapping[str, Any] | None = None
) -> str:
    """Returns the base URL of a connection. Raises ValueError for a value that would change more than its part.

    A key in the path and the values from the token endpoint are taken from `credentials`; without credentials, their
    placeholders stay.
    """
    return _filled(definition.base_url, definition, values, credentials)


def fill_other_base_urls(
    definition: IntegrationDefinition, values: Mapping[str, str], credentials: Mapping[str, Any]
) -> dict[str, str]:
    """Returns the other base URLs of a connection by how callers may write them: filled, or with placeholders.

    The base URL is among them only as it is written with placeholders. Raises ValueError as `fill_base_url` does.
    """
    filled = {url: _filled(url, definition, values, credentials) for url in definition.other_base_urls}
    written = {**filled, **{url: url for url in filled.values()}}
    if "{" in definition.base_url:
        written[definition.base_url] = fill_base_url(definition, values, credentials)
    return written


def _filled(
    url: str, definition: IntegrationDefinition, values: Mapping[str, str], credentials: Mapping[str, Any] | None
) -> str:
    values = completed(definition.inputs, values)
    key_in_path = definition.auth.name if is_key_in_path(definition) else None  # type: ignore[union-attr]  # an ApiKeyAuth then

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in definition.asked_values:
            value = _asked_value(name, values, definition)
            return _whole_url(name, value, definition) if match.start() == 0 else _value(name, {name: value})
        if name != key_in_path and name not in definition.token_values:
            return _value(name, values)
        if credentials is None:
            return match.group(0)
        if name == key_in_path:
            return quote(credentials["api_key"], safe=":")
        value = _token_value(name, credentials)
        return _whole_url(name, value, definition) if match.start() == 0 else _value(name, {name: value})

    return _PLACEHOLDER.sub(fill, url)


def fill_headers(
    definition: IntegrationDefinition,
    values: Mapping[str, str],
    credentials: Mapping[str, Any],
    *,
    without: Container[str] = (),
) -> dict[str, str]:
    """Returns the definition's headers for a connection. Raises ValueError as `fill_base_url` does.

    Headers named in `without` (in lower case) are left out, so that their values may be missing.
    """
    values = completed(definition.inputs, values)
    from_provider = {*definition.token_values, CLIENT_ID} if isinstance(definition.auth, OAuth2Auth) else set()

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in definition.asked_values:
            return check_header_value(_asked_value(name, values, definition))
        if name not in from_provider or (name == CLIENT_ID and CLIENT_ID in values):
            return _value(name, values)
        return check_header_value(_token_value(name, credentials))

    return {
        header: _PLACEHOLDER.sub(fill, value) if "{" in value else value
        for header, value in definition.headers.items()
        if header.lower() not in without
    }


def missing_values(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> list[str]:
    """Returns the names that calls need and the token endpoint has not given yet."""
    if not isinstance(definition.auth, OAuth2Auth):
        return []
    texts = [text for text in (definition.base_url, *definition.headers.values()) if "{" in text]
    needed = {name for text in texts for name in _PLACEHOLDER.findall(text)}
    if not needed:
        return []
    from_provider = {*definition.token_values, CLIENT_ID} - set(definition.placeholders)
    return sorted(needed & from_provider - set(credentials.get("values", {})))


def missing_answers(definition: IntegrationDefinition, values: Mapping[str, str]) -> list[str]:
    """Returns the names of `after_connect` that the service has not given yet."""
    return [name for name in definition.asked_values if not values.get(name)]


def check_placeholders(definition: IntegrationDefinition, values: Mapping[str, str]) -> None:
    """Raises ValueError for a value that is not allowed, or would change more than its placeholder."""
    for name in definition.placeholders:
        value, declared = _value(name, values), definition.inputs.get(name)
        if declared is not None and not declared.allows(value):
            raise ValueError(f"{name!r} must be one of {', '.join(declared.choices)}, not {value!r}")


def fill_url(url: str, values: Mapping[str, str]) -> str:
    """Returns a text of the definition filled for a connection. Raises ValueError as `fill_base_url` does."""
    return _PLACEHOLDER.sub(lambda match: _value(match.group(1), values), url)


def _value(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name, "")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", value):
        raise ValueError(f"{name!r} may hold only letters, digits, dots and dashes, not {value!r}")
    return value


def _asked_value(name: str, values: Mapping[str, str], definition: IntegrationDefinition) -> str:
    if not (value := values.get(name)):
        raise ValueError(
            f"the connection has no {name!r} yet: POST to"
            f" /api/integrations/{definition.id}/connections/.../choices/ to get it from {definition.name}"
        )
    return value


def _token_value(name: str, credentials: Mapping[str, Any]) -> str:
    value = credentials.get("values", {}).get(name)
    if value is None:
        raise ValueError(f"the provider did not send {name!r} with the token; connect the account again")
    return str(value)


def _whole_url(name: str, address: str, definition: IntegrationDefinition) -> str:
    # Credentials are sent there: never over plain HTTP, unless the address itself came over plain HTTP.
    if definition.after_connect is not None and name in definition.asked_values:
        source = definition.after_connect.url
        source = definition.base_url if source.startswith("/") else source
    else:
        assert isinstance(definition.auth, OAuth2Auth)
        source = definition.auth.token_url
    is_secure = not source.startswith("http://")
    if not re.fullmatch(
        rf"{'https' if is_secure else 'https?'}://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~/-]*)?", address
    ):
        raise ValueError(f"the provider's {name!r} is not the URL of a service: {address[:100]!r}")
    return address.rstrip("/")
