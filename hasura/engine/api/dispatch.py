"""Dispatches a request of the metadata or query API: who may call, which version, one command or many."""

from collections.abc import Awaitable, Callable

from hasura.engine.api.commands import (  # noqa: F401  # they register their commands
    collections,
    documents,
    functions,
    permissions,
    relationships,
    roles,
    run_sql,
    settings,
    tables,
)
from hasura.engine.api.commands.documents import refuse_version
from hasura.engine.api.registry import Command, commands
from hasura.engine.api.source_names import refuse_other_sources, with_source_name
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.connection import transaction
from hasura.engine.errors import AccessDenied, EngineError, ParseFailed, json_path
from hasura.engine.exact_json import Json
from hasura.engine.metadata.keys import refuse_mistyped_keys
from hasura.engine.metadata.reading import Reader
from hasura.engine.session import Session

METADATA_PATH = "/v1/metadata"
LEGACY_PATH = "/v1/query"
QUERY_PATH = "/v2/query"
_CONCURRENT = "concurrent_bulk"
_BULK = frozenset({"bulk", "bulk_keep_going", "bulk_atomic", _CONCURRENT})
# The old data API, which roles may use with their permissions.
DATA_TYPES = frozenset({"select", "insert", "update", "delete", "count"})

RunData = Callable[[Workspace, str, Reader, Session], Awaitable[Json]]


class Dispatcher:
    """Runs one request's commands on one workspace."""

    def __init__(self, workspace: Workspace, session: Session, path: str, run_data: RunData) -> None:
        self._workspace = workspace
        self._session = session
        self._path = path
        self._run_data = run_data

    async def run(self, payload: Json) -> Json:
        """Returns the answer to the whole request. Raises EngineError with the path in it."""
        try:
            return await self._run(Reader(payload), ())
        except EngineError as exc:
            exc.message = with_source_name(exc.message, self._source)
            raise

    @property
    def _source(self) -> str:
        return self._workspace.world.metadata.source_name

    async def _run(self, request: Reader, place: tuple[str | int, ...]) -> Json:
        kind = self._kind(request)
        if kind in _BULK and not (kind == _CONCURRENT and self._path == METADATA_PATH):
            return await self._run_bulk(kind, request, place)
        # The older API's errors do not show that arguments stood under `args`.
        base = () if self._path == LEGACY_PATH and not place else (*place, "args")
        args = Reader(request.object().get("args", {}), *base)
        try:
            return await self._run_one(kind, request, args)
        except ParseFailed:
            raise
        except EngineError as exc:
            if exc.path == "$":
                exc.path = json_path(*place, "args")
            elif not exc.path.startswith("$.args"):
                exc.path = json_path(*place, "args") + exc.path[1:]
            raise

    def _kind(self, request: Reader) -> str:
        members = request.object()
        version = members.get("version")
        if version is not None and version not in (1, 2):
            raise ParseFailed(f"expected 1 or 2, encountered {version}", path="$.version")
        return request["type"].text()

    async def _run_one(self, kind: str, request: Reader, args: Reader) -> Json:
        if kind in DATA_TYPES and self._path != METADATA_PATH:
            return await self._run_data(self._workspace, kind, args, self._session)
        self._refuse_other_roles()
        command = self._command(kind, request)
        if command.takes is not None:
            refuse_mistyped_keys(args, command.takes)
        if command.writes:
            await self._workspace.begin_writing()
            version = request.object().get("resource_version")
            if isinstance(version, int):
                refuse_version(self._workspace, version)
        elif kind.removeprefix("pg_") != "run_sql":
            await self._workspace.catch_up()
        if kind != "export_metadata":
            refuse_other_sources(args, self._source)
        answer = await command.handler(self._workspace, args)
        return await self._versioned(kind, request, answer)

    def _refuse_other_roles(self) -> None:
        if not self._session.has_admin_role():
            raise AccessDenied("restricted access : admin only")

    def _command(self, kind: str, request: Reader) -> Command:
        command = commands.get(kind)
        if command is None or (kind.removeprefix("pg_") == "run_sql" and self._path == METADATA_PATH):
            raise ParseFailed(f"unknown metadata command {kind!r}", path="$.type")
        return command

    async def _versioned(self, kind: str, request: Reader, answer: Json) -> Json:
        """Returns the answer in the form of the call's version: the second of two calls holds more."""
        if request.object().get("version") != 2:
            return answer
        if kind == "export_metadata":
            return {"resource_version": self._workspace.world.resource_version, "metadata": answer}
        if kind == "replace_metadata":
            return await commands["get_inconsistent_metadata"].handler(self._workspace, Reader({}))
        return answer

    # --- many --------------------------------------------------------------------------------------------------

    async def _run_bulk(self, kind: str, request: Reader, place: tuple[str | int, ...]) -> Json:
        items = Reader(request["args"].value, *place, "args").array()
        answers: list[Json] = []
        self._workspace.is_shared |= len(items) > 1
        if kind != "bulk":
            self._workspace.outside = None
        if kind == "bulk_keep_going" and self._session.has_admin_role():
            # A lock taken inside a savepoint would go with it.
            await self._workspace.begin_writing()
        for index, item in enumerate(items):
            where = (*place, "args", index)
            if kind == _CONCURRENT and not _only_reads(item):
                message = "Only read-only queries are allowed in a concurrent_bulk"
                raise EngineError(message, code="bad-request", path=json_path(*where))
            if kind == "bulk_keep_going":
                answers.append(await self._try(Reader(item, *where), where))
            else:
                answers.append(await self._run(Reader(item, *where), where))
        return {"message": "success"} if kind == "bulk_atomic" else answers

    async def _try(self, request: Reader, place: tuple[str | int, ...]) -> Json:
        before = self._workspace.world
        try:
            async with transaction(self._workspace.connection):
                return await self._run(request, place)
        except EngineError as exc:
            if self._workspace.connection.is_closed():
                raise
            self._workspace.forget_since(before)
            exc.message = with_source_name(exc.message, self._source)
            return dict(exc.to_api(include_internal=True))  # type: ignore[arg-type]  # the parts of an error are JSON


def _only_reads(request: Json) -> bool:
    if not isinstance(request, dict):
        return False
    args, kind = request.get("args"), str(request.get("type")).removeprefix("pg_")
    return kind in ("select", "count") or (
        kind == "run_sql" and isinstance(args, dict) and args.get("read_only") is True
    )
