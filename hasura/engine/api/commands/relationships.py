"""Changes relationships, and suggests them."""

from hasura.engine.api.dependents import dependents_of_facts, refuse_or_remove
from hasura.engine.api.editing import append, drop, entry, without_nulls
from hasura.engine.api.registry import SUCCESS, command
from hasura.engine.api.rewriting import rename_relationship_everywhere
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.types import QualifiedName, Table
from hasura.engine.errors import AlreadyExists, EngineError, NotExists
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.keys import Keys
from hasura.engine.metadata.parsing import RELATIONSHIP_LISTS, parse_using
from hasura.engine.metadata.reading import Reader, name_to_json
from hasura.engine.metadata.types import (
    ForeignKeyColumns,
    ManualMapping,
    RelationshipKind,
    RelationshipUsing,
    RemoteForeignKey,
)
from hasura.engine.resolve.world import Fact


@command("pg_create_object_relationship", takes=keys.RELATIONSHIP.with_arguments(table=keys.NAME))
async def create_object_relationship(workspace: Workspace, args: Reader) -> Json:
    return await _create(workspace, args, RelationshipKind.OBJECT)


@command("pg_create_array_relationship", takes=keys.RELATIONSHIP.with_arguments(table=keys.NAME))
async def create_array_relationship(workspace: Workspace, args: Reader) -> Json:
    return await _create(workspace, args, RelationshipKind.ARRAY)


async def _create(workspace: Workspace, args: Reader, kind: RelationshipKind) -> Json:
    name = args["name"].name()
    table = args["table"].qualified_name()
    using = parse_using(args["using"], kind)
    entry_document = without_nulls(
        {"name": name, "using": normal_using(using, args["using"].value), "comment": args.optional_text("comment")}
    )
    info = workspace.table(table)
    document = await workspace.table_document(table)
    is_taken = name in info.columns_by_name or name in info.computed_fields
    if is_taken or any(entry(document, list_name, "name", name) for list_name in RELATIONSHIP_LISTS):
        raise AlreadyExists(f'field with name "{name}" already exists in table "{table}"')
    append(document, f"{kind}_relationships", entry_document)
    workspace.put(store.TABLE, table, document)
    await workspace.apply((f"{kind}_relation", f"{kind}_relation {name} in table {table} in source default"))
    return SUCCESS


def normal_using(using: RelationshipUsing, written: Json) -> JsonObject:
    """Returns `using` with table names written out; columns stay in the form they came in."""
    match using:
        case ForeignKeyColumns():
            assert isinstance(written, dict)
            return {"foreign_key_constraint_on": written["foreign_key_constraint_on"]}
        case RemoteForeignKey(table, columns):
            assert isinstance(written, dict)
            given = written["foreign_key_constraint_on"]
            assert isinstance(given, dict)
            single = "column" in given and len(columns) == 1
            key: JsonObject = {"column": columns[0]} if single else {"columns": list(columns)}
            return {"foreign_key_constraint_on": {**key, "table": name_to_json(table)}}
        case ManualMapping(table, mapping, order):
            return {
                "manual_configuration": {
                    "column_mapping": dict(mapping),
                    "insertion_order": order,
                    "remote_table": name_to_json(table),
                }
            }


def _relationship_list(workspace: Workspace, table: QualifiedName, document: JsonObject, name: str) -> str:
    for list_name in RELATIONSHIP_LISTS:
        if entry(document, list_name, "name", name) is not None:
            return list_name
    info = workspace.world.snapshot.tables.get(table)
    if info is not None and (name in info.columns_by_name or name in info.computed_fields):
        message = f'expecting a relationship; but, "{name}" is a postgres column; '
        raise EngineError(message, code="unexpected-payload")
    raise NotExists(f'relationship "{name}" does not exist')


@command("pg_drop_relationship", takes=Keys("relationship", "cascade", table=keys.NAME))
async def drop_relationship(workspace: Workspace, args: Reader) -> Json:
    table, name = args["table"].qualified_name(), args["relationship"].name()
    document = await workspace.table_document(table)
    list_name = _relationship_list(workspace, table, document, name)
    dependents = dependents_of_facts(workspace.world, {Fact("relationship", table, name)})
    await refuse_or_remove(workspace, dependents, cascade=args.flag("cascade"))
    document = await workspace.table_document(table)
    drop(document, list_name, "name", name)
    workspace.put(store.TABLE, table, document)
    await workspace.apply()
    return SUCCESS


@command("pg_set_relationship_comment", takes=Keys("relationship", "comment", table=keys.NAME))
async def set_relationship_comment(workspace: Workspace, args: Reader) -> Json:
    table, name = args["table"].qualified_name(), args["relationship"].name()
    document = await workspace.table_document(table)
    relationship = entry(document, _relationship_list(workspace, table, document, name), "name", name)
    assert relationship is not None
    relationship.pop("comment", None)
    if "comment" in args:
        relationship["comment"] = args["comment"].text()
    workspace.put(store.TABLE, table, document)
    await workspace.apply()
    return SUCCESS


@command("pg_rename_relationship", takes=Keys("name", "new_name", table=keys.NAME))
async def rename_relationship(workspace: Workspace, args: Reader) -> Json:
    table, name, new_name = args["table"].qualified_name(), args["name"].name(), args["new_name"].name()
    document = await workspace.table_document(table)
    list_name = _relationship_list(workspace, table, document, name)
    info = workspace.table(table)
    if new_name in info.relationships or new_name in info.columns_by_name or new_name in info.computed_fields:
        raise AlreadyExists(
            f'cannot rename relationship "{name}" to "{new_name}" in table "{table}" as a column/relationship '
            "with the name already exists"
        )
    await rename_relationship_everywhere(workspace, table, name, new_name)
    document = await workspace.table_document(table)
    relationship = entry(document, list_name, "name", name)
    assert relationship is not None
    relationship["name"] = new_name
    workspace.put(store.TABLE, table, document)
    await workspace.apply()
    return SUCCESS


@command("pg_suggest_relationships", writes=False)
async def suggest_relationships(workspace: Workspace, args: Reader) -> Json:
    """Returns relationships along foreign keys between tracked tables; existing ones are left out on request."""
    tables = args.get("tables")
    names = {item.qualified_name() for item in tables.items()} if tables is not None else None
    omit = args.flag("omit_tracked")
    catalog = workspace.world.catalog.tables
    known = {key.oid for table in catalog.values() for key in table.foreign_keys}
    suggestions: list[Json] = []
    for table in sorted(catalog.values(), key=lambda item: item.name):
        for key in table.foreign_keys:
            remote = catalog.get(key.referenced_table)
            if key.inherited_from in known:
                # A partition's copy of a foreign key that its partitioned table has already.
                continue
            if remote is None or (names is not None and not {table.name, remote.name} & names):
                continue
            is_unique = any(constraint.covers(key.columns) for constraint in table.all_unique_constraints)
            mapping = tuple(zip(key.columns, key.referenced_columns, strict=True))
            here = _end(table.name, [own for own, _ in mapping], key.name)
            there = _end(remote.name, [other for _, other in mapping], None)
            if not (omit and _is_tracked(workspace, table, remote.name, mapping)):
                suggestions.append({"type": "object", "from": here, "to": there})
            backwards = tuple((other, own) for own, other in mapping)
            if not (omit and _is_tracked(workspace, remote, table.name, backwards)):
                kind = "object" if is_unique else "array"
                suggestions.append({"type": kind, "from": there, "to": here})
    return {"relationships": suggestions}


def _end(table: QualifiedName, columns: list[str], constraint: str | None) -> JsonObject:
    described: JsonObject = {"table": name_to_json(table), "columns": list(columns)}
    if constraint is not None:
        described["constraint_name"] = constraint
    return described


def _is_tracked(
    workspace: Workspace, table: Table, remote: QualifiedName, mapping: tuple[tuple[str, str], ...]
) -> bool:
    info = workspace.world.snapshot.tables.get(table.name)
    return info is not None and any(
        item.remote_table == remote and set(item.column_mapping) == set(mapping)
        for item in info.relationships.values()
    )
