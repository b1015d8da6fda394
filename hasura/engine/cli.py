"""Runs `automio engine`: the Hasura-compatible engine alone."""

import os

import click


@click.command()
@click.option("--database-url", help="A libpq URL; HASURA_GRAPHQL_DATABASE_URL otherwise.")
@click.option("--admin-secret", help="HASURA_GRAPHQL_ADMIN_SECRET otherwise.")
@click.option("--host", help="Address to listen on; HASURA_GRAPHQL_SERVER_HOST otherwise (default 127.0.0.1).")
@click.option("--port", type=int, help="HASURA_GRAPHQL_SERVER_PORT otherwise (default 8081).")
@click.option("--stringify-numeric-types/--no-stringify-numeric-types", default=None, help="Wide numbers as strings.")
def engine(
    database_url: str | None,
    admin_secret: str | None,
    host: str | None,
    port: int | None,
    stringify_numeric_types: bool | None,
) -> None:
    """Serve Hasura v2's GraphQL and metadata APIs on a PostgreSQL database."""
    import uvicorn  # local: the bare client does not install it

    from hasura.engine.engine import Engine
    from hasura.engine.settings import EngineSettings
    from hasura.engine.transport.http import EngineApp

    given = {
        "database_url": database_url,
        "admin_secret": admin_secret,
        "server_host": host,
        "server_port": port,
        "stringify_numeric_types": stringify_numeric_types,
    }
    settings = EngineSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # one value per field, checked by pydantic
    if settings.database_url is None:
        raise click.UsageError("give --database-url or set HASURA_GRAPHQL_DATABASE_URL")
    uvicorn.run(
        EngineApp(Engine(settings.options())),
        host=settings.server_host,
        port=settings.server_port,
        loop="uvloop",
        http="httptools",
        # "auto" takes a start that failed for an application without one, and serves without a database.
        lifespan="on",
        ws="websockets-sansio",
        access_log=False,
        log_level=os.environ.get("HASURA_GRAPHQL_LOG_LEVEL", "info").replace("warn", "warning"),
    )
