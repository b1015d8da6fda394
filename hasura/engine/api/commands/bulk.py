"""Runs one call for many objects of a kind: all or none, or as many as can be, with warnings for the others."""

from hasura.engine.api.registry import SUCCESS, Handler
from hasura.engine.api.source_names import refuse_other_sources
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.connection import transaction
from hasura.engine.errors import EngineError, ParseFailed
from hasura.engine.exact_json import Json
from hasura.engine.metadata.reading import Reader


async def each(workspace: Workspace, args: Reader, kind: str, handle: Handler) -> Json:
    """Handles each element of `tables` or `functions`. Raises EngineError for the first one that is refused.

    With `allow_warnings`, which is the default, those that are refused are answered as warnings instead. What cannot
    be read is no warning: it is not known what it was about.
    """
    allow_warnings = args.flag("allow_warnings", default=True)
    warnings: list[Json] = []
    for item in args[f"{kind}s"].items():
        before = workspace.world
        try:
            async with transaction(workspace.connection):
                refuse_other_sources(item, workspace.world.metadata.source_name)
                await handle(workspace, item)
        except EngineError as exc:
            if not allow_warnings or isinstance(exc, ParseFailed) or workspace.connection.is_closed():
                raise
            workspace.forget_since(before)
            is_member = isinstance(item.value, dict) and kind in item
            name = f"{kind} {(item[kind] if is_member else item).qualified_name()}"
            warnings.append({"code": exc.code, "message": exc.message, "name": name, "type": kind})
    return {"message": "success", "warnings": warnings} if warnings else SUCCESS
