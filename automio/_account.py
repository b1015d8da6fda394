"""Sends the commands' requests about the caller: the identity behind a token, an app by its id, a new token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

import httpx

from automio._connection_memory import ConnectionMemory
from automio._decode import WireModel
from automio._exceptions import Unauthorized
from automio._exchange import Call, Reply, Request
from automio._http import READ_TIMEOUT, tls_context
from automio._json import encode_json
from automio._operation import Context, Resource, SyncResource, operation
from automio._replies import raise_for_status, read_json
from automio._retry import RetryPolicy
from automio._settings import AppId, Settings, app_in_path
from automio._sync_driver import SyncDriver


@dataclass(frozen=True, kw_only=True)
class AccountOrganization(WireModel):
    """Describes the organization a token acts in."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True, kw_only=True)
class AccountUser(WireModel):
    """Describes the user a token belongs to."""

    id: int
    email: str


@dataclass(frozen=True, kw_only=True)
class Identity(WireModel):
    """Describes the user and organization behind a token, and what the token may do."""

    kind: str
    role: str
    scopes: tuple[str, ...] = ()
    app_id: int | None = None
    user: AccountUser | None = None
    organization: AccountOrganization | None = None


@dataclass(frozen=True, kw_only=True)
class App(WireModel):
    """Describes an app that the caller may see; `activated` is true when the caller's organization can use it."""

    id: int
    name: str
    slug: str
    organization: str
    activated: bool


@dataclass(frozen=True, kw_only=True)
class CreatedToken(WireModel):
    """Describes a new token; `token` is the secret itself, which the platform shows only once."""

    token: str
    expires_at: datetime | None = None


class AccountOperations(Resource):
    """Makes requests about the caller."""

    @operation
    def identity(self) -> Call[Identity]:
        """Returns the user, organization and scopes of the configured token."""
        return Call(
            Request(method="GET", path="/api/me/", repeatable=True),
            lambda reply: Identity.from_wire(read_json(reply)),
        )

    @operation
    def app(self, app: AppId) -> Call[App]:
        """Returns the app with an id, a slug or `<organization>/<slug>`; app slugs are unique on a platform."""
        return Call(
            Request(method="GET", path=f"/api/apps/{app_in_path(app)}/", repeatable=True),
            lambda reply: App.from_wire(read_json(reply)),
        )

    @operation
    def create_token(self, name: str, app_id: int, scopes: Sequence[str]) -> Call[CreatedToken]:
        """Creates a token that is bound to one app; `scopes` cannot exceed the caller's own."""
        body = {"name": name, "app": app_id, "scopes": list(scopes)}
        return Call(
            Request(method="POST", path="/api/tokens/", content=encode_json(body)),
            lambda reply: CreatedToken.from_wire(read_json(reply)),
        )

    @operation
    def sign_in(self, email: str, password: str) -> Call[None]:
        """Signs a user in for the requests that follow; raises Unauthorized for a wrong e-mail or password."""
        body = {"email": email, "password": password}
        return Call(Request(method="POST", path="/api/sessions/", content=encode_json(body)), _read_sign_in)


class Account(AccountOperations, SyncResource):
    """Makes requests about the caller, who is identified by a token or by signing in."""

    @classmethod
    def of_token(cls, base_url: str, token: str) -> Self:
        """Returns a client that identifies itself with a token."""
        settings = Settings(base_url=base_url, token=token)
        return cls._create(settings, None)

    @classmethod
    def of_sign_in(cls, base_url: str, email: str, password: str) -> Self:
        """Signs a user in and returns a client for them; raises Unauthorized for a wrong e-mail or password."""
        settings = Settings(base_url=base_url, token="")
        account = cls._create(settings, _SignInTransport(settings))
        account.sign_in(email, password)
        return account

    @classmethod
    def _create(cls, settings: Settings, transport: httpx.BaseTransport | None) -> Self:
        driver = SyncDriver(settings, timeout=READ_TIMEOUT, retry=RetryPolicy(attempts=2), transport=transport)
        return cls(driver, Context(settings=settings, memory=ConnectionMemory(None)))

    def close(self) -> None:
        """Releases connections."""
        self._driver.close()


class _SignInTransport(httpx.BaseTransport):
    """Sends the session cookie in place of a token, and the `Origin` header that the platform requires with it."""

    def __init__(self, settings: Settings) -> None:
        self._inner = httpx.HTTPTransport(verify=tls_context(settings))
        self._cookies = httpx.Cookies()
        address = urlsplit(settings.base_url)
        self._origin = f"{address.scheme}://{address.netloc}"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        del request.headers["Authorization"]
        request.headers["Origin"] = self._origin
        self._cookies.set_cookie_header(request)
        response = self._inner.handle_request(request)
        response.request = request
        self._cookies.extract_cookies(response)
        return response

    def close(self) -> None:
        self._inner.close()


def _read_sign_in(reply: Reply) -> None:
    if reply.status == 401:
        raise Unauthorized(
            "The platform does not accept this e-mail and password.", status=401, request_id=reply.request_id
        )
    raise_for_status(reply)
