"""Builds the control plane, one ASGI application, from flat lists of its parts."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, cast

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from automio import __version__
from platform_api.accounts.endpoints import router as accounts_router
from platform_api.accounts.invitations.endpoints import router as invitations_router
from platform_api.accounts.invitations.link_endpoints import router as invitation_links_router
from platform_api.accounts.resets.endpoints import router as password_resets_router
from platform_api.accounts.sessions.endpoints import router as sessions_router
from platform_api.accounts.set_up.endpoints import router as set_up_router
from platform_api.actions.endpoints import router as actions_router
from platform_api.actions.rerun_endpoints import router as reruns_router
from platform_api.actions.uses import find_actions
from platform_api.admin.endpoints import router as admin_router
from platform_api.apps.endpoints import router as apps_router
from platform_api.cache.app_endpoints import router as app_cache_router
from platform_api.cache.endpoint import CacheEndpoint
from platform_api.cache.lifespan import cache_lifespan
from platform_api.console.endpoints import router as console_router
from platform_api.core.database import Database
from platform_api.core.health import HealthChecks, database_check
from platform_api.core.health import router as health_router
from platform_api.core.http.error_answers import ERROR_RESPONSES, install_error_handlers
from platform_api.core.http.openapi import DescribedApi
from platform_api.core.http.query_parameters import refuse_unknown_parameters
from platform_api.core.http.slashes import SlashTolerance
from platform_api.core.listener import Listener, listener_lifespan
from platform_api.core.middleware.body_limit import BodyLimitMiddleware
from platform_api.core.middleware.compression import CompressionMiddleware
from platform_api.core.middleware.head import HeadMiddleware
from platform_api.core.middleware.request_context import RequestContextMiddleware
from platform_api.core.middleware.security_headers import SecurityHeadersMiddleware
from platform_api.core.remembered import AfterChanges
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.watchers import AccessChanges
from platform_api.csv.endpoints import FORM_BYTES as CSV_FORM_BYTES
from platform_api.csv.endpoints import UPLOAD_PATH as CSV_UPLOAD_PATH
from platform_api.csv.endpoints import exports_router, imports_router
from platform_api.csv.live.endpoints import router as csv_streams_router
from platform_api.csv.new_apps.endpoints import router as apps_from_files_router
from platform_api.csv.own.endpoints import router as own_jobs_router
from platform_api.csv.repairs.endpoints import router as repairs_router
from platform_api.csv.worker import csv_lifespan
from platform_api.deletion.endpoints import router as deletion_router
from platform_api.documents.endpoints import drafts_router, views_router
from platform_api.documents.uses import find_drafts, find_views
from platform_api.files.by_path.endpoints import router as files_by_path_router
from platform_api.files.endpoints import FORM_BYTES as FILE_FORM_BYTES
from platform_api.files.endpoints import UPLOAD_PATH as FILE_UPLOAD_PATH
from platform_api.files.endpoints import link_router as file_link_router
from platform_api.files.endpoints import router as files_router
from platform_api.files.lifespan import files_lifespan
from platform_api.graphql.direct import GraphQLEndpoint
from platform_api.graphql.endpoints import GRAPHQL_PATH
from platform_api.graphql.endpoints import router as graphql_router
from platform_api.graphql.lifespan import graphql_lifespan
from platform_api.graphql.rows.endpoints import router as rows_router
from platform_api.graphql.visibility.endpoints import router as visibility_router
from platform_api.idempotency.lifespan import idempotency_lifespan
from platform_api.integrations.calls.endpoints import router as calls_router
from platform_api.integrations.calls.log_endpoints import router as call_log_router
from platform_api.integrations.calls.parallel_endpoints import router as parallel_calls_router
from platform_api.integrations.connections.activation_endpoints import router as activation_router
from platform_api.integrations.connections.choice_endpoints import router as choices_router
from platform_api.integrations.connections.endpoints import router as connections_router
from platform_api.integrations.connections.pages import router as connect_pages_router
from platform_api.integrations.definitions.endpoints import router as definitions_router
from platform_api.integrations.invocations.endpoints import router as invocations_router
from platform_api.integrations.lifespan import integrations_lifespan
from platform_api.integrations.oauth.endpoints import router as oauth_router
from platform_api.integrations.oauth.pages import router as oauth_pages_router
from platform_api.integrations.openapi.endpoints import IMPORT_PATH as OPENAPI_IMPORT_PATH
from platform_api.integrations.openapi.endpoints import MAX_BODY_BYTES as OPENAPI_MAX_BODY_BYTES
from platform_api.integrations.openapi.endpoints import router as openapi_import_router
from platform_api.language_server.endpoints import router as language_server_router
from platform_api.language_server.lifespan import language_server_lifespan
from platform_api.language_server.runner_endpoints import router as language_server_runner_router
from platform_api.limits.lifespan import limits_lifespan
from platform_api.notifications.inbox.app_endpoints import router as app_notifications_router
from platform_api.notifications.inbox.endpoints import router as inbox_router
from platform_api.notifications.lifespan import notifications_lifespan
from platform_api.notifications.mail.endpoints import mailer_router
from platform_api.notifications.mail.endpoints import router as notifications_router
from platform_api.outbox.lifespan import outbox_lifespan
from platform_api.outbox.worker import OutboxHandlers
from platform_api.plugins.endpoints import router as plugins_router
from platform_api.presence.endpoints import router as presence_router
from platform_api.presence.lifespan import presence_lifespan
from platform_api.retention.endpoints import router as retention_router
from platform_api.retention.lifespan import retention_lifespan
from platform_api.runs.endpoints import router as runs_router
from platform_api.runs.listing.endpoints import router as run_lists_router
from platform_api.runs.reaper import runs_lifespan
from platform_api.runs.runner_endpoints import router as runner_router
from platform_api.syncs.endpoints import router as syncs_router
from platform_api.syncs.uses import find_syncs
from platform_api.syncs.worker import syncs_lifespan
from platform_api.tables.endpoints import router as tables_router
from platform_api.tables.endpoints import tags_router
from platform_api.tables.live.endpoints import router as table_streams_router
from platform_api.tables.live.stream import tables_lifespan
from platform_api.tables.permissions.endpoints import router as table_permissions_router
from platform_api.tables.plans.endpoints import router as table_plans_router
from platform_api.tables.plans.uses import FindUses, UseFinders
from platform_api.tokens.endpoints import router as tokens_router
from platform_api.triggers.endpoints import router as schedules_router
from platform_api.triggers.lifespan import triggers_lifespan
from platform_api.triggers.uses import find_schedules
from platform_api.usage.endpoints import router as usage_router
from platform_api.web.client.pages import router as client_router
from platform_api.web.console import ConsolePages
from platform_api.web.help import router as help_router
from platform_api.web.pages import router as pages_router
from platform_api.web.playground import router as playground_router
from platform_api.web.templating import STATIC_PATH, Assets
from platform_api.webhooks.endpoints import call_router as webhook_call_router
from platform_api.webhooks.endpoints import router as webhooks_router
from platform_api.work.sweep import Sweep, Times


class DirectEndpoint(Protocol):
    """Describes an ASGI application that comes before FastAPI and its middleware, for what must be quick."""

    def serves(self, path: str) -> bool:
        """Tells whether requests and WebSockets to `path` are for this endpoint."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answers an ASGI call. The endpoint itself handles errors and limits."""


API_ROUTERS: Sequence[APIRouter] = (
    accounts_router,
    console_router,
    usage_router,
    admin_router,
    sessions_router,
    set_up_router,
    invitations_router,
    invitation_links_router,
    password_resets_router,
    tokens_router,
    playground_router,
    graphql_router,
    tags_router,
    imports_router,
    exports_router,
    repairs_router,
    csv_streams_router,
    own_jobs_router,
    apps_from_files_router,
    retention_router,
    apps_router,
    deletion_router,
    tables_router,
    table_plans_router,
    table_permissions_router,
    table_streams_router,
    rows_router,
    visibility_router,
    views_router,
    drafts_router,
    app_cache_router,
    app_notifications_router,
    files_by_path_router,
    files_router,
    file_link_router,
    webhooks_router,
    syncs_router,
    webhook_call_router,
    mailer_router,
    call_log_router,
    notifications_router,
    openapi_import_router,
    choices_router,
    inbox_router,
    definitions_router,
    connections_router,
    calls_router,
    invocations_router,
    activation_router,
    parallel_calls_router,
    oauth_router,
    plugins_router,
    run_lists_router,
    runs_router,
    reruns_router,
    actions_router,
    schedules_router,
    runner_router,
    language_server_runner_router,
    language_server_router,
    presence_router,
)
"""Routers of the HTTP API; each is served below `/api` and without the prefix. Words before `{id}` come first."""

ROUTERS_OF_ANY_QUERY: Sequence[APIRouter] = (playground_router, file_link_router, webhook_call_router)
"""Routers whose addresses others call or pass on: what they add to the query is none of our business."""

ROUTERS_BELOW_API_ONLY: Sequence[APIRouter] = (admin_router, set_up_router)
"""Routers without an address of their own besides: a page of the web console has it."""

PAGE_ROUTERS: Sequence[APIRouter] = (
    pages_router,
    help_router,
    client_router,
    health_router,
    oauth_pages_router,
    connect_pages_router,
)
"""Routers of web pages and probes, served as they are."""

USE_FINDERS: Sequence[FindUses] = (find_views, find_drafts, find_syncs, find_actions, find_schedules)
"""What a plan asks for the uses of a column or a table that a change drops or renames."""

LIFESPANS: Sequence[Callable[[Services], AbstractAsyncContextManager[None]]] = (
    limits_lifespan,
    graphql_lifespan,
    tables_lifespan,
    runs_lifespan,
    language_server_lifespan,
    presence_lifespan,
    cache_lifespan,
    notifications_lifespan,
    outbox_lifespan,
    idempotency_lifespan,
    csv_lifespan,
    integrations_lifespan,
    syncs_lifespan,
    triggers_lifespan,
    retention_lifespan,
    listener_lifespan,
    files_lifespan,
)
"""What runs as long as the application does, in this order; each provides its parts and uses those before it.

Settings, Database, Listener and what domains add to (AfterChanges, HealthChecks, OutboxHandlers) are there from the
beginning. Who subscribes to the listener comes before it runs.
"""

DIRECT_ENDPOINTS: Sequence[Callable[[Services], DirectEndpoint]] = (GraphQLEndpoint, CacheEndpoint)
"""Made once, before anything is provided but the settings; asked in this order before everything else."""

READING_POSTS = (re.compile(r"/+(?:api/+)?(?:apps/+graphql|integrations/+[^/]+/+call)/*"),)
"""Paths whose POST answers rows, or what a service answered: compressed like a GET, as no secret of ours is in it."""


class ControlPlane:
    """Serves the ASGI application. `services` are its parts, complete once its lifespan has begun."""

    def __init__(
        self, api: FastAPI, services: Services, *, direct: Sequence[DirectEndpoint], around: ASGIApp
    ) -> None:
        self.api = api
        self.services = services
        self._direct = tuple(direct)
        self._around = around
        trusted = services[Settings].trusted_proxies
        self._behind_proxies = cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, self._serve), list(trusted)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._behind_proxies(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            for endpoint in self._direct:
                if endpoint.serves(scope["path"]):
                    await endpoint(scope, receive, send)
                    return
        await self._around(scope, receive, send)


def create_app(settings: Settings) -> ControlPlane:
    """Creates the control plane for `settings`. Its lifespan opens the connections; migrations have run before."""
    api = DescribedApi(
        title="automio",
        version=__version__,
        summary="Apps on PostgreSQL and GraphQL: tables, actions, integrations.",
        lifespan=_lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses=ERROR_RESPONSES,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    services = api.state.services = Services()
    services.provide(settings)
    services.provide(UseFinders(USE_FINDERS))
    install_error_handlers(api)
    for router in PAGE_ROUTERS:
        api.include_router(router)
    for prefix in ("/api", ""):
        for router in API_ROUTERS:
            if router in ROUTERS_BELOW_API_ONLY and not prefix:
                continue
            dependencies = [] if router in ROUTERS_OF_ANY_QUERY else [Depends(refuse_unknown_parameters)]
            api.include_router(router, prefix=prefix, include_in_schema=bool(prefix), dependencies=dependencies)
    api.mount(STATIC_PATH, Assets())
    api.router.default = ConsolePages(api.router.default)
    api.router.default = SlashTolerance(api)
    around: ASGIApp = BodyLimitMiddleware(
        api,
        limit=settings.max_body_bytes,
        exceptions={
            FILE_UPLOAD_PATH: settings.files_max_bytes + FILE_FORM_BYTES,
            CSV_UPLOAD_PATH: settings.csv_max_bytes + CSV_FORM_BYTES,
            GRAPHQL_PATH: min(settings.graphql_max_body_bytes, settings.max_body_bytes),
            OPENAPI_IMPORT_PATH: OPENAPI_MAX_BODY_BYTES,
        },
    )
    around = CompressionMiddleware(around, reading_posts=READING_POSTS)
    around = RequestContextMiddleware(SecurityHeadersMiddleware(HeadMiddleware(around)))
    return ControlPlane(api, services, direct=[create(services) for create in DIRECT_ENDPOINTS], around=around)


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    services: Services = api.state.services
    settings = services[Settings]
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, pool_size=settings.database_pool_size)
        stack.push_async_callback(database.close)
        services.provide(database)
        listener = Listener(database)
        services.provide(listener)
        services.provide(AccessChanges(listener))
        services.provide(Sweep(database, services.find(Times) or Times()))
        services.provide(AfterChanges())
        services.provide(OutboxHandlers())
        services.provide(HealthChecks()).add("database", database_check(database))
        for part in LIFESPANS:
            await stack.enter_async_context(part(services))
        yield


def _operation_id(route: APIRoute) -> str:
    """Returns the operation's id in OpenAPI, which generated clients use as the name of a method."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name
