"""Serves `/v1/graphql` and `/api/apps/{app}/v1/graphql` as raw ASGI, with no framework before the engine."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from hasura.engine.errors import AccessDenied
from hasura.engine.session import Session
from hasura.engine.transport.asgi import headers_in
from platform_api.accounts.authentication import read_authorization
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import BadRequest, Forbidden, PlatformError, Unauthenticated
from platform_api.core.http.compression import MIN_BYTES
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.watchers import AccessChanges
from platform_api.graphql.access import ROLE_VARIABLE, app_of, narrow
from platform_api.graphql.backends.backend import JSON_CONTENT, GraphQLAnswer, RawHeaders
from platform_api.graphql.cors import answer_headers, preflight_headers, refusal_of, requested_headers
from platform_api.graphql.expiry import serve_while_valid
from platform_api.graphql.lifespan import GraphQLServices
from platform_api.graphql.requests import (
    ADMIN_SECRET_HEADER,
    VIEW_AS,
    ClientGone,
    RequestHeaders,
    announced_length,
    as_platform_error,
    compressed,
    error_answer,
    foreign_origin,
    is_graphql_path,
    named_app,
    read_body,
    read_headers,
    refuse_foreign_page,
    send_answer,
)
from platform_api.graphql.sessions import Credential
from platform_api.graphql.viewing import receive_without_changes, without_changes

ADMIN_PATHS = frozenset({"/v1/metadata", "/v1/query", "/v2/query"})


class GraphQLEndpoint:
    """Serves GraphQL over HTTP and WebSocket; with an admin secret configured, also the administrator's endpoints."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services[Settings]
        self._public_url = settings.public_url
        self._body_limit = min(settings.graphql_max_body_bytes, settings.max_body_bytes)
        self._admin_body_limit = settings.max_body_bytes
        secret = settings.hasura_graphql_admin_secret
        self._admin_secret = None if secret is None else secret.get_secret_value()

    def serves(self, path: str) -> bool:
        return is_graphql_path(path) or (self._admin_secret is not None and path in ADMIN_PATHS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope["headers"])
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send, headers)
            return
        cors: RawHeaders = ()
        try:
            if headers.admin_secret is not None or scope["path"] in ADMIN_PATHS:
                await self._serve_admin(scope, receive, send, headers)
                return
            origin = foreign_origin(headers, public_url=self._public_url) if "origin" in headers.own else None
            if origin is not None:
                allowed = await self._allowed_origin(scope, headers, origin)
                cors = answer_headers(allowed)
                if scope["method"] == "OPTIONS" and (requested := requested_headers(scope["headers"])) is not None:
                    await send_answer(send, _preflight(origin, allowed, cors, requested))
                    return
            answer = await self._answer(scope, receive, headers)
            if len(answer.body) >= MIN_BYTES:
                answer = await compressed(answer, headers.own.get("accept-encoding"))
        except ClientGone:
            return
        except Exception as error:  # the last place that can report it in GraphQL's shape
            request_id = f"req_{secrets.token_hex(8)}"
            answer = error_answer(as_platform_error(error, request_id=request_id), request_id=request_id)
        await send_answer(send, replace(answer, headers=(*answer.headers, *cors)) if cors else answer)

    async def _answer(self, scope: Scope, receive: Receive, headers: RequestHeaders) -> GraphQLAnswer:
        if scope["method"] != "POST":
            return _only_post()
        credential = headers.credential()
        if credential.authorization is None and credential.cookie is not None:
            refuse_foreign_page(headers, public_url=self._public_url)
        graphql = self._services[GraphQLServices]
        session = await graphql.sessions.resolve(credential, named_app(scope["path"], headers))
        session = narrow(session, headers.hasura)
        rate_headers = () if graphql.token_rates is None else await graphql.token_rates.take(credential)

        async def read() -> bytes:
            body = await read_body(receive, headers, limit=self._body_limit)
            return body if credential.view_as is None else await without_changes(body)

        length = announced_length(headers, limit=self._body_limit)
        answer = await graphql.backend.execute_read(read, session, announced_bytes=length)
        return replace(answer, headers=(*answer.headers, *rate_headers)) if rate_headers else answer

    async def _allowed_origin(self, scope: Scope, headers: RequestHeaders, origin: str) -> str | None:
        """Returns what the page's origin is allowed on the app: the one named in the request, or the token's."""
        graphql = self._services[GraphQLServices]
        app = named_app(scope["path"], headers)
        credential = headers.credential()
        if app is None and credential.authorization is not None:
            try:
                app = app_of(await graphql.sessions.resolve(credential, None))
            except PlatformError:
                # The request is refused a moment later; the page may read why if any app allows its origin.
                app = None
        return await graphql.foreign_pages.allowed(origin, app)

    async def _serve_admin(self, scope: Scope, receive: Receive, send: Send, headers: RequestHeaders) -> None:
        if self._admin_secret is None:
            raise Unauthenticated("this platform accepts no admin secret; send a token in `Authorization`")
        path = "/v1/graphql" if is_graphql_path(scope["path"]) else scope["path"]
        try:
            self._require_admin_secret(headers.admin_secret)
        except AccessDenied as error:
            if path == "/v1/graphql":
                raise Unauthenticated(error.message) from error
            body = orjson.dumps(error.to_api())
            await send_answer(send, GraphQLAnswer(401, body))
            return
        body = await read_body(receive, headers, limit=self._admin_body_limit)
        backend = self._services[GraphQLServices].backend
        await backend.serve_admin({**scope, "path": path}, _replay(body, receive), send)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send, headers: RequestHeaders) -> None:
        graphql = self._services[GraphQLServices]
        rates = graphql.token_rates
        is_counted = rates is None

        def credential_of(sent: Mapping[str, str]) -> Credential:
            own = headers.credential()
            return Credential(
                sent.get("authorization", own.authorization),
                own.cookie,
                sent.get("x-organization-id", own.organization),
                sent.get(VIEW_AS, own.view_as),
            )

        async def resolve(payload: Mapping[str, Any]) -> Session:
            sent = _headers_of_init(payload)
            if (secret := sent.get(ADMIN_SECRET_HEADER, headers.admin_secret)) is not None:
                return self._admin_session(secret, {**headers.hasura, **sent})
            credential = credential_of(sent)
            if credential.authorization is None and credential.cookie is not None:
                refuse_foreign_page(headers, public_url=self._public_url)
            app = named_app(scope["path"], headers) or sent.get("x-app-id")
            session = await graphql.sessions.resolve(credential, app)
            nonlocal is_counted
            if rates is not None and not is_counted:
                is_counted = True
                await rates.take(credential)
            requested = {name: value for name, value in sent.items() if name.startswith("x-hasura-")}
            return narrow(session, {**headers.hasura, **requested})

        def watching(payload: Mapping[str, Any], wake: Callable[[], None]) -> AbstractContextManager[None]:
            sent = _headers_of_init(payload)
            if sent.get(ADMIN_SECRET_HEADER, headers.admin_secret) is not None:
                # The Authorization is a proxy's, if there is one, and no caller's.
                return nullcontext()
            authorization = credential_of(sent).authorization
            digest = "" if authorization is None else digest_of(read_authorization(authorization)).hex()
            return self._services[AccessChanges].watching(wake, digest)

        def is_viewing(payload: Mapping[str, Any]) -> bool:
            return VIEW_AS in headers.own or VIEW_AS in _headers_of_init(payload)

        checked = receive_without_changes(receive, send, is_viewing=is_viewing)
        await serve_while_valid(graphql.backend, scope, checked, send, resolve=resolve, watching=watching)

    def _require_admin_secret(self, secret: str | None) -> None:
        expected = self._admin_secret
        if secret is None or expected is None or not hmac.compare_digest(secret.encode(), expected.encode()):
            raise AccessDenied('invalid "x-hasura-admin-secret"/"x-hasura-access-key"')

    def _admin_session(self, secret: str, sent: Mapping[str, str]) -> Session:
        self._require_admin_secret(secret)
        variables = {name: value for name, value in sent.items() if name.startswith("x-hasura-")}
        variables.pop(ADMIN_SECRET_HEADER, None)
        role = variables.setdefault(ROLE_VARIABLE, "admin")
        return Session(role=role, variables=variables, is_admin=True)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that replays a body that was already read, then continues with the client's messages."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_again() -> Message:
        replayed = next(messages, None)
        return await receive() if replayed is None else replayed

    return receive_again


def _headers_of_init(payload: Mapping[str, Any]) -> dict[str, str]:
    """Returns the headers in a `connection_init` payload: under `headers`, as Hasura's clients do, or on top."""
    nested = payload.get("headers")
    return headers_in(nested if isinstance(nested, Mapping) else payload)


def _preflight(origin: str, allowed: str | None, cors: RawHeaders, requested: bytes) -> GraphQLAnswer:
    if allowed is None:
        refusal = error_answer(Forbidden(refusal_of(origin)), request_id=f"req_{secrets.token_hex(8)}")
        return replace(refusal, headers=(*refusal.headers, *cors))
    return GraphQLAnswer(200, b"", (*cors, *preflight_headers(requested)))


def _only_post() -> GraphQLAnswer:
    answer = error_answer(BadRequest("GraphQL is served to POST requests and WebSockets"), request_id="")
    return GraphQLAnswer(405, answer.body, (*JSON_CONTENT, (b"allow", b"POST")))
