"""Reads what a language server is given of an app: its source, and the modules with its names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.source import latest_version, load_files
from platform_api.core.types import AppId
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.models import Operation, OwnIntegration
from platform_api.language_server.messages import ROOT
from platform_api.language_server.models import Known, KnownIntegration, KnownTable
from platform_api.language_server.stubs import stub_files
from platform_api.tables.repository import list_tables

_SOURCE = "source/"
_PYTHON = (".py", ".pyi")
_MAX_ENDPOINTS = 1000
_MAX_TABLES = 500
_SYSTEM_COLUMNS = (
    ("id", "uuid"),
    ("organization_id", "integer"),
    ("connection_id", "bigint"),
    ("created_at", "timestamptz"),
    ("updated_at", "timestamptz"),
)

Changes = Mapping[str, str | None]
"""Maps a path in the workspace to its text, or to None for a file that is gone."""


@dataclass(slots=True)
class Workspace:
    """Holds what a language server has been given; `changes` brings it up to date."""

    version: int | None = None
    files: dict[str, str] = field(default_factory=dict)

    async def changes(self, session: AsyncSession, actor: Actor, app_id: AppId) -> Changes:
        """Returns what is new since the last call, and remembers it."""
        latest = await latest_version(session, app_id)
        fresh = stub_files(await read_known(session, actor, app_id))
        if latest is None:
            self.version = 0
        elif latest.number == self.version:
            fresh |= {path: text for path, text in self.files.items() if path.startswith(_SOURCE)}
        else:
            self.version = latest.number
            source = await load_files(session, latest)
            # Only Python: a file of settings could name programs to start.
            fresh |= {_SOURCE + path: text for path, text in source.items() if path.endswith(_PYTHON)}
        changed: dict[str, str | None] = dict.fromkeys(self.files.keys() - fresh.keys())
        changed |= {path: text for path, text in fresh.items() if self.files.get(path) != text}
        self.files = fresh
        return changed


def kinds_of_change(changes: Changes, before: Mapping[str, str]) -> dict[str, int]:
    """Returns URI to kind of change (1 new, 2 changed, 3 gone), as language servers count them."""
    root = ROOT.removesuffix("source")
    return {root + path: 3 if text is None else 2 if path in before else 1 for path, text in changes.items()}


async def read_known(session: AsyncSession, actor: Actor, app_id: AppId) -> Known:
    """Returns the names that code of the app uses: its tables, and the integrations of the organization."""
    tables = (await list_tables(session, app_id))[:_MAX_TABLES]
    return Known(
        tables=tuple(
            KnownTable(
                table.name,
                (*_SYSTEM_COLUMNS, *((column.name, str(column.type)) for column in table.definition.columns)),
            )
            for table in tables
        ),
        integrations=await _integrations(session, actor),
    )


async def _integrations(session: AsyncSession, actor: Actor) -> tuple[KnownIntegration, ...]:
    own = (OwnIntegration.integration_id, Operation.path)
    statement = (
        select(*own)
        .outerjoin(Operation, Operation.integration == OwnIntegration.id)
        .where(visible_to(actor, OwnIntegration.organization_id))
        .distinct()
        .order_by(*own)
        .limit(_MAX_ENDPOINTS)
    )
    endpoints: dict[str, list[str]] = {name: [] for name in sorted(built_in())}
    for name, path in await session.execute(statement):
        endpoints.setdefault(name, [])
        if path is not None:
            endpoints[name].append(path)
    return tuple(KnownIntegration(name, tuple(paths)) for name, paths in endpoints.items())
