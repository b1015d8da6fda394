"""Serves one metadata request: it edits documents, and each edit resolves and checks the world again."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import asyncpg

from hasura.engine.api.endpoint_checks import unfit_endpoints
from hasura.engine.api.source_names import definition_with_source_name, with_source_name
from hasura.engine.catalog.changes import CatalogChanges, find_changes
from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.loader import load_tables
from hasura.engine.catalog.types import ForeignKey, QualifiedName, Table
from hasura.engine.errors import EngineError, NotExists, ParseFailed, Unexpected, bullets
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import store
from hasura.engine.metadata.reading import DEFAULT_SOURCE
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.options import AdministrationLimits
from hasura.engine.resolve.builder import Change, advance
from hasura.engine.resolve.loading import catch_up, load_world, read_change
from hasura.engine.resolve.roles import CONFLICT_TYPE
from hasura.engine.resolve.world import World
from hasura.engine.schema_cache import InconsistentObject, SchemaOptions, TableInfo

# Type and name of an inconsistent object.
Subject = tuple[str, str]


class Workspace:
    """Holds what a request has changed so far, in its transaction. `world` is always up to date with it."""

    def __init__(
        self,
        connection: Connection,
        world: World,
        options: SchemaOptions,
        limits: AdministrationLimits,
        *,
        is_callers: bool = False,
    ) -> None:
        """Takes `is_callers`: the transaction is a caller's, whose earlier statements may have changed tables."""
        self.connection = connection
        self.limits = limits
        # Commits, and runs a block outside of any transaction; None where the transaction is not to be left.
        self.outside: Callable[[], AbstractAsyncContextManager[None]] | None = None
        # Other calls share the transaction.
        self.is_shared = is_callers
        # The connection's session may have been changed by SQL.
        self.has_run_sql = False
        self._is_callers = is_callers
        self.world = world
        self._options = options
        self._base_version: int | None = None
        self._touched: set[ObjectKey] = set()
        self._edits: dict[ObjectKey, Json | None] = {}

    @property
    def is_changed(self) -> bool:
        """Returns whether something was written, so that the version will grow."""
        return bool(self._touched)

    async def catch_up(self) -> None:
        """Takes in what others have committed since."""
        if self._base_version is None:
            self.world = await catch_up(self.connection, self.world, self._options)

    async def begin_writing(self) -> None:
        """Keeps other writers out until the transaction ends."""
        if self._base_version is None:
            self._base_version = await self._lock()
            self.world = await catch_up(self.connection, self.world, self._options, version=self._base_version)
            if self._is_callers:
                await self._notice_changed_catalog()

    async def _lock(self) -> int:
        try:
            return await store.lock_version(self.connection)
        except asyncpg.LockNotAvailableError as exc:
            raise EngineError(
                f"metadata is being changed by another call for longer than {self.limits.lock_seconds:g} seconds"
                " (HASURA_GRAPHQL_RUN_SQL_LOCK_TIMEOUT); try again when it is done",
                code="concurrent-update",
            ) from exc

    @property
    def resource_version(self) -> int:
        """Returns the version that this request started from, once it writes."""
        return self._base_version if self._base_version is not None else self.world.resource_version

    async def _notice_changed_catalog(self) -> None:
        """Reads again the tracked tables that earlier statements of the transaction changed."""
        changes = await self.find_changes()
        tables = {name for name in changes.relations.values() if name in self.world.metadata.tables}
        tables |= {table.name for table in await touched_tables(self.connection, self.world, changes)}
        functions = {name for name in changes.functions.values() if name in self.world.catalog.functions}
        if tables or functions:
            await self._read_catalog_again(
                {name for name in tables if name is not None}, {name for name in functions if name is not None}
            )

    async def find_changes(self) -> CatalogChanges:
        """Returns what this transaction may have changed of tables and functions."""
        catalog = self.world.catalog
        return await find_changes(self.connection, catalog.names, catalog.functions)

    async def _read_catalog_again(self, tables: set[QualifiedName], functions: set[QualifiedName]) -> None:
        """Takes in how these are now; whatever no longer fits becomes inconsistent."""
        self._touched |= {ObjectKey.of(store.CATALOG, name) for name in tables}
        self._touched |= {ObjectKey.of(store.CATALOG_FUNCTION, name) for name in functions}
        change = Change(catalog_tables=tables, catalog_functions=functions)
        self.world = await advance(self.connection, self.world, change, resource_version=self.world.resource_version)

    def forget_since(self, world: World) -> None:
        """Goes back to an earlier world, after the savepoint that followed it was rolled back."""
        self.world = world
        self._edits = {}

    # --- documents ---------------------------------------------------------------------------------------------

    async def document(self, kind: str, name: QualifiedName | str) -> JsonObject | None:
        """Returns an object's document, to be edited and `put` back; None when there is none.

        Raises EngineError for one that cannot be read: what is in it would be lost.
        """
        key = ObjectKey.of(kind, name)
        self._refuse_overwriting(key)
        value = await self.any_document(key)
        assert value is None or isinstance(value, dict)
        return value

    async def any_document(self, key: ObjectKey) -> Json | None:
        """Returns what `document` does; a section of the metadata may be any JSON."""
        if key in self._edits:
            return self._edits[key]
        return (await store.read_objects(self.connection, [key])).get(key)

    async def table_document(self, name: QualifiedName) -> JsonObject:
        """Returns a tracked table's document. Raises NotExists as Hasura words it."""
        document = await self.document(store.TABLE, name)
        if document is None:
            raise NotExists(f'table "{name}" does not exist in source: default')
        return document

    def table(self, name: QualifiedName) -> TableInfo:
        """Returns a tracked, consistent table. Raises NotExists."""
        tracked = self.world.snapshot.tables.get(name)
        if tracked is None:
            raise NotExists(f'table "{name}" does not exist in source: default')
        return tracked

    def put(self, kind: str, name: QualifiedName | str, document: Json) -> None:
        key = ObjectKey.of(kind, name)
        self._refuse_overwriting(key)
        self._edits[key] = document

    def put_section(self, name: str, document: Json) -> None:
        """Puts a whole section in place of what stands there, also of one that cannot be read."""
        self._edits[ObjectKey.of(store.SECTION, name)] = document

    def is_unreadable(self, key: ObjectKey) -> bool:
        """Returns whether nothing of an object's document can be read."""
        return any(not item.path for item in self.world.unreadable(key))

    def _refuse_overwriting(self, key: ObjectKey) -> None:
        """Raises EngineError when nothing can be read of the object that stands there."""
        if self.is_unreadable(key):
            shown = str(key.qualified) if key.schema else key.name
            raise EngineError(
                f"the {key.kind} {shown} in metadata {self.world.unreadable(key)[0].reason}; it is kept as it stands"
                " until replace_metadata puts another in its place, or drop_inconsistent_metadata removes it",
                code="unexpected",
            )

    def remove(self, kind: str, name: QualifiedName | str) -> None:
        self._edits[ObjectKey.of(kind, name)] = None

    # --- applying ----------------------------------------------------------------------------------------------

    async def apply(
        self,
        subject: Subject | None = None,
        *,
        allow_inconsistent: bool = False,
        refusal: Callable[[list[InconsistentObject]], EngineError] | None = None,
        catalog_tables: Iterable[QualifiedName] = (),
        catalog_functions: Iterable[QualifiedName] = (),
    ) -> None:
        """Writes the edits and resolves what they touch. Raises when that leaves something new inconsistent.

        `subject` is the object the request is about: what is wrong with it is the error's message; `refusal` makes
        another error of what is wrong.
        """
        edits, self._edits = self._edits, {}
        keys = {*edits}
        keys |= {ObjectKey.of(store.CATALOG, name) for name in catalog_tables}
        keys |= {ObjectKey.of(store.CATALOG_FUNCTION, name) for name in catalog_functions}
        if not keys:
            return
        await store.write_objects(self.connection, edits)
        self._touched |= keys
        before = self.world
        change = await read_change(self.connection, before, frozenset(keys), edits)
        _refuse_unreadable_edits(before, change, edits)
        self.world = await advance(self.connection, before, change, resource_version=before.resource_version)
        if not allow_inconsistent:
            _refuse_new_inconsistencies(before, self.world, subject, refusal)

    async def load_everything(self) -> None:
        """Reads all metadata and catalogue again, as `reload_metadata` does."""
        self._touched.add(ObjectKey.of(store.RELOAD, ""))
        self.world = await load_world(self.connection, self._options)

    async def replace_everything(self, documents: dict[ObjectKey, Json], *, allow_inconsistent: bool) -> None:
        """Puts these documents in place of all there are."""
        await self.connection.execute(
            "delete from automio_engine.metadata_object where kind <> $1", store.CATALOG_STATE
        )
        await store.write_objects(self.connection, documents)
        before = self.world
        await self.load_everything()
        problems = self.inconsistent_objects()
        if problems and not allow_inconsistent:
            loaded, self.world = self.world, before
            own = loaded.metadata.source_name
            conflicts = [with_source_name(item.conflict, own) for item in problems if item.conflict is not None]
            if conflicts:
                # No schema can be built from this; Hasura notices too late to call it the caller's fault.
                raise Unexpected(bullets(conflicts), internal=rendered_inconsistent(loaded, problems))
            raise EngineError(
                "cannot continue due to inconsistent metadata",
                code="unexpected",
                internal=rendered_inconsistent(loaded, problems),
            )

    def inconsistent_objects(self) -> list[InconsistentObject]:
        """Returns all that does not fit, and all that is not served."""
        return [*self.world.snapshot.inconsistent_objects, *unfit_endpoints(self.world.snapshot)]

    async def finish(self) -> World:
        """Records the new version, when anything changed; returns the world to install after the commit."""
        if self._touched:
            await self.begin_writing()
            assert self._base_version is not None
            version = self._base_version + 1
            await store.record_version(self.connection, version, self._touched)
            self.world = _with_version(self.world, version)
        return self.world

    def start_over(self) -> None:
        """Begins a new change: what was done before is committed."""
        self._base_version = None
        self._touched = set()


async def touched_tables(connection: Connection, world: World, changes: CatalogChanges) -> list[Table]:
    """Returns known tables that changed, or whose foreign keys name a part of a changed relation that was renamed."""
    relations, catalog = changes.relations, world.catalog
    direct = {name for oid in relations if (name := catalog.names.get(oid)) is not None}
    oids = [oid for oid in relations if oid in catalog.referring]
    if not oids:
        return [catalog.tables[name] for name in direct]
    present = await load_tables(connection, [current for oid in oids if (current := relations[oid]) is not None])
    renamed = {
        name
        for oid in oids
        for name in catalog.referring[oid] - direct
        if not all(_still_names(key, relations, present) for key in catalog.tables[name].foreign_keys)
    }
    return [catalog.tables[name] for name in direct | renamed]


def _still_names(
    key: ForeignKey, relations: Mapping[int, QualifiedName | None], present: Mapping[QualifiedName, Table]
) -> bool:
    """Returns whether the foreign key's table and columns are called as before."""
    if key.referenced_oid not in relations:
        return True
    table = present.get(key.referenced_table)
    return (
        table is not None
        and table.oid == key.referenced_oid
        and all(column in table.columns_by_name for column in key.referenced_columns)
    )


def _refuse_unreadable_edits(before: World, change: Change, edits: Iterable[ObjectKey]) -> None:
    """Raises ParseFailed when an edit made something that cannot be read."""
    for key in edits:
        if key.kind == store.TABLE:
            table = change.tables[key.qualified]
            unreadable = table.unreadable if table is not None else ()
        elif key.kind == store.FUNCTION:
            function = change.functions[key.qualified]
            unreadable = function.unreadable if function is not None else ()
        else:
            unreadable = change.metadata.unreadable.get(key, ()) if change.metadata is not None else ()
        if len(unreadable) > len(before.unreadable(key)):
            raise ParseFailed(unreadable[-1].reason, path="$.args")


def _with_version(world: World, version: int) -> World:
    return replace(
        world, resource_version=version, snapshot=replace(world.snapshot, resource_version=version, memo={})
    )


def _refuse_new_inconsistencies(
    before: World,
    after: World,
    subject: Subject | None,
    refusal: Callable[[list[InconsistentObject]], EngineError] | None,
) -> None:
    known = {(item.type, item.name) for item in before.broken_objects()}
    new = [
        item for item in after.broken_objects() if (item.type, item.name) not in known and item.type != CONFLICT_TYPE
    ]
    if not new:
        return
    if refusal is not None:
        raise refusal(new)
    about_subject = [item for item in new if (item.type, item.name) == subject]
    if about_subject:
        raise EngineError(
            ", ".join(item.reason for item in about_subject),
            code="invalid-configuration",
            internal=rendered_inconsistent(after, about_subject),
        )
    conflicts = [item.conflict for item in new if item.conflict is not None]
    raise EngineError(
        bullets(conflicts) if conflicts else "cannot continue due to new inconsistent metadata",
        code="unexpected",
        internal=rendered_inconsistent(after, new),
    )


def rendered_inconsistent(world: World, items: Iterable[InconsistentObject]) -> list[Json]:
    """Returns the objects as `get_inconsistent_metadata` answers."""
    own = world.metadata.source_name
    # A source that is not served has its own name already, which may be `default`.
    return [_rendered(item, DEFAULT_SOURCE if item.type == "source" else own) for item in items]


def _rendered(item: InconsistentObject, source: str) -> JsonObject:
    definition = definition_with_source_name(item.definition, source)
    rendered: JsonObject = {
        "entity" if item.type == CONFLICT_TYPE else "definition": definition,
        "reason": with_source_name(item.reason, source),
        "name": with_source_name(item.name, source),
        "type": item.type,
    }
    if item.message is not None:
        rendered["message"] = item.message
    return rendered
