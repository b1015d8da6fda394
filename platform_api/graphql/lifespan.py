"""Provides what GraphQL needs as long as the application runs: our engine, or a connection to a Hasura."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import aiohttp
from fastapi import Depends

from hasura.engine.session import Session
from hasura.metadata import HttpMetadata
from platform_api.core.database import Database
from platform_api.core.health import HealthCheck, HealthChecks
from platform_api.core.listener import Listener
from platform_api.core.remembered import AfterChanges
from platform_api.core.services import Services, provided
from platform_api.core.settings import Settings
from platform_api.core.upstreams import KEEP_ALIVE_SECONDS
from platform_api.core.watchers import ACCESS_CHANNEL
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.backends.hasura import HasuraBackend
from platform_api.graphql.cors import ForeignPages
from platform_api.graphql.sessions import SessionResolver
from platform_api.graphql.token_rates import TokenRates
from platform_api.limits.rates import SharedRates
from platform_api.outbox.worker import OutboxHandlers
from platform_api.tables.follow_up import TOPIC, EmbeddedFollowUp, OutboxFollowUp, TableServices
from platform_api.tables.metadata_sync import HttpMetadataSync

_HEALTH_QUESTION = b'{"query": "query { __typename }"}'


@dataclass(frozen=True, slots=True)
class GraphQLServices:
    """Holds what serves GraphQL."""

    backend: GraphQLBackend
    sessions: SessionResolver
    foreign_pages: ForeignPages
    token_rates: TokenRates | None
    """None: requests are not counted."""


GraphQLDep = Annotated[GraphQLServices, Depends(provided(GraphQLServices))]


@asynccontextmanager
async def graphql_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides GraphQLServices, and TableServices: what the engine is told of tables."""
    settings, database = services[Settings], services[Database]
    resolver, foreign_pages = SessionResolver(database), ForeignPages(database)
    services[Listener].subscribe(ACCESS_CHANNEL, resolver.forget)
    services[AfterChanges].add(resolver.forget)
    services[AfterChanges].add(foreign_pages.forget)
    per_minute = settings.graphql_requests_per_minute
    rates = TokenRates(services[SharedRates], per_minute=per_minute) if per_minute else None
    async with (_external if settings.hasura_graphql_endpoint else _embedded)(services) as backend:
        services.provide(GraphQLServices(backend, resolver, foreign_pages, rates))
        services[HealthChecks].add("engine", _engine_check(backend))
        yield


@asynccontextmanager
async def _embedded(services: Services) -> AsyncIterator[GraphQLBackend]:
    # Local: a platform with a Hasura of its own does not load the engine.
    from hasura.engine.options import AdministrationLimits
    from platform_api.graphql.backends.embedded import EmbeddedBackend, create_engine, serving_options
    from platform_api.graphql.heavy.lane import PLACES, HeavyLane

    settings = services[Settings]
    engine = create_engine(
        settings.database_url,
        admin_secret=settings.hasura_graphql_admin_secret,
        administration=AdministrationLimits(
            settings.hasura_graphql_run_sql_timeout or None, settings.hasura_graphql_run_sql_lock_timeout or None
        ),
    )
    await engine.start()
    # One for each request under way there, and two of the engine's own: a server has a hundred for all processes.
    options = {**serving_options(settings.database_url), "pool_max": PLACES + 2}
    lane = HeavyLane(settings, options, lambda: engine.schema_cache.resource_version)
    try:
        services.provide(engine)
        services.provide(TableServices(EmbeddedFollowUp(engine, engine.refresh)))
        yield EmbeddedBackend(engine, lane, max_subscriptions=settings.graphql_max_subscriptions)
    finally:
        await lane.close()
        await engine.stop()


@asynccontextmanager
async def _external(services: Services) -> AsyncIterator[GraphQLBackend]:
    settings = services[Settings]
    endpoint, secret = settings.hasura_graphql_endpoint, settings.hasura_graphql_admin_secret
    assert endpoint is not None and secret is not None  # the settings insist on both
    admin_secret = secret.get_secret_value()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    async with aiohttp.ClientSession(connector=connector) as client:
        metadata = HttpMetadata(endpoint, admin_secret=admin_secret, client=client)
        services.provide(TableServices(OutboxFollowUp()))
        services[OutboxHandlers].add(TOPIC, HttpMetadataSync(services[Database], metadata).handle)
        yield HasuraBackend(endpoint, admin_secret=admin_secret, client=client)


def _engine_check(backend: GraphQLBackend) -> HealthCheck:
    """Asks `backend` the least that GraphQL can be asked."""

    async def check() -> str:
        answer = await backend.execute(_HEALTH_QUESTION, Session(role="admin", variables={}, is_admin=True))
        if answer.status != 200 or b"query_root" not in answer.body:
            raise RuntimeError(f"GraphQL answered {answer.status}: {answer.body[:200]!r}")
        return "ok"

    return check
