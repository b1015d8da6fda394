"""Runs `automio metadata sync`: compares Hasura's metadata with the stored definitions of tables, and repairs it."""

from collections.abc import Sequence

import aiohttp
from pydantic import SecretStr

from hasura.metadata import HttpMetadata, MetadataCommand, MetadataError
from platform_api.core.database import Database
from platform_api.core.errors import Conflict
from platform_api.core.settings import DatabaseSettings
from platform_api.tables.follow_up import EmbeddedTransport
from platform_api.tables.metadata_sync import HttpMetadataSync, compare


class MetadataSettings(DatabaseSettings):
    """Holds where the metadata is: in a Hasura of its own, or with the database's embedded engine."""

    hasura_graphql_endpoint: str | None = None
    hasura_graphql_admin_secret: SecretStr | None = None


async def sync_metadata(settings: MetadataSettings, *, repair: bool) -> list[str]:
    """Returns what differs, a line per metadata command that corrects it; `repair` applies them. Raises Conflict."""
    database = Database(settings.database_url, pool_size=2, application_name="automio cli")
    try:
        if settings.hasura_graphql_endpoint is not None:
            commands = await _sync_over_http(settings, database, repair=repair)
        else:
            commands = await _sync_embedded(settings, database, repair=repair)
    except MetadataError as error:
        raise Conflict(f"the metadata cannot be brought up to date: {error}") from error
    finally:
        await database.close()
    return [_describe(command) for command in commands]


async def _sync_over_http(
    settings: MetadataSettings, database: Database, *, repair: bool
) -> Sequence[MetadataCommand]:
    secret = settings.hasura_graphql_admin_secret
    if settings.hasura_graphql_endpoint is None or secret is None:
        raise Conflict(
            "HASURA_GRAPHQL_ENDPOINT also needs HASURA_GRAPHQL_ADMIN_SECRET, the admin secret of that Hasura"
        )
    async with aiohttp.ClientSession() as client:
        metadata = HttpMetadata(
            settings.hasura_graphql_endpoint, admin_secret=secret.get_secret_value(), client=client
        )
        if repair:
            return (await HttpMetadataSync(database, metadata).converge()).commands
        async with database.transaction() as session:
            return (await compare(session, metadata)).commands


async def _sync_embedded(
    settings: MetadataSettings, database: Database, *, repair: bool
) -> Sequence[MetadataCommand]:
    from platform_api.graphql.backends.embedded import create_engine  # local: not needed with a Hasura of its own

    engine = create_engine(settings.database_url, admin_secret=None)
    await engine.start()
    try:
        async with database.transaction() as session:
            transport = EmbeddedTransport(engine, session)
            comparison = await compare(session, transport)
            if repair:
                await transport.apply(comparison.commands)
        return comparison.commands
    finally:
        await engine.stop()


def _describe(command: MetadataCommand) -> str:
    name = command.args.get("name") or command.args.get("relationship") or command.args.get("role") or ""
    table = command.args.get("table", {}).get("name", "")
    return " ".join(part for part in (command.type, table, name) if part)
