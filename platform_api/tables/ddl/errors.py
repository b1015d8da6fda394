"""What PostgreSQL says when rows or other tables stand in the way of a change, in words for the builder.

PostgreSQL's own messages are not passed on: they quote values, and the rows may be other organizations'.
"""

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from platform_api.core.errors import Conflict, PlatformError, Unavailable, Unprocessable


class TableChangeRefused(Conflict):
    """Rows or other tables stand in the way of a change of a table."""


_CONFLICTS: Mapping[str, str] = {
    "23502": "rows have no value in {column}, which is to be required; give a default or fill them first",
    "23503": "values in {column} are not ids of rows of the referenced table in the same organization",
    "23505": "rows of one organization have equal values in the columns that are to be unique",
    "23514": "rows have values that are not among the choices",
    "42P07": "the name of a key or index is taken by another table's; give the key another name",
    "42710": "the name of a key or index is taken by another table's; give the key another name",
    "2BP01": "other tables refer to it; remove these references first",
}

_TOO_LARGE = ("54000", "54001", "54011", "54023")


def translate(error: DBAPIError, table_name: str) -> PlatformError | None:
    """The error to answer instead of `error`, or None when it is none of the builder's."""
    cause = error.orig.__cause__ if error.orig is not None else None
    state = str(getattr(cause, "sqlstate", ""))
    if state == "55P03":
        return Unavailable(f"table {table_name!r} is in use by a long transaction; try again in a moment")
    if state in _CONFLICTS:
        column = getattr(cause, "column_name", None)
        reason = _CONFLICTS[state].format(column=f"column {column!r}" if column else "a column")
        return TableChangeRefused(f"table {table_name!r} cannot be changed: {reason}")
    if state in ("42846", "42804"):
        return Unprocessable(f"table {table_name!r} cannot be changed: PostgreSQL cannot convert between these types")
    if state.startswith("22"):
        return TableChangeRefused(
            f"table {table_name!r} cannot be changed: some rows' values cannot be converted to the new type"
        )
    if state in _TOO_LARGE:
        return Unprocessable(f"table {table_name!r} cannot be built: its columns or keys exceed PostgreSQL's limits")
    return None
