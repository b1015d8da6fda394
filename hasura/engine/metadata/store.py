"""Stores metadata in PostgreSQL, schema `automio_engine`: one row per object, so a change costs what it changes.

`metadata_version` has one row; who changes metadata locks it first, so writers come one after the other and each sees
the one before. `metadata_change` records for other processes what each version touched: objects by their kind, and
`catalog` / `catalog_function` for database objects whose definition changed, `reload` for everything.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hasura.engine import exact_json
from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError
from hasura.engine.exact_json import Json

CHANNEL: Final = "automio_engine_metadata"

# Kinds of objects.
TABLE: Final = "table"
FUNCTION: Final = "function"
INHERITED_ROLE: Final = "inherited_role"
QUERY_COLLECTION: Final = "query_collection"
ALLOWLIST: Final = "allowlist"
REST_ENDPOINT: Final = "rest_endpoint"
# The served source's own keys, without tables and functions.
SOURCE: Final = "source"
# A source that is not served, as it came.
OTHER_SOURCE: Final = "other_source"
# A top-level key of the metadata that has no kind of its own; the definition may be any JSON.
SECTION: Final = "section"
# What clients (the Hasura CLI and console) keep on the server; no part of the metadata document.
CATALOG_STATE: Final = "catalog_state"

# Kinds of changes beside those.
CATALOG: Final = "catalog"
CATALOG_FUNCTION: Final = "catalog_function"
RELOAD: Final = "reload"

# Processes that are further behind read everything.
_KEPT_CHANGES = 10_000

_SCHEMA = """
create table if not exists automio_engine.metadata_version (
  id boolean primary key default true check (id),
  resource_version bigint not null
);
insert into automio_engine.metadata_version (resource_version) values (1) on conflict do nothing;
create table if not exists automio_engine.metadata_object (
  kind text not null,
  schema_name text not null,
  name text not null,
  position bigint not null generated always as identity,
  definition json not null,
  primary key (kind, schema_name, name)
);
create table if not exists automio_engine.metadata_change (
  resource_version bigint not null,
  kind text not null,
  schema_name text not null,
  name text not null
);
create index if not exists metadata_object_position on automio_engine.metadata_object (kind, position);
create index if not exists metadata_change_resource_version
  on automio_engine.metadata_change (resource_version);
"""


class ObjectKey(NamedTuple):
    """Identifies an object; `schema` is empty for all but tables and functions."""

    kind: str
    schema: str
    name: str

    @classmethod
    def of(cls, kind: str, name: QualifiedName | str) -> "ObjectKey":
        if isinstance(name, QualifiedName):
            return cls(kind, name.schema, name.name)
        return cls(kind, "", name)

    @property
    def qualified(self) -> QualifiedName:
        return QualifiedName(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Changes:
    """Holds what happened since a version; `everything` when it is not known in detail."""

    objects: frozenset[ObjectKey] = frozenset()
    everything: bool = False


async def bootstrap(connection: Connection) -> None:
    """Creates the schema where it is missing. Any number of processes may do so at once."""
    if await connection.fetchval("select to_regclass('automio_engine.metadata_change') is not null"):
        return
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('automio_engine.changes'))")
        # Not `if not exists`, which asks for the right to create schemas even when there is nothing to create.
        if await connection.fetchval("select to_regnamespace('automio_engine') is null"):
            await connection.execute("create schema automio_engine")
        await connection.execute(_SCHEMA)


async def current_version(connection: Connection) -> int:
    version: int = await connection.fetchval("select resource_version from automio_engine.metadata_version")
    return version


async def lock_version(connection: Connection) -> int:
    """Returns the current version; nobody else changes metadata until this transaction ends."""
    version: int = await connection.fetchval(
        "select resource_version from automio_engine.metadata_version for update"
    )
    return version


async def changes_since(connection: Connection, version: int) -> Changes:
    """Returns what the versions after `version` touched."""
    rows = await connection.fetch(
        "select distinct kind, schema_name, name from automio_engine.metadata_change where resource_version > $1",
        version,
    )
    keys = frozenset(ObjectKey(*row) for row in rows)
    oldest = await connection.fetchval("select min(resource_version) from automio_engine.metadata_change")
    is_known = oldest is not None and oldest <= version + 1
    return Changes(keys, everything=not is_known or any(key.kind == RELOAD for key in keys))


async def read_objects(connection: Connection, keys: Iterable[ObjectKey]) -> dict[ObjectKey, Json]:
    """Returns the documents of those of these objects that exist."""
    listed = list(keys)
    if not listed:
        return {}
    rows = await connection.fetch(
        "select o.kind, o.schema_name, o.name, o.definition::text as definition"
        " from unnest($1::text[], $2::text[], $3::text[]) as requested(kind, schema_name, name)"
        " join automio_engine.metadata_object o using (kind, schema_name, name)",
        [key.kind for key in listed],
        [key.schema for key in listed],
        [key.name for key in listed],
    )
    return {_key(row): _document(row) for row in rows}


async def read_kinds(connection: Connection, *, but: Iterable[str] = ()) -> dict[ObjectKey, Json]:
    """Returns all documents in the order they were created, except those of the kinds `but`."""
    rows = await connection.fetch(
        "select kind, schema_name, name, definition::text as definition from automio_engine.metadata_object"
        " where not kind = any($1::text[]) order by position",
        list(but),
    )
    return {_key(row): _document(row) for row in rows}


async def read_in_batches(
    connection: Connection, kind: str, *, size: int = 500
) -> AsyncIterator[list[tuple[ObjectKey, Json]]]:
    """Yields all documents of a kind in the order they were created, never many at once in memory."""
    last = -1
    while True:
        rows = await connection.fetch(
            "select position, kind, schema_name, name, definition::text as definition"
            " from automio_engine.metadata_object where kind = $1 and position > $2 order by position limit $3",
            kind,
            last,
            size,
        )
        if not rows:
            return
        last = rows[-1]["position"]
        yield [(_key(row), _document(row)) for row in rows]


def _document(row: Mapping[str, str]) -> Any:
    """Returns the document; one that is beyond what we read stays text, which is exported as it stands."""
    try:
        return exact_json.loads(row["definition"])
    except EngineError:
        return exact_json.verbatim(row["definition"])


def _key(row: Mapping[str, str]) -> ObjectKey:
    return ObjectKey(row["kind"], row["schema_name"], row["name"])


async def write_objects(connection: Connection, objects: Mapping[ObjectKey, Json | None]) -> None:
    """Puts the documents in place; None removes. An object that stays keeps its place in the order."""
    removed = [key for key, document in objects.items() if document is None]
    kept = [(key, document) for key, document in objects.items() if document is not None]
    if removed:
        await connection.execute(
            "delete from automio_engine.metadata_object o"
            " using unnest($1::text[], $2::text[], $3::text[]) as gone(kind, schema_name, name)"
            " where o.kind = gone.kind and o.schema_name = gone.schema_name and o.name = gone.name",
            [key.kind for key in removed],
            [key.schema for key in removed],
            [key.name for key in removed],
        )
    if kept:
        await connection.execute(
            "insert into automio_engine.metadata_object (kind, schema_name, name, definition)"
            " select kind, schema_name, name, definition::json"
            " from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality"
            " as given(kind, schema_name, name, definition, place) order by place"
            " on conflict (kind, schema_name, name) do update set definition = excluded.definition",
            [key.kind for key, _ in kept],
            [key.schema for key, _ in kept],
            [key.name for key, _ in kept],
            [exact_json.dumps(document).decode() for _, document in kept],
        )


async def record_version(connection: Connection, version: int, changed: Iterable[ObjectKey]) -> None:
    """Makes `version` the current one, records what it touched, and notifies everybody on commit."""
    keys = list(changed)
    await connection.execute(
        "with bumped as (update automio_engine.metadata_version set resource_version = $1),"
        " recorded as (insert into automio_engine.metadata_change (resource_version, kind, schema_name, name)"
        " select $1, * from unnest($2::text[], $3::text[], $4::text[]))"
        " select pg_notify($5, $1::text)",
        version,
        [key.kind for key in keys],
        [key.schema for key in keys],
        [key.name for key in keys],
        CHANNEL,
    )
    if version % 1000 == 0:
        await connection.execute(
            "delete from automio_engine.metadata_change where resource_version <= $1", version - _KEPT_CHANGES
        )
