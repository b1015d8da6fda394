"""Runs a script within its limits: in the call's transaction, or outside of any, statement by statement.

Nothing that a script does holds the metadata lock for longer than the limit says, nor when its client has gone. The
server's limits end a statement that runs or waits; ours ends the rest, by closing the connection: a statement that
waits for its client (COPY) hears of nothing else.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import asyncpg

from hasura.engine.api.sql.script import Rows, Script, run_statement, run_together
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.connection import abandon
from hasura.engine.errors import EngineError, NotSupported, json_path
from hasura.engine.metadata.reading import Reader

_USED_TOO_EARLY = "55P04"


def together(workspace: Workspace, script: Script) -> Coroutine[Any, Any, Rows | None]:
    """Returns the work of running a script in the call's transaction."""
    return run_together(workspace.connection, script.statements)


async def run_limited(workspace: Workspace, script: Script, work: Coroutine[Any, Any, Rows | None]) -> Rows | None:
    """Awaits the work, at most for as long as the limits allow. Raises EngineError.

    The connection is closed when the work does not end in time, and when the caller is cancelled.
    """
    seconds = workspace.limits.statement_seconds
    started = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as exc:
        await abandon(workspace.connection)
        raise _timed_out(workspace) from exc
    except asyncio.CancelledError:
        await abandon(workspace.connection)
        raise
    except asyncpg.LockNotAvailableError as exc:
        if "lock timeout" not in str(exc):
            raise _failed(script, exc) from exc
        raise EngineError(
            f"the SQL waited for a lock for longer than {workspace.limits.lock_seconds:g} seconds"
            " (HASURA_GRAPHQL_RUN_SQL_LOCK_TIMEOUT)",
            code="timeout",
        ) from exc
    except asyncpg.QueryCanceledError as exc:
        # A statement that ended before our limit was ended by a lower one that the script set.
        is_ours = seconds is not None and time.monotonic() - started >= seconds
        if "statement timeout" not in str(exc) or not is_ours:
            raise _failed(script, exc) from exc
        raise _timed_out(workspace) from exc
    except asyncpg.PostgresError as exc:
        raise _failed(script, exc) from exc


async def run_outside(workspace: Workspace, script: Script, place: Reader) -> Rows | None:
    """Runs the statements one by one, each on its own; what the call did before is committed. Raises EngineError."""
    if workspace.outside is None:
        raise NotSupported(
            "a statement that cannot run in a transaction cannot be in this call, which is one transaction;"
            " send it in a call of its own",
            path=json_path(*place.path),
        )
    async with workspace.outside():
        return await run_limited(workspace, script, _one_by_one(workspace, script))


async def _one_by_one(workspace: Workspace, script: Script) -> Rows | None:
    rows: Rows | None = None
    for number, statement in enumerate(script.statements, 1):
        try:
            rows = await run_statement(workspace.connection, statement)
        except asyncpg.PostgresError as exc:
            if number == 1 or _is_limit(exc):
                raise
            error = _failed(script, exc)
            error.message += f" at statement {number}; those before it have taken effect"
            raise error from exc
    if workspace.connection.is_in_transaction():
        await workspace.connection.execute("rollback")
        raise EngineError(
            "the script leaves a transaction open, which was rolled back: end it with commit",
            code="postgres-error",
        )
    return rows


def _is_limit(error: asyncpg.PostgresError) -> bool:
    return isinstance(error, asyncpg.LockNotAvailableError | asyncpg.QueryCanceledError)


def _timed_out(workspace: Workspace) -> EngineError:
    return EngineError(
        f"the SQL took longer than {workspace.limits.statement_seconds:g} seconds (HASURA_GRAPHQL_RUN_SQL_TIMEOUT)"
        " and was ended",
        code="timeout",
    )


def _failed(script: Script, error: asyncpg.PostgresError) -> EngineError:
    hint = getattr(error, "hint", None)
    if error.sqlstate == _USED_TOO_EARLY:
        hint = "with check_metadata_consistency: false the statements run one by one, each by itself"
    return EngineError(
        "query execution failed",
        code="postgres-error",
        internal={
            "statement": script.text,
            "prepared": False,
            "arguments": [],
            "error": {
                "exec_status": "FatalError",
                "hint": hint,
                "message": str(error.args[0]) if error.args else "",
                "status_code": error.sqlstate,
                "description": getattr(error, "detail", None),
            },
        },
    )
