"""Changes inherited roles."""

from hasura.engine.api.registry import SUCCESS, command
from hasura.engine.api.workspace import Workspace
from hasura.engine.errors import EngineError, NotExists
from hasura.engine.exact_json import Json
from hasura.engine.metadata import keys, store
from hasura.engine.metadata.parsing import parse_inherited_role
from hasura.engine.metadata.reading import Reader
from hasura.engine.resolve.roles import refuse_cycles


@command("add_inherited_role", takes=keys.INHERITED_ROLE)
async def add_inherited_role(workspace: Workspace, args: Reader) -> Json:
    role = parse_inherited_role(args)
    if not role.role_set:
        raise args["role_set"].fail("parsing NonEmpty failed, unexpected empty list")
    if role.name in role.role_set:
        raise EngineError("an inherited role name cannot be in the role combination", code="invalid-params")
    known = workspace.world.metadata.inherited_roles
    refuse_cycles({**known, role.name: role})
    workspace.put(
        store.INHERITED_ROLE, role.name, {"role_name": role.name, "role_set": list(args["role_set"].names())}
    )
    await workspace.apply()
    return SUCCESS


@command("drop_inherited_role", takes=keys.Keys("role_name"))
async def drop_inherited_role(workspace: Workspace, args: Reader) -> Json:
    name = args["role_name"].name()
    if name not in workspace.world.metadata.inherited_roles:
        raise NotExists(f'"{name}" inherited role doesn\'t exist')
    workspace.remove(store.INHERITED_ROLE, name)
    await workspace.apply()
    return SUCCESS
