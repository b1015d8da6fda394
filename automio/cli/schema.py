"""`automio schema`: the GraphQL schema of an app, for code generators and editors."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from automio._exceptions import AutomioError
from automio.wrapper import API

if TYPE_CHECKING:
    from graphql import IntrospectionQuery


@click.command()
@click.option("--app", help="Id, slug or organization/app; APP_ID of the settings when absent.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of printing.")
def schema(app: str | None, output: Path | None) -> None:
    """Print an app's GraphQL schema (SDL), as the token of this folder's settings sees it."""
    from gql import gql  # imported here: they cost the other commands 0.2 s
    from gql.transport.exceptions import TransportError
    from graphql import build_client_schema, get_introspection_query, print_schema

    try:
        with API() as api:
            client = api.tables.client(app)
            found = client.execute(gql(get_introspection_query(input_value_deprecation=False)))
    except AutomioError as error:
        raise click.ClickException(str(error)) from error
    except TransportError as error:
        raise click.ClickException(f"the platform does not tell the schema: {error}") from error
    text = print_schema(build_client_schema(cast("IntrospectionQuery", found))) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text)
