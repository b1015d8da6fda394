"""Describes the tables in Hasura's metadata by types, and applies changes to them in either of two ways.

`plan` compares what is with what should be and gives the commands in between. They are applied by a transport: inside
the caller's database transaction through the embedded engine (`InProcessMetadata`), or over HTTP to a Hasura v2
server (`HttpMetadata`), where they cannot be part of a transaction and must be safe to repeat.

A table is tracked before it has permissions and loses them before it is untracked: between any two commands it is
invisible to a role rather than unprotected.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

import aiohttp

from hasura.engine import exact_json
from hasura.engine.errors import EngineError
from hasura.permissions import Operation, Permission, canonical_rules

_TIMEOUT = aiohttp.ClientTimeout(total=120, connect=5)


class MetadataError(Exception):
    """Says that Hasura refused metadata commands or could not be reached. `code` and `path` are Hasura's own."""

    def __init__(self, message: str, *, code: str = "unexpected", path: str = "$", status: int | None = None) -> None:
        super().__init__(f"{message} ({code} at {path})")
        self.message = message
        self.code = code
        self.path = path
        self.status = status


class MetadataUnavailable(MetadataError):
    """Says that Hasura did not answer, or cannot at the moment: the same commands may be sent again."""


class RelationshipKind(StrEnum):
    """Tells whether a relationship leads to one row or to many."""

    OBJECT = "object"
    ARRAY = "array"


@dataclass(frozen=True, slots=True, order=True)
class QualifiedTable:
    """Names a table of the database by schema and name."""

    name: str
    schema: str = "public"

    def to_metadata(self) -> dict[str, str]:
        return {"schema": self.schema, "name": self.name}


@dataclass(frozen=True, slots=True)
class Relationship:
    """Describes a field that leads to another table's rows by equal columns.

    `column_mapping` holds pairs of own and remote column, sorted.
    """

    kind: RelationshipKind
    name: str
    remote_table: QualifiedTable
    column_mapping: tuple[tuple[str, str], ...]

    def using(self) -> dict[str, Any]:
        return {
            "manual_configuration": {
                "remote_table": self.remote_table.to_metadata(),
                "column_mapping": dict(self.column_mapping),
            }
        }


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """Holds what Hasura is told about one table."""

    table: QualifiedTable
    relationships: tuple[Relationship, ...] = ()
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class MetadataCommand:
    """Describes one call of the metadata API."""

    type: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def to_payload(self) -> dict[str, Any]:
        return {"type": self.type, "args": dict(self.args)}


class MetadataTransport(Protocol):
    """Reaches the metadata of one Hasura."""

    async def apply(self, commands: Sequence[MetadataCommand]) -> None:
        """Applies all of the commands or none. Raises `MetadataError`."""

    async def export_tables(self) -> dict[QualifiedTable, TableMetadata]:
        """Returns what Hasura knows of the tables of its source `default`. Raises `MetadataError`."""
        ...


class MetadataEngine(Protocol):
    """Lists what is used here of `hasura.engine.Engine`."""

    async def run_metadata(self, payload: dict[str, Any], *, connection: Any = None) -> object:
        """Runs a metadata call, on the given connection's transaction if there is one."""


Tables = Mapping[QualifiedTable, TableMetadata]
IsOurs = Callable[[QualifiedTable], bool]


def plan(current: Tables, desired: Tables, *, source: str = "default") -> list[MetadataCommand]:
    """Returns the commands that lead from `current` to `desired`; tables in neither are left alone.

    The result is the same for the same arguments, and empty when nothing differs.
    """
    commands: list[MetadataCommand] = []
    # A permission may lead through relationships of other tables: all go before any relationship.
    for table in _ordered(current):
        commands.extend(_permission_removals(current[table], desired.get(table), source=source))
    for table in _ordered(current):
        commands.extend(_relationship_removals(current[table], desired.get(table), source=source))
    for table in _ordered(current):
        if table not in desired:
            commands.append(MetadataCommand("pg_untrack_table", {"source": source, "table": table.to_metadata()}))
    for table in _ordered(desired):
        if table not in current:
            commands.append(MetadataCommand("pg_track_table", {"source": source, "table": table.to_metadata()}))
    for table in _ordered(desired):
        commands.extend(_relationship_additions(current.get(table), desired[table], source=source))
    for table in _ordered(desired):
        commands.extend(_permission_additions(current.get(table), desired[table], source=source))
    return commands


def plan_again(current: Tables, desired: Tables, *, altered: Iterable[QualifiedTable]) -> list[MetadataCommand]:
    """Returns what `plan` does, and tracks the tables in `altered` again, whose columns changed beside the metadata.

    Tracking is what makes Hasura read a table's columns; of other tables, only relationships to these are touched,
    and permissions that lead through relationships.
    """
    gone = set(altered)
    between = {
        table: replace(
            metadata,
            relationships=tuple(item for item in metadata.relationships if item.remote_table not in gone),
            permissions=tuple(
                item for item in metadata.permissions if not (gone and _leads_elsewhere(item, metadata))
            ),
        )
        for table, metadata in current.items()
        if table not in gone
    }
    return [*plan(current, between), *plan(between, desired)]


def _leads_elsewhere(permission: Permission, metadata: TableMetadata) -> bool:
    """Returns whether a condition of the permission names a relationship, and so depends on what is behind it."""
    names = {relationship.name for relationship in metadata.relationships}
    return any(_mentions(permission.rules.get(part), names) for part in ("filter", "check"))


def _mentions(condition: Any, names: Collection[str]) -> bool:
    if isinstance(condition, Mapping):
        return any(name in names or _mentions(value, names) for name, value in condition.items())
    return isinstance(condition, list) and any(_mentions(item, names) for item in condition)


def _ordered(tables: Tables) -> list[QualifiedTable]:
    return sorted(tables)


def _permission_removals(
    current: TableMetadata, desired: TableMetadata | None, *, source: str
) -> Iterator[MetadataCommand]:
    target = {"source": source, "table": current.table.to_metadata()}
    for permission in current.permissions:
        if desired is None or permission not in desired.permissions:
            yield MetadataCommand(f"pg_drop_{permission.operation}_permission", {**target, "role": permission.role})


def _relationship_removals(
    current: TableMetadata, desired: TableMetadata | None, *, source: str
) -> Iterator[MetadataCommand]:
    target = {"source": source, "table": current.table.to_metadata()}
    for relationship in current.relationships:
        if desired is None or relationship not in desired.relationships:
            yield MetadataCommand("pg_drop_relationship", {**target, "relationship": relationship.name})


def _relationship_additions(
    current: TableMetadata | None, desired: TableMetadata, *, source: str
) -> Iterator[MetadataCommand]:
    for relationship in desired.relationships:
        if current is None or relationship not in current.relationships:
            yield MetadataCommand(
                f"pg_create_{relationship.kind}_relationship",
                {
                    "source": source,
                    "table": desired.table.to_metadata(),
                    "name": relationship.name,
                    "using": relationship.using(),
                },
            )


def _permission_additions(
    current: TableMetadata | None, desired: TableMetadata, *, source: str
) -> Iterator[MetadataCommand]:
    for permission in desired.permissions:
        if current is None or permission not in current.permissions:
            yield MetadataCommand(
                f"pg_create_{permission.operation}_permission",
                {"source": source, "table": desired.table.to_metadata(), **permission.to_metadata()},
            )


def reload_commands(source: str = "default") -> list[MetadataCommand]:
    """Returns what a separate Hasura must do to see tables that were created or changed beside it."""
    return [MetadataCommand("reload_metadata", {"reload_sources": [source]})]


def as_bulk(commands: Sequence[MetadataCommand]) -> dict[str, Any]:
    """Returns one request for all of the commands: Hasura keeps either all or none."""
    return {"type": "bulk", "args": [command.to_payload() for command in commands]}


class InProcessMetadata:
    """Reaches the embedded engine, on a connection whose transaction the caller commits."""

    def __init__(self, engine: MetadataEngine, connection: Any) -> None:
        self._engine = engine
        self._connection = connection

    async def apply(self, commands: Sequence[MetadataCommand]) -> None:
        if commands:
            await self._run(as_bulk(commands))

    async def export_tables(self, *, source: str = "default") -> dict[QualifiedTable, TableMetadata]:
        answer = await self._run({"type": "export_metadata", "version": 2, "args": {}})
        return read_tables(_source(_exported(answer)["metadata"], source)["tables"])

    async def _run(self, payload: dict[str, Any]) -> object:
        try:
            return await self._engine.run_metadata(payload, connection=self._connection)
        except EngineError as error:
            raise MetadataError(error.message, code=error.code, path=error.path, status=error.status) from error


class HttpMetadata:
    """Reaches a Hasura v2 server, or a separate `automio engine`, by its base URL and admin secret."""

    def __init__(self, base_url: str, *, admin_secret: str, client: aiohttp.ClientSession) -> None:
        self._url = base_url.rstrip("/") + "/v1/metadata"
        self._headers = {"X-Hasura-Admin-Secret": admin_secret, "Content-Type": "application/json"}
        self._client = client

    async def apply(self, commands: Sequence[MetadataCommand]) -> None:
        if commands:
            await self._post(as_bulk(commands))

    async def export_tables(self, *, source: str = "default") -> dict[QualifiedTable, TableMetadata]:
        """Returns what the server knows of the source's tables."""
        exported = await self._export()
        return read_tables(_source(exported["metadata"], source)["tables"])

    async def replace_tables(self, desired: Tables, *, is_ours: IsOurs, source: str = "default") -> None:
        """Replaces the metadata of all tables that are `is_ours` by `desired`, and leaves the rest as it is.

        Slower than commands, and the way out where these fail: a Hasura cannot untrack a table that is gone already.
        Refused by the server when somebody else changed its metadata meanwhile.
        """
        exported = await self._export()
        entry = _source(exported["metadata"], source)
        foreign = [item for item in entry["tables"] if not is_ours(_read_qualified(item["table"]))]
        entry["tables"] = [*foreign, *(_table_entry(desired[table]) for table in _ordered(desired))]
        await self._post(
            {
                "type": "replace_metadata",
                "version": 2,
                "resource_version": exported["resource_version"],
                "args": {"allow_inconsistent_metadata": True, "metadata": exported["metadata"]},
            }
        )

    async def _export(self) -> dict[str, Any]:
        return _exported(await self._post({"type": "export_metadata", "version": 2, "args": {}}))

    async def inconsistent_objects(self) -> list[Any]:
        """Returns what the server holds but cannot serve, as it describes it."""
        answer = await self._post({"type": "get_inconsistent_metadata", "args": {}})
        return list(answer.get("inconsistent_objects", [])) if isinstance(answer, dict) else []

    async def _post(self, payload: Mapping[str, Any]) -> Any:
        try:
            async with self._client.post(
                self._url, data=exact_json.dumps(payload), headers=self._headers, timeout=_TIMEOUT
            ) as response:
                body = await response.read()
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise MetadataUnavailable(f"Hasura cannot be reached: {error or type(error).__name__}") from error
        return _read_answer(status, body)


def _read_answer(status: int, body: bytes) -> Any:
    try:
        answer: Any = exact_json.loads(body)
    except EngineError as error:
        raise MetadataUnavailable(f"Hasura answered {status} without JSON", status=status) from error
    if status == 200:
        return answer
    described = answer if isinstance(answer, dict) else {}
    kind = MetadataUnavailable if status >= 500 else MetadataError
    raise kind(
        str(described.get("error", f"Hasura answered {status}")),
        code=str(described.get("code", "unexpected")),
        path=str(described.get("path", "$")),
        status=status,
    )


def _exported(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict) or "metadata" not in answer:
        raise MetadataError("Hasura did not answer export_metadata with its metadata")
    return answer


def _source(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    for entry in metadata.get("sources", []):
        if entry.get("name") == name:
            entry.setdefault("tables", [])
            assert isinstance(entry, dict)
            return entry
    raise MetadataError(f"Hasura has no source {name!r}", code="not-exists", path="$.sources")


def _table_entry(table: TableMetadata) -> dict[str, Any]:
    """Returns a table as metadata documents hold it."""
    entry: dict[str, Any] = {"table": table.table.to_metadata()}
    for relationship in table.relationships:
        described = {"name": relationship.name, "using": relationship.using()}
        entry.setdefault(f"{relationship.kind}_relationships", []).append(described)
    for permission in table.permissions:
        entry.setdefault(f"{permission.operation}_permissions", []).append(permission.to_metadata())
    return entry


def read_tables(entries: Iterable[Mapping[str, Any]]) -> dict[QualifiedTable, TableMetadata]:
    """Returns the tables of exported metadata (`sources[].tables`), in the form that `plan` compares.

    A relationship that is not a plain column mapping is kept by name with an empty mapping, so that it differs
    from every desired one.
    """
    tables: dict[QualifiedTable, TableMetadata] = {}
    for entry in entries:
        table = _read_qualified(entry["table"])
        tables[table] = TableMetadata(table, tuple(_read_relationships(entry)), tuple(_read_permissions(entry)))
    return tables


def _read_qualified(value: Any) -> QualifiedTable:
    if isinstance(value, str):
        return QualifiedTable(value)
    return QualifiedTable(value["name"], value.get("schema", "public"))


def _read_relationships(entry: Mapping[str, Any]) -> Iterator[Relationship]:
    for kind in RelationshipKind:
        for item in entry.get(f"{kind}_relationships", []):
            manual = item.get("using", {}).get("manual_configuration")
            if manual is None:
                yield Relationship(kind, item["name"], QualifiedTable("", ""), ())
                continue
            mapping = tuple(sorted(manual["column_mapping"].items()))
            yield Relationship(kind, item["name"], _read_qualified(manual["remote_table"]), mapping)


def _read_permissions(entry: Mapping[str, Any]) -> Iterator[Permission]:
    for operation in Operation:
        for item in entry.get(f"{operation}_permissions", []):
            yield Permission(operation, item["role"], canonical_rules(item["permission"]))
