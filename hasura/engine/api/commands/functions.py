"""Changes tracked functions, their permissions, and computed fields."""

from hasura.engine.api.commands.bulk import each
from hasura.engine.api.commands.tables import source_tables
from hasura.engine.api.dependents import dependents_of_facts, refuse_or_remove
from hasura.engine.api.editing import append, drop, entry, without_nulls
from hasura.engine.api.registry import SUCCESS, command
from hasura.engine.api.workspace import Subject, Workspace
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import AlreadyExists, EngineError, NotExists, NotSupported
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.keys import Keys, refuse_mistyped_keys
from hasura.engine.metadata.parsing import RELATIONSHIP_LISTS, parse_computed_field, parse_function
from hasura.engine.metadata.reading import Reader, name_to_json
from hasura.engine.resolve.world import Fact
from hasura.engine.schema.permissions import table_access

# A function with its configuration, or just its name.
_TRACKED = Keys("source", "comment", function=keys.NAME, configuration=keys.FUNCTION_CONFIGURATION)
_UNTRACKED = Keys(*keys.NAME.names, "source")


def _function_subject(name: QualifiedName) -> Subject:
    return ("function", f"function {name} in source default")


@command("pg_track_function")
async def track_function(workspace: Workspace, args: Reader) -> Json:
    with_options = isinstance(args.value, dict) and "function" in args
    refuse_mistyped_keys(args, _TRACKED if with_options else _UNTRACKED)
    name = (args["function"] if with_options else args).qualified_name()
    document: JsonObject = {"function": name_to_json(name)}
    if with_options:
        for key in ("configuration", "comment"):
            if key in args and args[key].value != {}:
                document[key] = args[key].value
    parse_function(Reader(document, *args.path))
    if name in workspace.world.metadata.functions:
        raise EngineError(f'function already tracked: "{name}"', code="already-tracked")
    if name in workspace.world.metadata.tables:
        raise NotSupported(f'table with name "{name}" already exists')
    workspace.put(store.FUNCTION, name, document)
    await workspace.apply(_function_subject(name))
    return SUCCESS


async def _document(workspace: Workspace, name: QualifiedName) -> JsonObject:
    document = await workspace.document(store.FUNCTION, name)
    if document is None:
        raise NotExists(f'function "{name}" does not exist in source: default')
    return document


@command("pg_untrack_function")
async def untrack_function(workspace: Workspace, args: Reader) -> Json:
    is_member = isinstance(args.value, dict) and "function" in args
    refuse_mistyped_keys(args, Keys("function", "source") if is_member else _UNTRACKED)
    name = (args["function"] if is_member else args).qualified_name()
    await _document(workspace, name)
    workspace.remove(store.FUNCTION, name)
    await workspace.apply()
    return SUCCESS


@command("pg_track_functions", takes=Keys("functions", "allow_warnings"))
async def track_functions(workspace: Workspace, args: Reader) -> Json:
    return await each(workspace, args, "function", track_function)


@command("pg_untrack_functions", takes=Keys("functions", "allow_warnings"))
async def untrack_functions(workspace: Workspace, args: Reader) -> Json:
    return await each(workspace, args, "function", untrack_function)


@command("pg_get_source_functions", writes=False)
async def get_source_functions(workspace: Workspace, args: Reader) -> Json:
    return await _source_functions(workspace)


@command("pg_get_source_trackables", writes=False)
async def get_source_trackables(workspace: Workspace, args: Reader) -> Json:
    """Lists the tables and functions of the database, each by its name."""
    tables = await source_tables(workspace)
    functions = await _source_functions(workspace)
    return {
        "tables": [{"name": name} for name in tables],
        "functions": [{"name": name} for name in functions],
    }


async def _source_functions(workspace: Workspace) -> list[Json]:
    """Returns the names of functions that return rows of a table or view, which are those that may be tracked."""
    rows = await workspace.connection.fetch(
        "select distinct n.nspname::text as schema, p.proname::text as name from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace"
        " join pg_type t on t.oid = p.prorettype join pg_class c on c.oid = t.typrelid"
        " where p.prokind = 'f' and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'"
        " and n.nspname not in ('information_schema', 'automio_engine', 'hdb_catalog') order by 1, 2"
    )
    return [name_to_json(QualifiedName(row["schema"], row["name"])) for row in rows]


@command("pg_set_function_customization", takes=Keys(function=keys.NAME, configuration=keys.FUNCTION_CONFIGURATION))
async def set_function_customization(workspace: Workspace, args: Reader) -> Json:
    name = args["function"].qualified_name()
    document = await _document(workspace, name)
    document.pop("configuration", None)
    if "configuration" in args:
        document["configuration"] = args["configuration"].value
    parse_function(Reader(document, *args.path))
    workspace.put(store.FUNCTION, name, document)
    await workspace.apply(_function_subject(name))
    return SUCCESS


@command("pg_create_function_permission", takes=Keys("role", function=keys.NAME))
async def create_function_permission(workspace: Workspace, args: Reader) -> Json:
    name, role = args["function"].qualified_name(), args["role"].name()
    document = await _document(workspace, name)
    if entry(document, "permissions", "role", role) is not None:
        raise AlreadyExists(f'permission of role "{role}" already exists for function "{name}" in source: "default"')
    _refuse_unreadable_result(workspace, name, role)
    append(document, "permissions", {"role": role})
    workspace.put(store.FUNCTION, name, document)
    await workspace.apply(_function_subject(name))
    return SUCCESS


def _refuse_unreadable_result(workspace: Workspace, name: QualifiedName, role: str) -> None:
    cache = workspace.world.snapshot
    tracked = cache.functions.get(name)
    if tracked is None:
        return
    returned = tracked.returned_table
    if table_access(cache, role, workspace.table(returned)).select is None:
        raise NotSupported(
            f'function permission can only be added when the function\'s return table "{returned}" has select '
            f'permission configured for role: "{role}"'
        )


@command("pg_drop_function_permission", takes=Keys("role", function=keys.NAME))
async def drop_function_permission(workspace: Workspace, args: Reader) -> Json:
    name, role = args["function"].qualified_name(), args["role"].name()
    document = await _document(workspace, name)
    if entry(document, "permissions", "role", role) is None:
        raise NotExists(f'permission of role "{role}" does not exist for function "{name}" in source: "default"')
    drop(document, "permissions", "role", role)
    workspace.put(store.FUNCTION, name, document)
    await workspace.apply(_function_subject(name))
    return SUCCESS


@command("pg_add_computed_field", takes=keys.COMPUTED_FIELD.with_arguments(table=keys.NAME))
async def add_computed_field(workspace: Workspace, args: Reader) -> Json:
    computed = parse_computed_field(args)
    table = args["table"].qualified_name()
    with args["table"].blamed():
        info = workspace.table(table)
    document = await workspace.table_document(table)
    lists = (*RELATIONSHIP_LISTS, "computed_fields")
    if computed.name in info.columns_by_name or any(entry(document, item, "name", computed.name) for item in lists):
        raise AlreadyExists(f'field with name "{computed.name}" already exists in table "{table}"')
    definition = {**args["definition"].object(), "function": name_to_json(computed.function)}
    described: JsonObject = {"name": computed.name, "definition": definition, "comment": computed.comment}
    append(document, "computed_fields", without_nulls(described))
    workspace.put(store.TABLE, table, document)
    await workspace.apply(("computed_field", f"computed_field {computed.name} in table {table} in source default"))
    return SUCCESS


@command("pg_drop_computed_field", takes=Keys("name", "cascade", table=keys.NAME))
async def drop_computed_field(workspace: Workspace, args: Reader) -> Json:
    table, name = args["table"].qualified_name(), args["name"].name()
    with args["table"].blamed():
        document = await workspace.table_document(table)
    if entry(document, "computed_fields", "name", name) is None:
        with args["name"].blamed():
            raise NotExists(f'computed field "{name}" does not exist')
    dependents = dependents_of_facts(workspace.world, {Fact("computed_field", table, name)})
    await refuse_or_remove(workspace, dependents, cascade=args.flag("cascade"))
    document = await workspace.table_document(table)
    drop(document, "computed_fields", "name", name)
    workspace.put(store.TABLE, table, document)
    await workspace.apply()
    return SUCCESS
