"""Tracks tables and changes their configuration."""

from hasura.engine.api.commands.bulk import each
from hasura.engine.api.commands.settings import not_served
from hasura.engine.api.dependents import dependents_of_table, refuse_or_remove
from hasura.engine.api.registry import SUCCESS, command
from hasura.engine.api.workspace import Subject, Workspace
from hasura.engine.catalog.loader import load_tables
from hasura.engine.catalog.types import QualifiedName
from hasura.engine.errors import EngineError, NotSupported
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.keys import Keys, refuse_mistyped_keys
from hasura.engine.metadata.parsing import parse_configuration
from hasura.engine.metadata.reading import Reader, name_to_json
from hasura.engine.names import default_table_name
from hasura.engine.resolve.unserved import has_content

_WITH_OPTIONS = Keys(
    *("source", "is_enum", "apollo_federation_config", "logical_model"),
    table=keys.NAME,
    configuration=keys.CONFIGURATION,
)
_UNTRACKED = Keys("source", "cascade", table=keys.NAME)
_NAME_ALONE = Keys(*keys.NAME.names, "source")


def table_subject(name: QualifiedName) -> Subject:
    """Returns the table itself, as it is among inconsistent objects."""
    return ("table", f"table {name} in source default")


@command("pg_track_table", "add_existing_table_or_view")
async def track_table(workspace: Workspace, args: Reader) -> Json:
    with_options = isinstance(args.value, dict) and "table" in args
    refuse_mistyped_keys(args, _WITH_OPTIONS if with_options else _NAME_ALONE)
    name = (args["table"] if with_options else args).qualified_name()
    document: JsonObject = {"table": name_to_json(name)}
    if with_options:
        if args.flag("is_enum"):
            document["is_enum"] = True
        for key in ("apollo_federation_config", "logical_model"):
            if has_content(args.object().get(key)):
                raise not_served(f"{key} of a table")
        if "configuration" in args and args["configuration"].value != {}:
            document["configuration"] = args["configuration"].value
        configuration = args.get("configuration")
        if configuration is not None:
            parse_configuration(configuration)
    await _track(workspace, name, document)
    return SUCCESS


async def _track(workspace: Workspace, name: QualifiedName, document: JsonObject) -> None:
    if name in workspace.world.metadata.tables:
        raise EngineError(f'view/table already tracked: "{name}"', code="already-tracked")
    field = default_table_name(name)
    other = workspace.world.snapshot.query_fields.get(field)
    if other is not None and "configuration" not in document:
        if other.function is not None:
            raise NotSupported(f'function with name "{other.function}" already exists')
        raise EngineError(f"node {field} already exists in current graphql schema", code="remote-schema-conflicts")
    workspace.put(store.TABLE, name, document)
    await workspace.apply(table_subject(name))


@command("pg_track_tables", takes=Keys("tables", "allow_warnings"))
async def track_tables(workspace: Workspace, args: Reader) -> Json:
    return await each(workspace, args, "table", track_table)


@command("pg_untrack_table")
async def untrack_table(workspace: Workspace, args: Reader) -> Json:
    refuse_mistyped_keys(args, _UNTRACKED)
    name = args["table"].qualified_name()
    if name not in workspace.world.metadata.tables:
        raise EngineError(f'view/table already untracked: "{name}"', code="already-untracked")
    await refuse_or_remove(workspace, dependents_of_table(workspace.world, name), cascade=args.flag("cascade"))
    workspace.remove(store.TABLE, name)
    await workspace.apply()
    return SUCCESS


@command("pg_untrack_tables", takes=Keys("tables", "allow_warnings"))
async def untrack_tables(workspace: Workspace, args: Reader) -> Json:
    return await each(workspace, args, "table", untrack_table)


@command("pg_set_table_is_enum", takes=Keys("is_enum", table=keys.NAME))
async def set_table_is_enum(workspace: Workspace, args: Reader) -> Json:
    name = args["table"].qualified_name()
    workspace.table(name)
    document = await workspace.table_document(name)
    document.pop("is_enum", None)
    if args["is_enum"].boolean():
        document["is_enum"] = True
    workspace.put(store.TABLE, name, document)
    await workspace.apply(table_subject(name))
    return SUCCESS


@command("pg_set_table_customization", takes=Keys(table=keys.NAME, configuration=keys.CONFIGURATION))
async def set_table_customization(workspace: Workspace, args: Reader) -> Json:
    configuration = args.get("configuration")
    if configuration is not None:
        parse_configuration(configuration)
    await _configure(workspace, args["table"].qualified_name(), configuration.value if configuration else {})
    return SUCCESS


@command(
    "set_table_custom_fields", takes=Keys("custom_column_names", table=keys.NAME, custom_root_fields=keys.ROOT_FIELDS)
)
async def set_table_custom_fields(workspace: Workspace, args: Reader) -> Json:
    parts = {key: args[key].value for key in ("custom_root_fields", "custom_column_names") if key in args}
    parse_configuration(Reader(parts, *args.path))
    await _configure(workspace, args["table"].qualified_name(), parts)
    return SUCCESS


async def _configure(workspace: Workspace, name: QualifiedName, configuration: Json) -> None:
    document = await workspace.table_document(name)
    workspace.table(name)
    document.pop("configuration", None)
    if configuration:
        document["configuration"] = configuration
    workspace.put(store.TABLE, name, document)
    await workspace.apply(table_subject(name))


@command("pg_set_apollo_federation_config", takes=Keys("apollo_federation_config", table=keys.NAME))
async def set_apollo_federation_config(workspace: Workspace, args: Reader) -> Json:
    name = args["table"].qualified_name()
    if has_content(args.object().get("apollo_federation_config")):
        raise not_served("apollo_federation_config of a table")
    document = await workspace.table_document(name)
    document.pop("apollo_federation_config", None)
    workspace.put(store.TABLE, name, document)
    await workspace.apply(table_subject(name))
    return SUCCESS


@command("pg_get_source_tables", writes=False)
async def get_source_tables(workspace: Workspace, args: Reader) -> Json:
    return await source_tables(workspace)


async def source_tables(workspace: Workspace) -> list[Json]:
    """Returns the names of all tables and views of the database but the system's and the engine's own."""
    rows = await workspace.connection.fetch(
        "select n.nspname::text as schema, c.relname::text as name from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_'"
        " and n.nspname not in ('information_schema', 'automio_engine', 'hdb_catalog') order by 1, 2"
    )
    return [{"name": row["name"], "schema": row["schema"]} for row in rows]


@command("get_table_info", "pg_get_table_info", writes=False)
async def get_table_info(workspace: Workspace, args: Reader) -> Json:
    name = args["table"].qualified_name()
    table = (await load_tables(workspace.connection, [name])).get(name)
    if table is None:
        raise EngineError(f'table "{name}" does not exist in source: default', code="not-exists")
    columns: list[Json] = [
        {"name": column.name, "type": column.type.name, "nullable": column.is_nullable, "description": column.comment}
        for column in table.columns
    ]
    key: list[Json] = list(table.primary_key.columns) if table.primary_key is not None else []
    return {"name": name_to_json(name), "columns": columns, "primary_key": key, "description": table.comment}
