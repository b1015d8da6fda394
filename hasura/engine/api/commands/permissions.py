"""Changes permissions of roles on tables."""

from hasura.engine.api.completeness import refuse_endless_expressions
from hasura.engine.api.editing import append, drop, entry, without_nulls
from hasura.engine.api.registry import SUCCESS, Handler, command
from hasura.engine.api.workspace import Workspace
from hasura.engine.errors import AlreadyExists, PermissionDenied
from hasura.engine.exact_json import Json
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.keys import Keys
from hasura.engine.metadata.parsing import PERMISSION_PARSERS
from hasura.engine.metadata.reading import Reader

OPERATIONS = ("select", "insert", "update", "delete")


def _creator(operation: str) -> Handler:
    async def create(workspace: Workspace, args: Reader) -> Json:
        list_name = f"{operation}_permissions"
        PERMISSION_PARSERS[list_name](args)
        refuse_endless_expressions(args)
        table, role = args["table"].qualified_name(), args["role"].name()
        document = await workspace.table_document(table)
        workspace.table(table)
        if entry(document, list_name, "role", role) is not None:
            raise AlreadyExists(f'permission already defined on table "{table}" with role "{role}"')
        described = {"role": role, "permission": args["permission"].value, "comment": args.optional_text("comment")}
        append(document, list_name, without_nulls(described))
        workspace.put(store.TABLE, table, document)
        await workspace.apply(
            (f"{operation}_permission", f"{operation}_permission {role} in table {table} in source default")
        )
        return SUCCESS

    return create


def _dropper(operation: str) -> Handler:
    async def drop_permission(workspace: Workspace, args: Reader) -> Json:
        list_name = f"{operation}_permissions"
        table, role = args["table"].qualified_name(), args["role"].name()
        document = await workspace.table_document(table)
        if entry(document, list_name, "role", role) is None:
            raise PermissionDenied(f'{operation} permission on "{table}" for role "{role}" does not exist')
        drop(document, list_name, "role", role)
        workspace.put(store.TABLE, table, document)
        await workspace.apply()
        return SUCCESS

    return drop_permission


for _operation in OPERATIONS:
    _entry = keys.PERMISSIONS[f"{_operation}_permissions"]
    command(f"pg_create_{_operation}_permission", takes=_entry)(_creator(_operation))
    command(f"pg_drop_{_operation}_permission", takes=Keys("role", table=keys.NAME))(_dropper(_operation))


@command("pg_set_permission_comment", takes=Keys("role", "type", "comment", table=keys.NAME))
async def set_permission_comment(workspace: Workspace, args: Reader) -> Json:
    operation = args["type"].text()
    if operation not in OPERATIONS:
        raise args["type"].fail("expected one of select, insert, update, delete")
    list_name = f"{operation}_permissions"
    table, role = args["table"].qualified_name(), args["role"].name()
    document = await workspace.table_document(table)
    permission = entry(document, list_name, "role", role)
    if permission is None:
        raise PermissionDenied(f'{operation} permission on "{table}" for role "{role}" does not exist')
    permission.pop("comment", None)
    if "comment" in args:
        permission["comment"] = args["comment"].text()
    workspace.put(store.TABLE, table, document)
    await workspace.apply()
    return SUCCESS
