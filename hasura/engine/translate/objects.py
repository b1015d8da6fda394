"""Makes JSON objects of named values: response keys are a row's columns, unless one is too long for that."""

from collections.abc import Sequence

from hasura.engine.sql.composition import MAX_IDENTIFIER_BYTES, Sql, concat, ident, join, sql, string_constant
from hasura.engine.translate.fragments import whole_row


def select_list(values: Sequence[tuple[str, Sql]]) -> Sql:
    """Returns the values of a select, each under its response key."""
    return join(
        ", ", [concat(value, sql(" as "), ident(_column(index, key))) for index, (key, value) in enumerate(values)]
    )


def has_long_key(keys: Sequence[str]) -> bool:
    """Returns whether PostgreSQL would cut a key off."""
    return any(len(key.encode()) > MAX_IDENTIFIER_BYTES for key in keys)


def object_of_row(name: str, keys: Sequence[str]) -> Sql:
    """Returns the JSON object of a row that `select_list` made, which is called `name`."""
    if has_long_key(keys):
        return built_object(name, keys)
    return concat(sql("row_to_json("), whole_row(name), sql(")"))


def built_object(name: str, keys: Sequence[str]) -> Sql:
    """Returns the same, key by key. As text: no function takes over 100 arguments, and jsonb keeps no order."""
    members = [
        concat(
            string_constant(f'"{key}":'),
            sql(" || coalesce(to_json("),
            ident(name, _column(index, key)),
            sql(")::text, 'null')"),
        )
        for index, key in enumerate(keys)
    ]
    return concat(sql("('{' || array_to_string(array["), join(", ", members), sql("], ',') || '}')::json"))


def _column(index: int, key: str) -> str:
    """Returns the response key as an identifier; a number when it is too long for one."""
    return f"#{index}" if has_long_key([key]) else key
