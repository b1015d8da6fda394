"""Implements `automio integration import`: creates an integration from an OpenAPI or Swagger document."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from automio._exceptions import AutomioError
from automio._integration_import import IntegrationImports
from automio._settings import read_environment, settings_from
from automio.cli._connection import ask, token_for
from automio.cli._failures import as_click_error
from automio.cli._groups import SuggestingGroup
from automio.cli._references import collect_files

_MAX_BYTES = 32 * 1024 * 1024


@click.group(cls=SuggestingGroup)
def integration() -> None:
    """Manage the organization's own integrations."""


@integration.command("import")
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--id", "integration_id", help="Id of the definition; an existing one of your own is updated.")
@click.option("--name", help="Name of the integration; the document's title when absent.")
@click.option("--base-url", help="Base URL of the service; the document's first server when absent.")
@click.option("--dry-run", is_flag=True, help="Show what would happen, and change nothing.")
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
    """Create or update an integration from an OpenAPI 3 or Swagger 2 document (JSON or YAML).

    A URL is fetched by the platform, a file is read here, with the files below its folder or the current one that it
    refers to. `-` reads standard input.
    """
    options = {"id": integration_id, "name": name, "base_url": base_url}
    body: dict[str, Any] = {key: value for key, value in options.items() if value is not None} | {"dry_run": dry_run}
    if source.startswith(("http://", "https://")):
        body["url"] = source
    else:
        body |= _documents(source)
    try:
        if server is not None:
            token = token or token_for(server) or ask("Token", "--token", hide_input=True)
        settings = settings_from(read_environment(), base_url=server, token=token)
        with closing(IntegrationImports.of_token(settings.base_url, settings.token)) as imports:
            outcome = imports.import_document(body)
    except AutomioError as error:
        raise as_click_error(error) from error
    verb = "created" if outcome.is_new else "changed"
    operations = f"{outcome.operation_count} operation{'' if outcome.operation_count == 1 else 's'}"
    click.echo(f"{outcome.definition.id}: {'would be ' if outcome.dry_run else ''}{verb}, {operations}")
    click.echo(f"calls go to {outcome.definition.base_url}")
    for note in outcome.notes:
        click.echo(f"note: {note}")


def _documents(source: str) -> dict[str, Any]:
    """Returns the document of a request, and the files that it refers to."""
    text = _read(source)
    if source == "-":
        return {"document": text}
    collected = collect_files(Path(source), text, lambda path: _read(str(path)))
    for reference in collected.left_out:
        click.echo(
            f"{reference} is not sent: it lies neither below the document's folder nor below the current one",
            err=True,
        )
    size = sum(len(content.encode()) for content in (text, *collected.files.values()))
    if size > _MAX_BYTES:
        raise click.ClickException(f"{source} and its files have {size} bytes; at most {_MAX_BYTES} are allowed")
    if not collected.files:
        return {"document": text}
    return {"document": text, "document_path": collected.document_path, "files": collected.files}


def _read(source: str) -> str:
    try:
        with click.open_file(source, "rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise click.ClickException(f"{source} cannot be read: {error.strerror}") from error
    if len(raw) > _MAX_BYTES:
        raise click.ClickException(f"{source} is larger than {_MAX_BYTES} bytes, the limit for a document")
    try:
        return bytes(raw).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{Path(source).name} is not UTF-8 text (byte {error.start})") from error
