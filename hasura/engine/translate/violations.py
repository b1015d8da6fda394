"""Refusals that SQL itself must raise, so that a statement fails as a whole.

A statement ends with `where <guard>`. A guard casts text to boolean: `true` when all is well, else a text no boolean
reads, whose error message carries code and message. That needs no function in the user's database.
"""

from hasura.engine.sql import Sql, concat, sql, string_constant

MARK = "hasura-error:"
CHECK_FAILED = ("permission-error", "check constraint of an insert/update permission has failed")


def guard(is_violated: Sql, code: str, message: str) -> Sql:
    """A condition that holds, or fails the statement with this code and message."""
    return concat(
        sql("(case when "),
        is_violated,
        sql(" then "),
        string_constant(f"{MARK}{code}:{message}"),
        sql("::text else 'true'::text end)::boolean"),
    )


def parse_violation(message: str) -> tuple[str, str] | None:
    """Code and message of a guard that failed, from PostgreSQL's error text."""
    start = message.find(MARK)
    if start < 0:
        return None
    code, _, text = message[start + len(MARK) :].partition(":")
    return code, text.removesuffix('"')
