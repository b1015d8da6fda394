"""`automio integration import`: an integration out of an OpenAPI or Swagger document."""

from contextlib import closing
from pathlib import Path

import click

from automio._exceptions import AutomioError
from automio._integration_import import IntegrationImports
from automio._settings import read_environment, settings_from

_MOST_BYTES = 8 * 1024 * 1024


@click.group()
def integration() -> None:
    """Integrations of the organization's own."""


@integration.command("import")
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--id", "integration_id", help="Id of the definition; of an own one: imports into it again.")
@click.option("--name", help="Instead of the document's title.")
@click.option("--base-url", help="Instead of the document's first server.")
@click.option("--dry-run", is_flag=True, help="Only tell what would come of it.")
@click.option("--server", help="The platform's address; API_BASE_URL of this folder's settings when absent.")
@click.option(
    "--token",
    envvar="AUTOMIO_TOKEN",
    help="A token with the scope `build`; APP_TOKEN of this folder's settings when absent.",
)
def import_(
    source: str,
    integration_id: str | None,
    name: str | None,
    base_url: str | None,
    dry_run: bool,
    server: str | None,
    token: str | None,
) -> None:
    """Define an integration by an OpenAPI 3 or Swagger 2 document (JSON or YAML).

    The platform fetches a URL itself; a file is read here. `-` reads standard input.
    """
    given = {"id": integration_id, "name": name, "base_url": base_url}
    wanted = {key: value for key, value in given.items() if value is not None} | {"dry_run": dry_run}
    if source.startswith(("http://", "https://")):
        wanted["url"] = source
    else:
        wanted["document"] = _read(source)
    try:
        settings = settings_from(read_environment(), base_url=server, token=token)
        with closing(IntegrationImports.of_token(settings.base_url, settings.token)) as imports:
            done = imports.import_document(wanted)
    except AutomioError as error:
        raise click.ClickException(str(error)) from error
    verb = "created" if done.is_new else "changed"
    operations = f"{done.operation_count} operation{'' if done.operation_count == 1 else 's'}"
    click.echo(f"{done.definition.id}: {'would be ' if done.dry_run else ''}{verb}, {operations}")
    click.echo(f"calls go to {done.definition.base_url}")
    for note in done.notes:
        click.echo(f"note: {note}")


def _read(source: str) -> str:
    try:
        with click.open_file(source, "rb") as stream:
            raw = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{source} cannot be read: {error.strerror}") from error
    if len(raw) > _MOST_BYTES:
        raise click.ClickException(f"{source} is larger than {_MOST_BYTES} bytes, which is the most that is read")
    try:
        return bytes(raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{Path(source).name} is not UTF-8 text (byte {error.start})") from error
