"""Implements `automio whoami`: tests every setting, and says how to repair those that do not work."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import click

from automio._account import Account, Identity
from automio._exceptions import AutomioError, ConfigurationError, ConnectionFailed, RequestTimeout, Unauthorized
from automio._settings import Settings, read_environment, settings_from
from automio.wrapper import API


@dataclass(frozen=True)
class Finding:
    """Describes the test result of a setting; `fix` is the next step when it does not work."""

    name: str
    is_good: bool
    message: str
    fix: str | None = None


@click.command()
def whoami() -> None:
    """Show the user and app of this folder's settings, and test each setting.

    Exits with status 1 when a setting does not work.
    """
    findings = list(_findings())
    for finding in findings:
        click.echo(f"{'ok  ' if finding.is_good else 'FAIL'}  {finding.name:<19}  {finding.message}")
        if finding.fix:
            click.echo(f"{'':27}{finding.fix}")
    if not all(finding.is_good for finding in findings):
        raise SystemExit(1)


def _findings() -> Iterator[Finding]:
    try:
        environment = read_environment()
        settings = settings_from(environment)
    except ConfigurationError as error:
        name = error.message.partition(" ")[0].partition("=")[0]
        yield Finding(name, False, error.message, error.hint)
        return
    with closing(Account.of_token(settings.base_url, settings.token)) as account:
        try:
            identity = account.identity()
        except (ConnectionFailed, RequestTimeout) as error:
            yield Finding("API_BASE_URL", False, error.message, _START_OR_CORRECT)
            return
        except Unauthorized as error:
            yield Finding("API_BASE_URL", True, settings.base_url)
            yield Finding("APP_TOKEN", False, error.detail or error.message, _NEW_TOKEN)
            return
        except AutomioError as error:
            yield Finding(
                "API_BASE_URL", False, error.message, "Check that this is the address of an automio platform."
            )
            return
        yield Finding("API_BASE_URL", True, settings.base_url)
        yield Finding("APP_TOKEN", True, _describe(identity))
        yield _app(account, settings, identity)
    yield _cache(settings)
    if settings.connection_id is not None:
        yield Finding(
            "CONNECTION_ID", True, f"{settings.connection_id} (rows inserted by tables.graphql belong to it)"
        )


_START_OR_CORRECT = "Start the platform (`automio up`), or correct API_BASE_URL."
_NEW_TOKEN = "Get a new one: automio init --app …"


def _describe(identity: Identity) -> str:
    who = identity.user.email if identity.user else "nobody"
    where = identity.organization.slug if identity.organization else "no organization"
    return f"{who}, {identity.role} of {where}; may: {', '.join(identity.scopes)}"


def _app(account: Account, settings: Settings, identity: Identity) -> Finding:
    if settings.app_id is None:
        return Finding("APP_ID", False, "not set", "Set APP_ID, or run: automio init --app …")
    try:
        app = account.app(settings.app_id)
    except AutomioError as error:
        return Finding("APP_ID", False, error.message, "Correct APP_ID; `automio init --app …` sets it.")
    if identity.app_id is not None and identity.app_id != app.id:
        return Finding(
            "APP_ID", False, f"{app.id}, but the token is for app {identity.app_id}", "Run: automio init --app …"
        )
    if not app.activated:
        return Finding(
            "APP_ID", False, f"{app.organization}/{app.slug} is not active here", "Activate or install the app."
        )
    return Finding("APP_ID", True, f"{app.id}: {app.name} ({app.organization}/{app.slug})")


def _cache(settings: Settings) -> Finding:
    """Writes, reads and deletes a cache entry of the app with the key `automio-whoami`."""
    name = "CACHE_SERVICE_URL" if settings.cache_url else "REDIS_HOST"
    where = settings.cache_url or f"{settings.redis_host}:{settings.redis_port}"
    try:
        with API(settings=settings) as api:
            _round_trip(api.app_cache.set, api.app_cache.get, api.app_cache.delete)
    except AutomioError as error:
        return Finding(name, False, error.message, error.hint or "Run: automio init --app …")
    return Finding(name, True, where)


def _round_trip(
    write: Callable[[str, str, int], bool], read: Callable[[str], object], delete: Callable[[str], bool]
) -> None:
    write("automio-whoami", "works", 60)
    if read("automio-whoami") != "works":
        raise AutomioError("The cache did not return the value that was stored.")
    delete("automio-whoami")
