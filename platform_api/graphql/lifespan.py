"""What GraphQL needs as long as the application runs: an engine of ours, or a connection to a Hasura."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI

from hasura.metadata import HttpMetadata
from platform_api.core.database import Database
from platform_api.core.health import add_health_check
from platform_api.core.listener import listener_of
from platform_api.core.settings import Settings
from platform_api.core.upstreams import KEEP_ALIVE_SECONDS
from platform_api.graphql.backends.hasura import HasuraBackend
from platform_api.graphql.cors import ForeignPages
from platform_api.graphql.health import engine_check
from platform_api.graphql.sessions import CHANNEL, SessionResolver
from platform_api.graphql.token_rates import TokenRates
from platform_api.outbox.lifespan import outbox_handlers
from platform_api.tables.follow_up import TOPIC, EmbeddedFollowUp, OutboxFollowUp
from platform_api.tables.metadata_sync import HttpMetadataSync


@asynccontextmanager
async def graphql_lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Sets what serves GraphQL in the application's state: sessions, backend, follow-up of tables, rates, origins."""
    settings: Settings = api.state.settings
    database: Database = api.state.database
    resolver = api.state.graphql_sessions = SessionResolver(database)
    listener_of(api).subscribe(CHANNEL, resolver.forget)
    api.state.after_changes.append(resolver.forget)
    foreign_pages = api.state.foreign_pages = ForeignPages(database)
    api.state.after_changes.append(foreign_pages.forget)
    per_minute = settings.graphql_requests_per_minute
    api.state.token_rates = TokenRates(api.state.shared_rates, per_minute=per_minute) if per_minute else None
    serving = _external(api, settings, database) if settings.hasura_graphql_endpoint else _embedded(api, settings)
    async with serving:
        add_health_check(api.state, "engine", engine_check(api.state.graphql_backend))
        yield


@asynccontextmanager
async def _embedded(api: FastAPI, settings: Settings) -> AsyncIterator[None]:
    # Local: a platform with a Hasura of its own does not load the engine.
    from hasura.engine.options import AdministrationLimits
    from platform_api.graphql.backends.embedded import EmbeddedBackend, create_engine

    engine = create_engine(
        settings.database_url,
        admin_secret=settings.hasura_graphql_admin_secret,
        administration=AdministrationLimits(
            settings.hasura_graphql_run_sql_timeout or None, settings.hasura_graphql_run_sql_lock_timeout or None
        ),
    )
    await engine.start()
    try:
        api.state.graphql_engine = engine
        api.state.graphql_backend = EmbeddedBackend(engine)
        api.state.table_follow_up = EmbeddedFollowUp(engine, engine.refresh)
        yield
    finally:
        await engine.stop()


@asynccontextmanager
async def _external(api: FastAPI, settings: Settings, database: Database) -> AsyncIterator[None]:
    endpoint, secret = settings.hasura_graphql_endpoint, settings.hasura_graphql_admin_secret
    assert endpoint is not None and secret is not None  # the settings insist on both
    admin_secret = secret.get_secret_value()
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    async with aiohttp.ClientSession(connector=connector) as client:
        metadata = HttpMetadata(endpoint, admin_secret=admin_secret, client=client)
        api.state.graphql_backend = HasuraBackend(endpoint, admin_secret=admin_secret, client=client)
        api.state.table_follow_up = OutboxFollowUp()
        outbox_handlers(api)[TOPIC] = HttpMetadataSync(database, metadata).handle
        yield
