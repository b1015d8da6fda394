"""Changes small settings kept in metadata, and refuses what this engine does not do."""

from uuid import uuid4

from hasura.engine.api.registry import SUCCESS, Handler, command
from hasura.engine.api.workspace import Workspace
from hasura.engine.errors import NotSupported
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.keys import Keys
from hasura.engine.metadata.reading import DEFAULT_SOURCE, Reader
from hasura.engine.metadata.sections import parse_api_limits, parse_customization
from hasura.engine.metadata.types import API_LIMITS
from hasura.engine.resolve.unserved import REASON, has_content


@command("set_graphql_schema_introspection_options", takes=keys.INTROSPECTION)
async def set_graphql_schema_introspection_options(workspace: Workspace, args: Reader) -> Json:
    roles = args["disabled_for_roles"].names()
    workspace.put_section("graphql_schema_introspection", {"disabled_for_roles": list(roles)})
    await workspace.apply()
    return SUCCESS


@command("set_api_limits", takes=keys.API_LIMITS)
async def set_api_limits(workspace: Workspace, args: Reader) -> Json:
    workspace.put_section(API_LIMITS, parse_api_limits(args))
    await workspace.apply()
    return SUCCESS


@command("remove_api_limits")
async def remove_api_limits(workspace: Workspace, args: Reader) -> Json:
    workspace.remove(store.SECTION, API_LIMITS)
    await workspace.apply()
    return SUCCESS


@command("set_custom_types")
async def set_custom_types(workspace: Workspace, args: Reader) -> Json:
    """Accepts no types: they only matter to actions."""
    if has_content(args.value):
        raise not_served("custom types")
    workspace.remove(store.SECTION, "custom_types")
    await workspace.apply()
    return SUCCESS


@command("pg_set_source_customization", takes=Keys("name", customization=keys.CUSTOMIZATION))
async def set_source_customization(workspace: Workspace, args: Reader) -> Json:
    _refuse_other_source(workspace, args.optional_text("source") or args.optional_text("name"))
    await _change_source(workspace, args, ("customization",), is_whole=True)
    return SUCCESS


@command("pg_update_source", takes=Keys("name", "configuration", "health_check", customization=keys.CUSTOMIZATION))
async def update_source(workspace: Workspace, args: Reader) -> Json:
    """Changes what is given, and nothing else."""
    _refuse_other_source(workspace, args.optional_text("name") or args.optional_text("source"))
    if has_content(args.object().get("health_check")):
        raise not_served("health_check of a source")
    await _change_source(workspace, args, ("customization", "configuration"), is_whole=False)
    return SUCCESS


def _refuse_other_source(workspace: Workspace, source: str | None) -> None:
    served = workspace.world.metadata.source_name
    if source is not None and source != served:
        raise NotSupported(f'source "{source}" does not exist: this engine has one source, "{served}"')


async def _change_source(workspace: Workspace, args: Reader, keys: tuple[str, ...], *, is_whole: bool) -> None:
    """Puts these members of the source in place; `is_whole`: members that are not given go."""
    parse_customization(args.get("customization"))
    document = await workspace.document(store.SOURCE, DEFAULT_SOURCE) or {}
    for key in keys:
        if (given := args.get(key)) is not None:
            document[key] = given.object()
        elif is_whole:
            document.pop(key, None)
    workspace.put(store.SOURCE, DEFAULT_SOURCE, document)
    await workspace.apply()


@command("get_catalog_state")
async def get_catalog_state(workspace: Workspace, args: Reader) -> Json:
    """Returns what the Hasura CLI (which migrations ran) and console keep here."""
    return await _catalog_state(workspace)


@command("set_catalog_state")
async def set_catalog_state(workspace: Workspace, args: Reader) -> Json:
    kind = args["type"].text()
    if kind not in ("cli", "console"):
        raise args["type"].fail('expected "cli" or "console"')
    state = await _catalog_state(workspace)
    workspace.put(store.CATALOG_STATE, "state", {**state, f"{kind}_state": args["state"].object()})
    await workspace.apply()
    return SUCCESS


async def _catalog_state(workspace: Workspace) -> JsonObject:
    state = await workspace.document(store.CATALOG_STATE, "state")
    if state is None:
        state = {"id": str(uuid4()), "cli_state": {}, "console_state": {}}
        workspace.put(store.CATALOG_STATE, "state", state)
        await workspace.apply()
    return state


@command("list_source_kinds", writes=False)
async def list_source_kinds(workspace: Workspace, args: Reader) -> Json:
    return {"sources": [{"builtin": True, "kind": "postgres", "display_name": "PostgreSQL", "available": True}]}


@command("get_source_kind_capabilities", writes=False)
async def get_source_kind_capabilities(workspace: Workspace, args: Reader) -> Json:
    return {}


@command("get_feature_flags", writes=False)
async def get_feature_flags(workspace: Workspace, args: Reader) -> Json:
    return {"feature_flags": []}


# What the metadata API of Hasura has and this engine does not serve, by the names of its calls.
UNSERVED_COMMANDS = {
    "more than one source": (
        *("pg_add_source", "pg_drop_source", "rename_source", "mssql_add_source", "mssql_drop_source"),
        *("bigquery_add_source", "bigquery_drop_source", "citus_add_source", "citus_drop_source"),
        *("cockroach_add_source", "cockroach_drop_source", "dc_add_agent", "dc_delete_agent"),
        *("pg_set_connection_template", "pg_test_connection_template"),
    ),
    "remote schemas": (
        *("add_remote_schema", "update_remote_schema", "remove_remote_schema", "reload_remote_schema"),
        *("introspect_remote_schema", "add_remote_schema_permissions", "drop_remote_schema_permissions"),
        *("create_remote_schema_remote_relationship", "update_remote_schema_remote_relationship"),
        "delete_remote_schema_remote_relationship",
    ),
    "remote relationships": (
        "pg_create_remote_relationship",
        "pg_update_remote_relationship",
        "pg_delete_remote_relationship",
    ),
    "actions": (
        *("create_action", "update_action", "drop_action"),
        *("create_action_permission", "drop_action_permission", "test_webhook_transform"),
    ),
    "event triggers": (
        *("pg_create_event_trigger", "pg_delete_event_trigger", "pg_redeliver_event", "pg_invoke_event_trigger"),
        *("pg_get_event_logs", "pg_get_event_by_id", "pg_get_event_invocation_logs"),
        *("pg_cleanup_event_trigger_logs", "pg_pause_event_trigger_cleanup", "pg_resume_event_trigger_cleanup"),
    ),
    "cron triggers and scheduled events": (
        *("create_cron_trigger", "delete_cron_trigger", "get_cron_triggers"),
        *("create_scheduled_event", "delete_scheduled_event", "get_scheduled_events"),
        "get_scheduled_event_invocations",
    ),
    "native queries": (
        *("pg_track_native_query", "pg_untrack_native_query", "pg_get_native_query"),
        *("pg_create_native_query_object_relationship", "pg_create_native_query_array_relationship"),
        "pg_drop_native_query_relationship",
    ),
    "logical models": (
        *("pg_track_logical_model", "pg_untrack_logical_model", "pg_get_logical_model"),
        *("pg_create_logical_model_select_permission", "pg_drop_logical_model_select_permission"),
    ),
    "stored procedures": ("mssql_track_stored_procedure", "mssql_untrack_stored_procedure"),
    "network settings": ("add_host_to_tls_allowlist", "drop_host_from_tls_allowlist"),
    "OpenTelemetry": ("set_opentelemetry_config", "set_opentelemetry_status"),
    "metrics settings": ("set_metrics_config", "remove_metrics_config"),
    "query tags": ("set_query_tags", "pg_set_query_tags"),
}


def not_served(feature: str) -> NotSupported:
    """Returns the refusal of a call that would keep what is not served."""
    return NotSupported(
        f"{feature}: {REASON}; replace_metadata keeps it, and tells it among the inconsistent objects"
    )


def _refuser(feature: str) -> Handler:
    async def refuse(workspace: Workspace, args: Reader) -> Json:
        raise not_served(feature)

    return refuse


for _feature, _names in UNSERVED_COMMANDS.items():
    command(*_names, writes=False)(_refuser(_feature))
