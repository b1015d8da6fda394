"""Serves the contract's GraphQL endpoint, `POST /api/apps/graphql/?app=&table=` (§7)."""

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from platform_api.accounts.dependencies import DelegatedActorDep
from platform_api.apps.access import get_usable_app
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.errors import BadRequest, Forbidden, PlatformError
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.http.error_answers import answer_of
from platform_api.core.http.validation import describe_validation_errors, field_errors
from platform_api.core.services import services_of
from platform_api.core.settings import Settings
from platform_api.core.types import AppId
from platform_api.graphql.access import graphql_session
from platform_api.graphql.cors import answer_headers, preflight_headers, refusal_of, requested_headers
from platform_api.graphql.lifespan import GraphQLDep, GraphQLServices
from platform_api.graphql.published_clients import adapt_answer
from platform_api.graphql.requests import foreign_origin, read_headers
from platform_api.tables.repository import get_table

GRAPHQL_PATH = re.compile(r"/+(?:api/+)?apps/+graphql/*")
_AS_ERROR = (400, 401, 404, 429)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GraphQLErrorRoute(APIRoute):
    """Answers 400, 401, 404 and 429 with `error` beside `detail`, which is what the published clients expect here.

    Pages of other origins are told whether they may read the answer, be it an error.
    """

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_with_error(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                errors = error.errors()
                refusal = BadRequest(describe_validation_errors(errors), fields=field_errors(errors, error.body))
                return _refusal(request, refusal)
            except HTTPException as error:
                # FastAPI's own, of a body that is not UTF-8, or too deep or long a number for Python's JSON.
                if error.status_code != 400:
                    raise
                return _refusal(request, BadRequest("the body is no JSON that can be read"))
            except PlatformError as error:
                if error.status_code >= 500:
                    raise
                return _refusal(request, error)

        async def handle_for_page(request: Request) -> Response:
            headers = read_headers(request.scope["headers"])
            services = services_of(request)
            origin = foreign_origin(headers, public_url=services[Settings].public_url)
            if origin is None:
                return await handle_with_error(request)
            foreign_pages = services[GraphQLServices].foreign_pages
            cors = answer_headers(await foreign_pages.allowed(origin, request.query_params.get("app")))
            response = await handle_with_error(request)
            response.raw_headers.extend(cors)
            return response

        return handle_for_page


def _refusal(request: Request, error: PlatformError) -> Response:
    extra = {"error": error.message} if error.status_code in _AS_ERROR else None
    return answer_of(request.scope, error, extra=extra)


router = APIRouter(prefix="/apps/graphql", tags=["graphql"], route_class=GraphQLErrorRoute)
"""Before the apps' own router, whose `{app}` would take `graphql`."""


class GraphQLRequestBody(BaseModel):
    """Describes a GraphQL request."""

    model_config = ConfigDict(extra="ignore")

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(default=None, alias="operationName")


@router.options("/", include_in_schema=False)
async def answer_preflight(
    request: Request,
    settings: SettingsDep,
    graphql: GraphQLDep,
    app: Annotated[str | None, Query(description="As of the request that follows")] = None,
) -> Response:
    """Tells whether a page of another origin may send its request; the answer's other headers come from the route."""
    headers = read_headers(request.scope["headers"])
    origin = foreign_origin(headers, public_url=settings.public_url)
    requested = requested_headers(request.scope["headers"])
    if origin is None or requested is None:
        return Response(status_code=204, headers={"Allow": "POST"})
    if await graphql.foreign_pages.allowed(origin, app) is None:
        raise Forbidden(refusal_of(origin))
    response = Response()
    response.raw_headers.extend(preflight_headers(requested))
    return response


class GraphQLRead(BaseModel):
    """Describes a GraphQL answer."""

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None
    extensions: dict[str, Any] | None = None


@router.post("/", summary="Run a GraphQL document on an app's tables", response_model=GraphQLRead)
async def run_document(
    request: Request,
    actor: DelegatedActorDep,
    session: SessionDep,
    graphql: GraphQLDep,
    body: GraphQLRequestBody,
    app: Annotated[str, Query(description="Id, slug or `<org>/<app>`", max_length=130)],
    table: Annotated[str | None, Query(description="A table of the app, bare or `app_{id}_{name}`")] = None,
) -> Response:
    """Returns GraphQL errors as HTTP 200 with `errors`. The token alone decides which rows are visible."""
    caller = await graphql_session(session, actor, app)
    if table is not None:
        usable_app = await get_usable_app(session, actor, app)
        await get_table(session, AppId(usable_app.id), table)
    # A large document may wait long for its turn.
    await release_connection(session)
    rates = graphql.token_rates
    standing = await rates.take(read_headers(request.scope["headers"]).credential()) if rates is not None else ()
    # The bytes as they came: numbers keep their digits, and nulls in the variables stay.
    answer = await graphql.backend.execute(await request.body(), caller)
    response = Response(adapt_answer(answer.status, answer.body), media_type="application/json")
    response.raw_headers.extend(standing)
    return response
