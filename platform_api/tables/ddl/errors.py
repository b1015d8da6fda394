"""Translates what PostgreSQL says when rows or other tables prevent a change into messages for the builder.

PostgreSQL's own messages are not passed on: they quote values, which may be another organization's.
"""

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from platform_api.core.errors import Conflict, PlatformError, Unavailable, Unprocessable


class TableChangeRefused(Conflict):
    """Reports that rows or other tables prevent a change of a table."""

    code = "table_change_refused"


class TableBusy(Unavailable):
    """Reports that another transaction uses the table for long."""

    code = "table_busy"


_CONFLICTS: Mapping[str, str] = {
    "23502": "some rows have no value in {column}, so it cannot be required; give a default or fill them first",
    "23503": "values in {column} are not ids of rows of the referenced table in the same organization",
    "23505": "rows of one organization have equal values in the columns of the unique key; change them first",
    "23514": "some rows have values that are not among the choices; add these choices or change the rows first",
    "42P07": "another table uses the name of a key or index; choose another name",
    "42710": "another table uses the name of a key or index; choose another name",
    "2BP01": "other tables refer to it; remove their references first",
}

_TOO_LARGE = ("54000", "54001", "54011", "54023")


def translate(error: DBAPIError, table_name: str) -> PlatformError | None:
    """Returns the error to report instead of `error`; None when the builder did not cause it."""
    cause = error.orig.__cause__ if error.orig is not None else None
    state = str(getattr(cause, "sqlstate", ""))
    if state == "55P03":
        return TableBusy(f"table {table_name!r} is in use by a long transaction; try again in a moment")
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
