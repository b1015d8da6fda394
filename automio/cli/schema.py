"""Implements `automio schema`: prints the GraphQL schema of an app, for code generators and editors."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from automio._exceptions import ConnectionFailed
from automio.wrapper import API

if TYPE_CHECKING:
    from graphql import IntrospectionQuery


@click.command()
@click.option("--app", help="Id, slug or organization/app; APP_ID of the settings when absent.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the schema to this file instead of printing it.",
)
def schema(app: str | None, output: Path | None) -> None:
    """Print an app's GraphQL schema (SDL), as visible to the token of this folder's settings."""
    from gql import gql  # imported here, as these would slow down the other commands by 0.2 s
    from gql.transport.exceptions import TransportError
    from graphql import build_client_schema, get_introspection_query, print_schema

    try:
        with API() as api:
            client = api.tables.client(app)
            introspection = client.execute(gql(get_introspection_query(input_value_deprecation=False)))
    except OSError as error:
        raise ConnectionFailed(f"The platform cannot be reached: {error}.") from error
    except TransportError as error:
        if isinstance(error.__cause__, OSError) or "Errno" in str(error):
            raise ConnectionFailed(f"The platform cannot be reached: {error}.") from error
        raise click.ClickException(f"the platform refused to send the schema: {error}") from error
    text = print_schema(build_client_schema(cast("IntrospectionQuery", introspection))) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
