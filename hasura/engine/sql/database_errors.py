"""Puts PostgreSQL's errors into Hasura's words: one place turns a failed statement into an `EngineError`."""

import asyncpg

from hasura.engine.errors import EngineError, NotSupported, Unexpected, ValidationFailed
from hasura.engine.sql.violations import Blamed, Violation, parse_violation

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    # Raised for a statement between the server's notice that it shuts down and the end of the connection.
    asyncpg.InternalClientError,
    OSError,
)
"""What asyncpg raises for a lost or refused connection. Not the statement's fault, so it is checked first."""
_INTEGRITY = {
    "23001": "Can not delete or update due to data being referred. ",
    "23502": "Not-NULL violation. ",
    "23503": "Foreign key violation. ",
    "23505": "Uniqueness violation. ",
    "23514": "Check constraint violation. ",
    "23P01": "Exclusion violation. ",
    # The check option of a view.
    "44000": "Check constraint violation. ",
}
_CHECKS = frozenset({"23514", "44000"})
# A regular expression, or the end of a pattern, that cannot be read.
_BAD_PATTERNS = frozenset({"2201B", "22025"})
_SERIALIZATION_FAILURE = "40001"

# Nested too deeply, too many columns, too many arguments.
_BEYOND_LIMITS = frozenset({"54001", "54011", "54023"})
# No such operator or function for the types, ambiguous ones, no cast, no type or collation to be found.
_UNDEFINED_FOR_THE_TYPE = frozenset({"42883", "42725", "42804", "42846", "42P18", "42P21", "42P22"})


def translate(error: asyncpg.PostgresError, path: str) -> EngineError:
    """Returns the refusal to answer with; details of the statement stay in `internal`."""
    state = error.sqlstate or ""
    message = str(error.args[0]) if error.args else "database query error"
    internal = _internal(error, message)
    violation = parse_violation(message)
    if violation is not None:
        return EngineError(violation.message, code=violation.code, path=_place(violation, path), internal=internal)
    if state.startswith("23") or state in _INTEGRITY:
        code = "permission-error" if state in _CHECKS else "constraint-violation"
        return EngineError(_INTEGRITY.get(state, "") + message, code=code, path=path, internal=internal)
    if state.startswith("22"):
        code = "bad-request" if state in _BAD_PATTERNS else "data-exception"
        return EngineError(message, code=code, path=path, internal=internal)
    if state in _BEYOND_LIMITS:
        text = f"the operation is larger than PostgreSQL can run: {message}"
        return ValidationFailed(text, path=path, internal=internal)
    if state in _UNDEFINED_FOR_THE_TYPE:
        return NotSupported(message, path=path, internal=internal)
    if state.startswith(("21", "54")):
        return EngineError(message, code="data-exception", path=path, internal=internal)
    if state == "57014":
        return EngineError("Timed out or cancelled", code="unexpected", path=path, internal=internal)
    if state.startswith("40"):
        text = "serialization failure due to concurrent update" if state == _SERIALIZATION_FAILURE else message
        return EngineError(text, code="concurrent-update", path=path, internal=internal)
    if state.startswith("42"):
        # A function or trigger of the database is wrong: its author needs PostgreSQL's words.
        return EngineError(message, code="constraint-error", path=path, internal=internal)
    return Unexpected("database query error", path="$", internal=internal)


def _place(violation: Violation, path: str) -> str:
    match violation.blamed:
        case Blamed.STATEMENT:
            return path
        case Blamed.RELATIONSHIP:
            return path.removesuffix(".data")
        case Blamed.STORED_ROWS:
            return "$"


def _internal(error: asyncpg.PostgresError, message: str) -> dict[str, object]:
    """Returns the details as Hasura shows them to admins."""
    return {
        "error": {
            "exec_status": "FatalError",
            "hint": getattr(error, "hint", None),
            "message": message,
            "status_code": error.sqlstate,
            "description": getattr(error, "detail", None),
        }
    }
