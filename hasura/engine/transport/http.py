"""Serves the engine over HTTP as an ASGI application: GraphQL, metadata, query, health, version."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

import asyncpg

from hasura.database_address import address_of, reason_of
from hasura.engine import exact_json
from hasura.engine.engine import Engine
from hasura.engine.errors import EngineError, Unexpected
from hasura.engine.execution.operations import GraphQLRequest
from hasura.engine.logging import log
from hasura.engine.session import Session
from hasura.engine.transport.asgi import (
    JSON_HEADERS,
    BodyTooLarge,
    ClientGone,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    decode_headers,
    read_body,
    text_of,
)
from hasura.engine.transport.authentication import Authenticator
from hasura.engine.transport.cors import CorsPolicy
from hasura.engine.transport.rest import find_query, read_variables
from hasura.engine.transport.watching import ClientWatch
from hasura.engine.transport.websocket import serve_websocket

_MAX_BODY_BYTES = 100 * 1024 * 1024

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]


class EngineApp:
    """Routes by exact path; everything else is 404."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._authenticator = Authenticator(engine.options)
        self._watch = ClientWatch()
        self._cors = CorsPolicy(engine.options.cors_domain)
        apis = engine.options.enabled_apis
        self._endpoints: dict[tuple[str, str], Endpoint] = {
            ("GET", "/healthz"): self._healthz,
            ("GET", "/v1/version"): self._version,
        }
        if "graphql" in apis:
            self._endpoints |= {
                ("POST", "/v1/graphql"): self._graphql,
                ("POST", "/v1alpha1/graphql"): self._graphql_v1alpha1,
                ("POST", "/v1/graphql/explain"): self._explain,
            }
        if "metadata" in apis:
            self._endpoints |= {("POST", path): self._api for path in ("/v1/metadata", "/v2/query", "/v1/query")}
        self._paths = {path for _, path in self._endpoints}
        self._serves_graphql = "graphql" in apis

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, self._cors.wrap(scope, send))
            case "websocket":
                await self._websocket(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.engine.start()
                except (OSError, asyncpg.PostgresError) as error:
                    await send({"type": "lifespan.startup.failed", "message": self._describe(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.engine.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        endpoint = self._endpoints.get((method, path))
        try:
            if endpoint is not None:
                await endpoint(scope, receive, send)
            elif method == "OPTIONS" and path in self._paths:
                await answer(send, 204, b"")
            elif path.startswith("/api/rest/") and self._serves_graphql:
                await self._rest(scope, receive, send)
            else:
                error = EngineError(f"resource does not exist: {method} {path}", code="not-found")
                await answer_json(send, 404, error.to_api())
        except ClientGone:
            pass
        except BodyTooLarge:
            error = EngineError(f"the body is larger than {_MAX_BODY_BYTES} bytes", code="bad-request")
            await answer_json(send, 413, error.to_api())

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._serves_graphql and scope["path"] in ("/v1/graphql", "/v1alpha1/graphql"):
            await serve_websocket(
                self.engine,
                scope,
                receive,
                send,
                authenticate=lambda headers, _: self._authenticator.authenticate(headers),
            )
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4404})

    async def _graphql(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, max_bytes=_MAX_BODY_BYTES)
        try:
            session = await self._authenticator.authenticate_scope(scope)
        except EngineError as exc:
            await answer(send, 200, self.engine.render_error(exc, None))
            return
        response = await self._watch.run(self.engine.execute(body, session), receive)
        await answer(send, response.status, response.body, JSON_HEADERS + response.headers)

    async def _graphql_v1alpha1(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, max_bytes=_MAX_BODY_BYTES)
        try:
            session = await self._authenticator.authenticate(decode_headers(scope))
        except EngineError as exc:
            await answer_json(send, exc.status, exc.to_graphql_response())
            return
        response = await self.engine.execute(body, session)
        # The older endpoint puts a refusal into the status too.
        status = 400 if response.body.startswith(b'{"errors"') else response.status
        await answer(send, status, response.body)

    async def _explain(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def explain(payload: object, session: Session) -> object:
            return await self.engine.explain(payload, session)

        await self._admin_call(scope, receive, send, explain)

    async def _api(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def run(payload: object, session: Session) -> object:
            return await self.engine.metadata.run(payload, session=session, path=scope["path"])

        await self._admin_call(scope, receive, send, run)

    async def _admin_call(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        run: Callable[[object, Session], Coroutine[Any, Any, object]],
    ) -> None:
        body = await read_body(receive, max_bytes=_MAX_BODY_BYTES)
        session: Session | None = None
        try:
            session = await self._authenticator.authenticate(decode_headers(scope))
            result = await self._watch.run(run(exact_json.loads(body), session), receive)
        except EngineError as exc:
            include = self.engine.shows_internal(session)
            await answer_json(send, exc.status, exc.to_api(include_internal=include))
        except ClientGone:
            raise
        except Exception:
            log.exception("%s failed unexpectedly", scope["path"])
            await answer_json(send, 500, Unexpected("internal server error").to_api())
        else:
            await answer_json(send, 200, result)

    async def _rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, max_bytes=_MAX_BODY_BYTES)
        headers = decode_headers(scope)
        try:
            session = await self._authenticator.authenticate(headers)
            cache = self.engine.schema_cache
            # The raw path: a `%2F` in a parameter is not a separator.
            path = text_of(scope.get("raw_path", scope["path"].encode()).partition(b"?")[0])
            query, in_path = find_query(cache, scope["method"], path)
            in_query = parse_qs(text_of(scope["query_string"]), keep_blank_values=True)
            content_type = headers.get("content-type", "")
            variables = read_variables(query, in_path, in_query, body, content_type=content_type)
            request = GraphQLRequest(query, None, variables)
            value = await self._watch.run(self.engine.operations.run(cache, request, session), receive)
        except EngineError as exc:
            await answer_json(send, exc.status, exc.to_api(include_internal=False))
        except ClientGone:
            raise
        except Exception:
            log.exception("%s failed unexpectedly", scope["path"])
            await answer_json(send, 500, Unexpected("internal server error").to_api())
        else:
            # What GraphQL wraps in `data` is the whole answer here.
            await answer(send, 200, value[len(b'{"data":') : -1])

    def _describe(self, error: Exception) -> str:
        place = address_of(self.engine.options.database_url)
        return f"the database at {place} cannot be used: {reason_of(error)}"

    async def _healthz(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, text = 200, b"OK"
        if self.engine.schema_cache.inconsistent_objects:
            text = b"WARN: inconsistent objects in schema"
        try:
            await self.engine.check_database()
        except asyncpg.TooManyConnectionsError:
            # It answers, and the engine has connections of its own.
            pass
        except (OSError, asyncpg.PostgresError) as error:
            log.error(self._describe(error))
            # Where the database is, is not told to whoever asks: this needs no secret.
            status, text = 500, b"ERROR: the database cannot be reached"
        await answer(send, status, text, ((b"content-type", b"text/plain; charset=utf-8"),))

    async def _version(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer_json(send, 200, {"server_type": "ce", "version": self.engine.options.server_version})
