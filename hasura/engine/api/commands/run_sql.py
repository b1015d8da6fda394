"""Runs an administrator's SQL (`run_sql`), and updates the metadata of what it did to tables and functions.

What the SQL dropped or renamed is looked up by oid, columns by their number, so a rename is recognized, unlike a drop
and an add. Renamed things keep their metadata; what depends on dropped things is a refusal, or goes too with
`cascade`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from hasura.engine.api.dependents import (
    Dependent,
    dependent_of,
    dependents_of_facts,
    dependents_of_table,
    refuse_or_remove,
    reported,
)
from hasura.engine.api.registry import command
from hasura.engine.api.rewriting import Renaming, affected_tables, rewrite_tables
from hasura.engine.api.sql.execution import run_limited, run_outside, together
from hasura.engine.api.sql.script import Rows, Script, read_script
from hasura.engine.api.type_changes import refuse_type_changes
from hasura.engine.api.workspace import Workspace, rendered_inconsistent, touched_tables
from hasura.engine.catalog.changes import CatalogChanges
from hasura.engine.catalog.connection import transaction
from hasura.engine.catalog.loader import load_functions, load_tables
from hasura.engine.catalog.types import Function, QualifiedName, Table, Volatility
from hasura.engine.errors import EngineError, NotSupported
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import store
from hasura.engine.metadata.reading import Reader, name_to_json
from hasura.engine.metadata.store import ObjectKey
from hasura.engine.metadata.types import ForeignKeyColumns, RemoteForeignKey
from hasura.engine.resolve.world import Fact, World
from hasura.engine.schema_cache import InconsistentObject


@command("pg_run_sql", writes=False)
async def run_sql(workspace: Workspace, args: Reader) -> Json:
    script = read_script(args["sql"])
    workspace.has_run_sql = True
    if args.flag("read_only"):
        script.refuse_transactions(args["sql"], is_read_only=True)
        return _result(await _run_read_only(workspace, script))
    checked = args.get("check_metadata_consistency")
    if checked.boolean() if checked is not None else script.may_change_metadata:
        script.refuse_transactions(args["sql"])
        await workspace.begin_writing()
        rows = await run_limited(workspace, script, together(workspace, script))
        await follow(workspace, await workspace.find_changes(), cascade=args.flag("cascade"))
        return _result(rows)
    if script.needs_to_be_outside or (script.may_be_outside and not workspace.is_shared):
        return _result(await run_outside(workspace, script, args["sql"]))
    return _result(await run_limited(workspace, script, together(workspace, script)))


def _result(rows: Rows | None) -> JsonObject:
    if rows is None:
        return {"result_type": "CommandOk", "result": None}
    return {"result_type": "TuplesOk", "result": [list(row) for row in rows]}


async def _run_read_only(workspace: Workspace, script: Script) -> Rows | None:
    # The setting ends with the savepoint.
    async with transaction(workspace.connection):
        await workspace.connection.execute("set transaction read only")
        return await run_limited(workspace, script, together(workspace, script))


# --- what changed -------------------------------------------------------------------------------------------------


@dataclass
class _Diff:
    """Holds what the SQL did to tracked tables and used functions."""

    dropped: set[QualifiedName] = field(default_factory=set)
    # Before and after, by the old name.
    altered: dict[QualifiedName, tuple[Table, Table]] = field(default_factory=dict)
    renamed: dict[QualifiedName, QualifiedName] = field(default_factory=dict)
    functions: set[QualifiedName] = field(default_factory=set)
    # Tracked functions by their old names; computed fields name their function, which has to stay.
    renamed_functions: dict[QualifiedName, QualifiedName] = field(default_factory=dict)
    # Tracked functions that are gone.
    dropped_functions: set[QualifiedName] = field(default_factory=set)


async def follow(workspace: Workspace, changes: CatalogChanges, *, cascade: bool) -> None:
    """Updates metadata after the changes. Raises for dependents that would break, unless they may go."""
    diff = await _diff(workspace, changes)
    functions = await load_functions(workspace.connection, diff.functions)
    broken = [*_broken(workspace.world, diff), *_without_function(workspace.world, functions, diff)]
    await refuse_or_remove(workspace, _unique(broken), cascade=cascade)
    refuse_type_changes(workspace.world, diff.altered)
    await _untrack_dropped(workspace, diff)
    # First what is gone, then the new names, each on documents that fit the world before.
    await _forget_dropped_columns(workspace, diff)
    await _rename_functions(workspace, diff)
    await _rename(workspace, diff)
    present = {diff.renamed.get(name, name) for name in diff.altered}
    functions_again = diff.functions | _functions_with_rows_of(workspace.world, set(diff.renamed))
    await workspace.apply(
        catalog_tables=present | diff.dropped,
        catalog_functions=functions_again,
        refusal=partial(_refusal, workspace.world),
    )


def _refusal(world: World, broken: list[InconsistentObject]) -> EngineError:
    """Returns the error that objects no longer fit the tables and functions after the SQL."""
    return EngineError(
        "cannot continue due to the following dependent objects, which would become inconsistent: "
        + reported(dependent_of(item) for item in broken),
        code="dependency-error",
        internal=rendered_inconsistent(world, broken),
    )


def _functions_with_rows_of(world: World, tables: set[QualifiedName]) -> set[QualifiedName]:
    """Returns functions that take or return rows of these tables."""
    return {
        name
        for name, overloads in world.catalog.functions.items()
        for function in overloads
        if function.returned_table in tables or any(item.type.row_of in tables for item in function.arguments)
    }


async def _diff(workspace: Workspace, changes: CatalogChanges) -> _Diff:
    world = workspace.world
    diff = _Diff()
    known = {table.oid: table for table in await touched_tables(workspace.connection, world, changes)}
    # A table that only refers to a changed one has kept its name.
    present = {oid: table.name for oid, table in known.items() if oid not in changes.relations}
    present |= {oid: name for oid, name in changes.relations.items() if name is not None}
    loaded = await load_tables(workspace.connection, [present[oid] for oid in known if oid in present])
    for oid, old in known.items():
        name = present.get(oid)
        new = loaded.get(name) if name is not None else None
        if new is None:
            # A table that was dropped earlier by someone else is left to reload_metadata.
            if oid in changes.relations:
                diff.dropped.add(old.name)
            continue
        if new != old:
            diff.altered[old.name] = (old, new)
        if new.name != old.name:
            diff.renamed[old.name] = new.name
    # Dropped and created again under its name: a new oid, the old metadata.
    recreated = {name for name in present.values() if name in diff.dropped}
    again = await load_tables(workspace.connection, recreated)
    for name, table in again.items():
        diff.dropped.discard(name)
        diff.altered[name] = (world.catalog.tables[name], table)
    missing = {
        name for name in present.values() if name in world.metadata.tables and name not in world.catalog.tables
    }
    diff.dropped -= missing
    for oid, function_name in changes.functions.items():
        diff.functions |= {
            name
            for name, overloads in world.catalog.functions.items()
            if name == function_name or any(function.oid == oid for function in overloads)
        }
    diff.renamed_functions = _renamed_functions(world, changes, diff.functions)
    for name in missing:
        # Inconsistent until now because it was not there.
        await workspace.apply(catalog_tables=[name], allow_inconsistent=True)
    return diff


def _renamed_functions(
    world: World, changes: CatalogChanges, changed: Iterable[QualifiedName]
) -> dict[QualifiedName, QualifiedName]:
    """Returns the tracked functions with another name, which no other tracked function has."""
    renamed: dict[QualifiedName, QualifiedName] = {}
    for name in changed:
        overloads = world.catalog.functions.get(name, ())
        now = changes.functions.get(overloads[0].oid, name) if len(overloads) == 1 else name
        if name in world.metadata.functions and now is not None and now != name:
            renamed[name] = now
    kept = world.metadata.functions.keys() - renamed.keys()
    return {name: now for name, now in renamed.items() if now not in kept}


def _unique(dependents: list[Dependent]) -> list[Dependent]:
    return list(dict.fromkeys(dependents))


def _broken(world: World, diff: _Diff) -> Iterator[Dependent]:
    """Yields what depends on something that is gone."""
    for name in sorted(diff.dropped):
        yield from (item for item in dependents_of_table(world, name) if _remains(item, diff))
    facts: set[Fact] = set()
    for name, (old, new) in diff.altered.items():
        positions = {column.position for column in new.columns}
        same_relation = old.oid == new.oid
        for column in old.columns:
            if column.position not in positions if same_relation else column.name not in new.columns_by_name:
                facts.add(Fact("column", name, column.name))
    yield from (item for item in dependents_of_facts(world, facts) if _remains(item, diff))
    for name, (old, new) in diff.altered.items():
        yield from _without_foreign_key(world, name, old, new)


def _remains(item: Dependent, diff: _Diff) -> bool:
    if item.kind == "function":
        return item.table not in diff.functions
    return item.table not in diff.dropped


def _without_foreign_key(world: World, name: QualifiedName, old: Table, new: Table) -> Iterator[Dependent]:
    """Yields relationships over foreign keys that are gone."""
    kept = {key.oid for key in new.foreign_keys} | {key.name for key in new.foreign_keys}
    for key in old.foreign_keys:
        if key.oid in kept or key.name in kept:
            continue
        for table in (name, key.referenced_table):
            metadata = world.metadata.tables.get(table)
            for relationship in metadata.relationships.values() if metadata is not None else ():
                using = relationship.using
                own = isinstance(using, ForeignKeyColumns) and table == name
                remote = isinstance(using, RemoteForeignKey) and using.table == name
                if (own or remote) and set(using.columns) == set(key.columns):  # type: ignore[union-attr]  # both have columns
                    yield Dependent("relationship", table, relationship.name, f"{relationship.kind}_relationships")


def _without_function(
    world: World, now: dict[QualifiedName, tuple[Function, ...]], diff: _Diff
) -> Iterator[Dependent]:
    """Yields computed fields whose function is gone. Raises when one turned volatile or was overloaded."""
    for name in sorted(diff.functions):
        before, after = world.catalog.functions.get(name, ()), now.get(name, ())
        if len(before) != 1:
            continue
        uses = [
            (table.name, computed.name)
            for table in world.metadata.tables.values()
            for computed in table.computed_fields.values()
            if computed.function == name and table.name not in diff.dropped
        ]
        if not any(function.oid == before[0].oid for function in after):
            if name in world.metadata.functions and not after and name not in diff.renamed_functions:
                diff.dropped_functions.add(name)
            yield from (Dependent("computed field", table, computed, "computed_fields") for table, computed in uses)
        elif len(after) > 1:
            _refuse_overloading(name, uses, is_tracked=name in world.metadata.functions)
        elif after[0].volatility is not before[0].volatility:
            _refuse_volatility(name, after[0].volatility, uses, is_tracked=name in world.metadata.functions)


def _refuse_overloading(name: QualifiedName, uses: list[tuple[QualifiedName, str]], *, is_tracked: bool) -> None:
    for table, computed in uses:
        raise NotSupported(
            f'The function "{name}" associated with computed field"{computed}" of table "{table}" is being overloaded'
        )
    if is_tracked:
        raise NotSupported(f'the following tracked function(s) cannot be overloaded: "{name}"')


def _refuse_volatility(
    name: QualifiedName, volatility: Volatility, uses: list[tuple[QualifiedName, str]], *, is_tracked: bool
) -> None:
    if volatility is not Volatility.VOLATILE:
        return
    for table, computed in uses:
        raise NotSupported(
            f'The type of function "{name}" associated with computed field "{computed}" of table "{table}" '
            f'is being altered to "{volatility.name}"'
        )
    if is_tracked:
        raise NotSupported(f'type of function "{name}" is altered to "{volatility.name}" which is not supported now')


# --- metadata after it --------------------------------------------------------------------------------------------


async def _untrack_dropped(workspace: Workspace, diff: _Diff) -> None:
    for name in diff.dropped:
        workspace.remove(store.TABLE, name)
    for name in diff.dropped_functions:
        workspace.remove(store.FUNCTION, name)


async def _forget_dropped_columns(workspace: Workspace, diff: _Diff) -> None:
    """Removes custom names of columns that are gone."""
    for name, (old, new) in diff.altered.items():
        positions = {column.position for column in new.columns}
        gone = {column.name for column in old.columns if column.position not in positions}
        if not gone or workspace.is_unreadable(ObjectKey.of(store.TABLE, name)):
            continue
        document = await workspace.document(store.TABLE, name)
        configuration = document.get("configuration") if document is not None else None
        if document is None or not isinstance(configuration, dict):
            continue
        for key in ("column_config", "custom_column_names"):
            if isinstance(columns := configuration.get(key), dict):
                configuration[key] = {column: value for column, value in columns.items() if column not in gone}
        workspace.put(store.TABLE, name, document)


async def _rename_functions(workspace: Workspace, diff: _Diff) -> None:
    documents = {name: await workspace.document(store.FUNCTION, name) for name in diff.renamed_functions}
    # All old names go before any new one comes, as with tables.
    for name in documents:
        workspace.remove(store.FUNCTION, name)
    for name, document in documents.items():
        if document is not None:
            now = diff.renamed_functions[name]
            workspace.put(store.FUNCTION, now, {**document, "function": name_to_json(now)})


async def _rename(workspace: Workspace, diff: _Diff) -> None:
    fields: dict[tuple[QualifiedName, str], str] = {}
    for name, (old, new) in diff.altered.items():
        if old.oid != new.oid:
            continue
        present = {column.position: column.name for column in new.columns}
        for column in old.columns:
            renamed = present.get(column.position, column.name)
            if renamed != column.name:
                fields[name, column.name] = renamed
    if not fields and not diff.renamed:
        return
    facts = {Fact("column", table, column) for table, column in fields}
    facts |= {Fact("table", name) for name in diff.renamed}
    facts |= {
        Fact(kind, name, member)
        for name in diff.renamed
        if (info := workspace.world.snapshot.tables.get(name)) is not None
        for kind, members in (("column", info.columns_by_name), ("relationship", info.relationships))
        for member in members
    }
    affected = affected_tables(workspace.world, facts) | {table for table, _ in fields} | set(diff.renamed)
    await rewrite_tables(workspace, sorted(affected), Renaming(fields, diff.renamed))
